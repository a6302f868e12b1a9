//! Requests that cannot be used: words, exit code 3, and nothing done.

use crate::world::{Outcome, World, agent, task};
use serde_json::{Value, json};
use std::io::Write;

fn stage_text(text: &[u8]) -> Outcome {
    let mut running = agent(&["--output", "json"]).spawn().unwrap();
    // The agent may refuse before it has read everything.
    let _ = running.stdin.take().unwrap().write_all(text);
    Outcome::of(running)
}

#[test]
fn what_is_no_request_is_said_in_words() {
    for (text, expected, advised) in [
        (&b""[..], "empty: no request was given", "docker run -i"),
        (b"\n \n", "empty: no request was given", "docker run -i"),
        (b"null\n", "null: the log line had no request", "build_req"),
        (b"{\"a\":1", "not JSON (line 1, column 6)", "build_req"),
        (b"{\xff", "not UTF-8 text (byte 2)", "build_req"),
        (b"[1,2]", "not a JSON object", "build_req"),
        (b"{\"x\":1}", "rootfs: missing or empty\naction: missing", "build_req"),
        (b"{\"process_guid\":\"x\"}", "this is a launch request", "build_req"),
        (b"{\"timestamp\":\"1\",\"data\":{\"taskDefinition\":{}}}", "this is a log line", "build_req"),
    ] {
        let outcome = stage_text(text);
        let (text, advice) = outcome.failure();
        assert!(outcome.code == 3 && text.contains(expected) && advice.contains(advised), "{text}\n{advice}");
        assert_eq!((outcome.events.len(), outcome.err.as_str()), (2, ""), "hello, failed, and nothing else");
    }
}

#[test]
fn a_request_may_end_with_empty_lines() {
    let world = World::new();
    let text = format!("{}\n\n", task(&world.shell("exit 0")));
    stage_text(text.as_bytes()).done();
}

#[test]
fn more_than_any_request_has_is_not_read() {
    let outcome = stage_text(&vec![b' '; 17 << 20]);
    assert_eq!((outcome.code, outcome.failure().0), (3, "the request is larger than 16 MiB"));
}

#[test]
fn every_complaint_is_made_at_once_and_none_quotes_a_value() {
    let world = World::new();
    let mut request = task(&world.shell("touch began"));
    request["rootfs"] = json!("");
    request["memory_mb"] = json!("s3cret");
    request["action"] = json!({"serial": {"actions": [request["action"], {"exec": {"args": ["s3cret"]}}]}});
    let outcome = world.stage(&request, &[]);
    let (text, _) = outcome.failure();
    for path in ["memory_mb", "action.serial.actions[1]"] {
        assert!(text.contains(path), "{path} is not in {text}");
    }
    assert!(!text.contains("s3cret") && !world.exists("began"), "{text}");
}

#[test]
fn a_request_may_be_a_file() {
    let world = World::new();
    let file = world.text("request.json");
    std::fs::write(&file, task(&world.shell("echo built")).to_string()).unwrap();
    assert_eq!(world.stage(&Value::Null, &["--request", &file]).done().out(), ["built"]);
    let outcome = world.stage(&Value::Null, &["--request", &world.text("none")]);
    assert!(outcome.failure().0.starts_with("cannot read the request from /"), "{}", outcome.failure().0);
}

#[test]
fn a_wrong_command_line_is_said_on_standard_error_before_any_stream() {
    let outcome = Outcome::of(agent(&["--output", "json", "--frobnicate"]).spawn().unwrap());
    assert_eq!((outcome.code, outcome.events.len()), (2, 0));
    assert!(outcome.err.contains("--frobnicate"), "{}", outcome.err);
}
