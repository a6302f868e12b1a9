//! What `restage` proposes to type next.

use super::restage::typed;
use crate::engine::ImageId;
use crate::image::MadeImage;
use crate::pipeline::propose_launch;
use crate::recorded_run::*;
use crate::settings::Settings;
use std::path::Path;

/// The command that is proposed after these words of `restage`, with these settings.
fn next(words: &str, settings: &str) -> String {
    let (mut command, _) = typed(words);
    let settings = Settings::parse(settings, Path::new("/h")).unwrap();
    command.add_host =
        if command.add_host.is_empty() { settings.add_host.clone().unwrap_or_default() } else { command.add_host };
    let request = request(RequestKind::Staging, document(STAGER_2016, "taskDefinition", |_| {}));
    let image = MadeImage { name: "i".to_owned(), id: ImageId("sha256:i".to_owned()), bytes: 1 };
    let fake = std::sync::Arc::new(Fake::with_image("x"));
    let walked = walked(&fake, nobody, move |session| {
        propose_launch(session, &request, &command, &settings, Some(&image));
        Ok(())
    });
    let line = walked.text.lines().find(|line| line.contains("\"next\"")).unwrap();
    let event: serde_json::Value = serde_json::from_str(line).unwrap();
    event["command"].as_str().unwrap().to_owned()
}

#[test]
fn the_launch_is_proposed_with_what_was_typed_and_without_what_the_settings_hold() {
    for (words, command) in [
        ("node-env", "host-cli launch node-env"),
        ("--from r.txt --from s.txt node-env", "host-cli launch --from r.txt --from s.txt node-env"),
        ("--from - node-env", "cfdot desired-lrps | host-cli launch --from - node-env"),
        ("--add-host a.b:[::1] --dns 10.0.0.2", "host-cli launch --add-host a.b=::1 --dns 10.0.0.2 node-env"),
        ("--stager-image s:1 node-env", "host-cli launch --stager-image s:1 node-env"),
    ] {
        assert_eq!(next(words, ""), command, "{words}");
    }
    assert_eq!(next("node-env", "add-host = ['a.b=10.0.0.1']"), "host-cli launch node-env");
}
