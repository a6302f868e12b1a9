//! What is printed: the request as it was logged, or a run action of it.

use super::dsl::{Home, STAGER, at, line, recorded};
use serde_json::{Value, json};
use std::fs;
use std::io::Read;
use std::process::Stdio;

/// What `jq -c 'select(.data.KEY).data.KEY'` prints for a recorded log, line by line.
fn as_jq(year: &str, log: &str, key: &str) -> Vec<Value> {
    let text = fs::read_to_string(recorded(year).join(log)).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|line| line["data"][key].clone()).filter(Value::is_object).collect()
}

#[test]
fn the_newest_request_of_every_recorded_era_is_printed_byte_for_byte() {
    let home = Home::new();
    for year in ["2016", "2017", "2026"] {
        for (command, log, key) in [
            ("build-req", "stager.stdout.log", "taskDefinition"),
            ("launch-req", "nsync_listener.stdout.log", "desiredLRP"),
        ] {
            let said = home.run(&format!("{command} --logs {}", recorded(year).display()));
            let document: Value = serde_json::from_str(said.printed()).unwrap();
            assert_eq!(&document, as_jq(year, log, key).last().unwrap(), "{year} {command}");
            assert!(fs::read_to_string(recorded(year).join(log)).unwrap().contains(said.printed()), "{year} {command}");
        }
    }
}

#[test]
fn numbers_and_escapes_are_untouched() {
    let document = r#"{"a": 1.0,"b":12345678901234567890,"c":1e5,"u":"\u0026\u003c"}"#;
    let home = Home::staged(&[format!(r#"{{"timestamp":"1.5","data":{{"taskDefinition":{document}}}}}"#)]);
    assert_eq!(home.run("build-req").printed(), document);
}

#[test]
fn a_docker_or_odd_request_is_printed_too() {
    for task in [json!({}), json!({"rootfs": "docker:///nginx"}), json!({"action": {"dance": 7}, "log_guid": 9})] {
        let home = Home::staged(&[line("1.0", &json!({"taskDefinition": task}))]);
        assert_eq!(serde_json::from_str::<Value>(home.run("build-req").printed()).unwrap(), task);
    }
}

#[test]
fn the_builder_is_found_wherever_it_stands_in_the_tree() {
    let home = Home::new();
    for (year, app, index) in [("2016", "node-env", 1), ("2016", "cached-node", 2), ("2017", "forced-node", 1)] {
        let said = home.run(&format!("build-cmd {app} --logs {}", recorded(year).display()));
        let requests = as_jq(year, "stager.stdout.log", "taskDefinition");
        let run = |task: &Value| task.pointer(&builder_at(index)).filter(|run| !run.is_null()).cloned();
        let all: Vec<Value> = requests.iter().filter_map(run).collect();
        let printed: Value = serde_json::from_str(said.printed()).unwrap();
        assert!(printed["path"] == "/tmp/lifecycle/builder" && all.contains(&printed), "{year} {app}: {printed}");
    }
}

fn builder_at(index: usize) -> String {
    format!("/action/timeout/action/serial/actions/{index}/emit_progress/action/run")
}

#[test]
fn todays_builder_without_emit_progress_is_found() {
    let said = Home::new().run(&format!("build-cmd --logs {}", recorded("2026").display()));
    assert_eq!(serde_json::from_str::<Value>(said.printed()).unwrap()["path"], "/tmp/lifecycle/builder");
}

#[test]
fn the_launchers_run_is_printed_and_not_a_sidecars() {
    let said = Home::new().run(&format!("launch-cmd node-env --logs {}", recorded("2026").display()));
    let run: Value = serde_json::from_str(said.printed()).unwrap();
    assert_eq!((&run["args"][1], &run["log_source"]), (&json!("node server.js"), &json!("APP/PROC/WEB")));
}

#[test]
fn a_request_without_a_builder_is_said_to_have_none() {
    let home = Home::staged(&[line("1.0", &json!({"taskDefinition": {"action": {"run": {"path": "/bin/x"}}}}))]);
    home.run("build-cmd").failed(3, &["the request runs no builder"]);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let much = line("1.0", &json!({"taskDefinition": {"filling": "x".repeat(1 << 20)}}));
    let home = Home::new().with(STAGER, &[much]);
    let mut child = home.command("build-req").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 5];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap(); // and then closes it
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
}

#[test]
fn an_output_that_cannot_be_written_is_said() {
    let home = Home::staged(&[at("1.0", "a").staging()]);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ended = home.command("build-req").stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    assert!(String::from_utf8(ended.stderr).unwrap().contains("cannot write to standard output"));
}
