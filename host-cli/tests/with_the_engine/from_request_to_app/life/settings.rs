//! What is typed with a launch, and the way back from it.

use super::{Life, answer, environment};
use crate::app::inspect;
use serde_json::Value;
use std::fs;

/// Of what is typed, all that nobody is to find where everybody may look.
const HIDDEN: [&str; 4] = ["blue-as-typed", "round-in-a-file", "pass-in-a-file", "typed-as-command"];

#[test]
fn what_is_typed_with_a_launch_counts_until_a_rollback_and_a_failed_launch_changes_nothing() {
    let life = Life::of("wanted", "env-page", &["--style", "2017", "--env", "SHAPE=square"]);
    life.started("launch", &[]);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).to_str().unwrap().to_owned()
    };
    let variables = file("variables", "# of this machine\nSHAPE=round-in-a-file\n");
    let service = format!("my-db={}", file("service", r#"{"uri":"postgres://u:pass-in-a-file@db/x"}"#));
    let command = format!("MARK={} exec python3 app.py", HIDDEN[3]);
    let mut typed = vec!["--env", "COLOUR=blue-as-typed", "--env-file", &variables, "--service", &service];
    typed.extend(["--memory", "96M", "--command", &command]);
    let address = life.started("launch", &typed).remove(0);
    let told = environment(&address);
    for (name, value) in [("COLOUR", HIDDEN[0]), ("SHAPE", HIDDEN[1]), ("MARK", HIDDEN[3])] {
        assert_eq!(told[name], value, "{name}");
    }
    let services: Value = serde_json::from_str(told["VCAP_SERVICES"].as_str().unwrap()).unwrap();
    let bound = services["user-provided"].as_array().unwrap().iter().find(|one| one["name"] == "my-db").unwrap();
    assert_eq!(bound["credentials"]["uri"], "postgres://u:pass-in-a-file@db/x");
    let inspected = inspect(&life.running(None)[0]);
    assert_eq!(inspected["HostConfig"]["Memory"], 96 << 20);
    let labels = inspected["Config"]["Labels"].to_string();
    assert!(!HIDDEN.iter().any(|hidden| labels.contains(hidden)), "{labels}");

    let restarted = environment(&life.started("restart", &[])[0]);
    assert_eq!((&restarted["COLOUR"], &restarted["SHAPE"]), (&HIDDEN[0].into(), &HIDDEN[1].into()));

    let back = life.started("rollback", &[]).remove(0);
    let told = environment(&back);
    assert_eq!((&told["COLOUR"], &told["SHAPE"], &told["MARK"]), (&Value::Null, &"square".into(), &Value::Null));
    assert!(!told["VCAP_SERVICES"].as_str().unwrap_or_default().contains("my-db"), "{told}");
    let memory = inspect(&life.running(None)[0])["HostConfig"]["Memory"].clone();
    assert_eq!(memory, 96 << 20, "how much an instance may use is no revision's, as with `cf`");
    assert_eq!(revisions(&life), ["Rolled back to revision 1.", "New settings deployed.", "Initial revision."]);

    let before = life.running(None);
    let said = life.typed("launch", &["--command", "echo the last words; exit 3"]);
    let said = said.failed(8, &["wanted ended with status 3 before it was healthy"]);
    assert!(format!("{}{}", said.out, said.err).contains("the last words"), "{}{}", said.out, said.err);
    assert_eq!((life.running(None), answer(&back, "/healthz").as_deref()), (before, Some("ok\n")));
    assert_eq!(revisions(&life).len(), 3, "what failed is not remembered");
}

/// The newest first.
fn revisions(life: &Life) -> Vec<String> {
    let text = life.typed("revisions", &["--output", "json"]).done().out;
    let rows: Vec<Value> = serde_json::from_str(&text).unwrap();
    rows.iter().map(|row| row["description"].as_str().unwrap().to_owned()).collect()
}
