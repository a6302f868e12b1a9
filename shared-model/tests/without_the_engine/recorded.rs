//! The models against the requests that real components logged: nothing is complained about, nothing is lost.

use serde_json::Value;
use shared_model::action::Action;
use shared_model::validate;
use std::fmt::Write;
use std::fs;
use std::path::Path;

const YEARS: [&str; 3] = ["2016", "2017", "2026"];

/// The requests under `data.KEY` of a year's log, in their order.
fn recorded(year: &str, log: &str, key: &str) -> Vec<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/requests").join(year).join(log);
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let requests: Vec<Value> = lines.map(|line| line["data"][key].clone()).filter(Value::is_object).collect();
    assert!(!requests.is_empty(), "{year}/{log} has no request");
    requests
}

fn stagings(year: &str) -> Vec<Value> {
    recorded(year, "stager.stdout.log", "taskDefinition")
}

fn launches(year: &str) -> Vec<Value> {
    recorded(year, "nsync_listener.stdout.log", "desiredLRP")
}

/// `value` without the keys whose value is `unsaid`, at any depth.
fn without(value: &Value, unsaid: &dyn Fn(&Value) -> bool) -> Value {
    match value {
        Value::Object(object) => {
            let said = object.iter().filter(|(_, value)| !unsaid(value));
            said.map(|(key, value)| (key.clone(), without(value, unsaid))).collect()
        }
        Value::Array(list) => list.iter().map(|value| without(value, unsaid)).collect(),
        other => other.clone(),
    }
}

/// What was written is what was logged. Two liberties, neither of which means anything to Go: a key with `null` is not
/// written, and Go's zero value may be written for a key that was left out.
#[track_caller]
fn assert_same(written: &Value, logged: &Value) {
    let (written, logged) = (without(written, &Value::is_null), without(logged, &Value::is_null));
    assert_nothing_lost(&written, &logged, "");
    let is_zero = |value: &Value| *value == "" || *value == 0 || *value == false;
    assert_eq!(without(&written, &is_zero), without(&logged, &is_zero));
}

#[track_caller]
fn assert_nothing_lost(written: &Value, logged: &Value, path: &str) {
    match (written, logged) {
        (Value::Object(written), Value::Object(logged)) => {
            for (key, value) in logged {
                let found = written.get(key).unwrap_or_else(|| panic!("{path}.{key} was lost"));
                assert_nothing_lost(found, value, &format!("{path}.{key}"));
            }
        }
        (Value::Array(written), Value::Array(logged)) => {
            assert_eq!(written.len(), logged.len(), "{path}");
            written.iter().zip(logged).for_each(|(written, logged)| assert_nothing_lost(written, logged, path));
        }
        (written, logged) => assert_eq!(written, logged, "{path}"),
    }
}

#[test]
fn every_recorded_staging_request_is_read_without_a_complaint_and_written_as_it_was() {
    for year in YEARS {
        for logged in stagings(year) {
            let task = validate::task(&logged.to_string()).unwrap();
            assert_same(&serde_json::to_value(&task).unwrap(), &logged);
        }
    }
}

#[test]
fn every_recorded_launch_request_is_read_without_a_complaint_and_written_as_it_was() {
    for year in YEARS {
        for logged in launches(year) {
            let lrp = validate::desired_lrp(&logged.to_string()).unwrap();
            assert_same(&serde_json::to_value(&lrp).unwrap(), &logged);
        }
    }
}

#[test]
fn the_builder_is_found_wherever_it_stands() {
    for (year, index, place) in [
        ("2016", 0, "/action/timeout/action/serial/actions/1/emit_progress/action/run"),
        ("2016", 2, "/action/timeout/action/serial/actions/2/emit_progress/action/run"),
        ("2017", 0, "/action/timeout/action/serial/actions/1/emit_progress/action/run"),
        ("2026", 0, "/action/timeout/action/serial/actions/1/run"),
        ("2026", 1, "/action/timeout/action/serial/actions/0/run"),
    ] {
        let logged = &stagings(year)[index];
        let run = logged.pointer(place).unwrap_or_else(|| panic!("{year}[{index}] has nothing at {place}"));
        let task = validate::task(&logged.to_string()).unwrap();
        let builder = task.builder().unwrap();
        assert_eq!(builder.path, "/tmp/lifecycle/builder");
        assert_same(&serde_json::to_value(builder).unwrap(), run);
    }
}

#[test]
fn the_launcher_is_the_apps_own_in_every_era() {
    for year in YEARS {
        for logged in launches(year) {
            let lrp = validate::desired_lrp(&logged.to_string()).unwrap();
            let launcher = lrp.launcher().unwrap();
            assert_eq!(launcher.path, "/tmp/lifecycle/launcher");
            assert!(!launcher.log_source.as_deref().unwrap().contains("SIDECAR"));
        }
    }
}

#[test]
fn every_staging_request_says_whose_it_is() {
    for year in YEARS {
        for logged in stagings(year) {
            let task = validate::task(&logged.to_string()).unwrap();
            let application = task.application();
            assert!(!application.name.is_empty() && application.guid == logged["log_guid"], "{application:?}");
            assert!(task.staging_guid().is_some() && task.stack().is_some());
        }
    }
}

#[test]
fn limits_are_the_same_time_in_every_era() {
    for year in YEARS {
        let task = validate::task(&stagings(year)[0].to_string()).unwrap();
        let Some(Action::Timeout(timeout)) = task.action else { panic!("{year}: no timeout") };
        assert_eq!(timeout.limit().unwrap().as_secs(), 900, "{year}");
        let lrp = validate::desired_lrp(&launches(year)[0].to_string()).unwrap();
        assert_eq!(lrp.start_timeout().unwrap().as_secs(), 60, "{year}");
    }
}

#[test]
fn no_secret_of_a_request_is_in_its_debug_text() {
    for year in YEARS {
        let mut texts = String::new();
        for logged in stagings(year) {
            let _ = write!(texts, "{:?}", validate::task(&logged.to_string()).unwrap()); // a String takes everything
        }
        for logged in launches(year) {
            let _ = write!(texts, "{:?}", validate::desired_lrp(&logged.to_string()).unwrap());
        }
        for secret in ["md5=", "s3cret", "up%252Fpw", "FIXTURE-NOT-A-KEY", "application_uris"] {
            assert!(!texts.contains(secret), "{year}: {secret}");
        }
    }
}
