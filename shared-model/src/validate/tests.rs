//! Requests that are refused, each with the words of the refusal.

use super::*;
use proptest::prelude::*;

/// a request without an error, to be broken by each test in its own way.
const GOOD: &str = r#"{"rootfs":"preloaded:cflinuxfs2","action":{"timeout":{"timeout":900000000000,"action":{"serial":{"actions":[
    {"download":{"from":"http://h/a","to":"/tmp/app","user":"vcap"}},
    {"run":{"path":"/tmp/lifecycle/builder","user":"vcap"}}]}}}}}"#;

fn errors(json: &str) -> Vec<String> {
    match task(json) {
        Ok(_) => Vec::new(),
        Err(ValidationErrors(errors)) => errors.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_good_request_has_no_complaints() {
    assert_eq!(errors(GOOD), Vec::<String>::new());
}

#[test]
fn an_unknown_kind_is_named_with_its_path() {
    let json = GOOD.replace("\"run\"", "\"exec\"");
    assert_eq!(
        errors(&json),
        ["action.timeout.action.serial.actions[1]: unknown action kind \"exec\" \
          (known: download, upload, run, timeout, emit_progress, try, parallel, serial, codependent)"]
    );
}

#[test]
fn two_kinds_in_one_action_are_named_with_their_path() {
    let json = GOOD.replace("{\"run\"", "{\"try\":{},\"run\"");
    assert_eq!(errors(&json), ["action.timeout.action.serial.actions[1]: 2 kinds in one action: \"run\", \"try\""]);
}

#[test]
fn an_action_without_a_kind_is_complained_about() {
    assert!(errors(r#"{"rootfs":"preloaded:x","action":{}}"#)[0].starts_with("action: an action without a kind"));
}

#[test]
fn all_complaints_come_at_once() {
    let json = GOOD
        .replace("\"run\"", "\"exec\"")
        .replace("\"to\":\"/tmp/app\"", "\"to\":7")
        .replace("\"rootfs\":\"preloaded:cflinuxfs2\"", "\"rootfs\":\"x:y\",\"memory_mb\":\"lots\",\"disk_mb\":[]");
    let found = errors(&json);
    for path in [
        "action.timeout.action.serial.actions[1]",
        "action.timeout.action.serial.actions[0].download.to",
        "memory_mb",
        "disk_mb",
    ] {
        assert!(found.iter().any(|error| error.starts_with(path)), "{path} is not in {found:#?}");
    }
    assert_eq!(found.len(), 4, "{found:#?}");
}

#[test]
fn rules_of_the_bbs_are_checked_throughout_the_tree() {
    let found = errors(
        r#"{"rootfs":"","cpu_weight":101,"cached_dependencies":[{"from":"http://h"}],
            "action":{"timeout":{"action":{"serial":{"actions":[{"run":{"path":"/a"}},{"parallel":{}}]}}}}}"#,
    );
    assert_eq!(
        found,
        [
            "rootfs: missing or empty",
            "action.timeout: no timeout above zero",
            "action.timeout.action.serial.actions[0].run.user: missing or empty",
            "action.timeout.action.serial.actions[1].parallel.actions: missing or empty",
            "cached_dependencies[0].to: missing or empty",
            "cpu_weight: over 100",
        ]
    );
}

#[test]
fn a_nul_character_that_no_process_can_be_given_is_complained_about() {
    let json = GOOD.replace(
        "\"path\":\"/tmp/lifecycle/builder\"",
        r#""path":"/b\u0000","args":["-x","\u0000"],"env":[{"name":"A","value":"b\u0000"}],"dir":"\u0000""#,
    );
    let found = errors(&json);
    let run = "action.timeout.action.serial.actions[1].run";
    let expected = ["path", "args", "dir", "env"]
        .map(|field| format!("{run}.{field}: a NUL character, which no process can be given"));
    assert_eq!(found, expected);
}

#[test]
fn no_complaint_quotes_a_value() {
    let json = GOOD.replace("\"to\":\"/tmp/app\"", "\"to\":{\"SECRET\":\"SECRET, expected SECRET\"},\"user\":\"SECRET\"").replace(
        "\"rootfs\"",
        "\"memory_mb\":\"SECRET, expected SECRET\",\"env\":[{\"name\":\"A\",\"value\":[\"SECRET\"]},\"SECRET\"],\"image_layers\":[{\"layer_type\":\"SECRET\"}],\"rootfs\"",
    );
    let found = errors(&json).join("\n");
    assert!(!found.is_empty() && !found.contains("SECRET"), "{found}");
}

#[test]
fn what_is_no_request_at_all_is_said_in_words() {
    for (text, expected) in [
        ("", "empty"),
        ("  \n", "empty"),
        ("null", "null"),
        ("[]", "not a JSON object"),
        ("{", "not JSON (line 1, column 1)"),
        (r#"{"process_guid":"x"}"#, "launch request"),
        (r#"{"timestamp":"1","data":{"taskDefinition":{}}}"#, "log line"),
    ] {
        let found = errors(text);
        assert!(found.len() == 1 && found[0].contains(expected), "{text:?} gave {found:?}");
    }
}

#[test]
fn unknown_fields_are_ignored() {
    assert_eq!(errors(&GOOD.replacen('{', r#"{"tomorrow":{"actions":"x"},"#, 1)), Vec::<String>::new());
}

#[test]
fn a_staging_request_is_no_launch_request() {
    let refused = desired_lrp(r#"{"rootfs":"preloaded:x","completion_callback_url":"http://h/a/b"}"#).unwrap_err();
    assert!(refused.to_string().contains("staging request"), "{refused}");
}

proptest! {
    #[test]
    fn no_document_makes_it_panic(text in "\\PC{0,60}") {
        let _ = (task(&text), desired_lrp(&text));
    }

    #[test]
    fn a_request_cut_anywhere_is_refused_and_not_panicked_on(at in 0..GOOD.len()) {
        if GOOD.is_char_boundary(at) {
            prop_assert!(task(&GOOD[..at]).is_err());
        }
    }
}
