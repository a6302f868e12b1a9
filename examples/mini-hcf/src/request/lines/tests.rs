//! Our lines against the recorded ones: 2016 and 2017 to the byte, today key by key.

use serde_json::Value;

use super::*;
use crate::request::application::{Artifact, Buildpack, HealthCheck, Space};
use crate::request::bindings::Bindings;
use crate::request::lifecycle::Lifecycle;
use crate::request::samples::{skeleton_of, today, web};
use crate::request::style::Style;

const STAGER_2016: &str = include_str!("../../../../requests/2016/stager.stdout.log");
const STAGER_2017: &str = include_str!("../../../../requests/2017/stager.stdout.log");
const STAGER_2026: &str = include_str!("../../../../requests/2026/stager.stdout.log");
const NSYNC_2016: &str = include_str!("../../../../requests/2016/nsync_listener.stdout.log");
const NSYNC_2017: &str = include_str!("../../../../requests/2017/nsync_listener.stdout.log");
const NSYNC_2026: &str = include_str!("../../../../requests/2026/nsync_listener.stdout.log");

/// The lines that a push of `name` left, from the one with `first` up to the one with `last`.
fn recorded<'a>(log: &'a str, guid: &str, first: &str, last: &str) -> Vec<&'a str> {
    let about = |line: &&str| line.contains(guid) && !line.contains("overriding requested timeout");
    let lines: Vec<&str> = log.lines().filter(about).collect();
    let start = lines.iter().position(|line| line.contains(first)).unwrap();
    let end = start + lines[start..].iter().position(|line| line.contains(last)).unwrap();
    lines[start..=end].to_vec()
}

fn payload(lines: &[&str], key: &str) -> Value {
    let values = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    values.map(|value| value["data"][key].clone()).find(Value::is_object).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn artifact(url: &Value, sum: &Value) -> Artifact {
    Artifact { url: text(url), sha256: sum.as_str().map(str::to_owned) }
}

/// The inputs of a 2016 or 2017 request, read back from it.
fn application(style: Style, task: &Value, lrp: &Value) -> Application {
    let steps = task["action"]["timeout"]["action"]["serial"]["actions"].as_array().unwrap();
    let builder = steps.iter().find_map(|step| step.pointer("/emit_progress/action/run")).unwrap();
    let cache = steps.iter().find_map(|step| step.pointer("/try/action/download/from"));
    let dependencies = task["cached_dependencies"].as_array().unwrap();
    let vcap: Value = serde_json::from_str(builder["env"][0]["value"].as_str().unwrap()).unwrap();
    let processes = lrp["action"]["codependent"]["actions"].as_array().unwrap();
    let callback = text(&task["completion_callback_url"]);
    Application {
        style,
        name: text(&vcap["application_name"]),
        guid: text(&task["log_guid"]),
        lifecycle: Lifecycle::Buildpack,
        process: web(task["log_guid"].as_str().unwrap()),
        version: text(&vcap["version"]),
        staging_guid: callback.split('/').nth_back(1).unwrap().to_owned(),
        space: Space {
            domain: "192.168.77.77.nip.io".into(),
            api: String::new(),
            name: text(&vcap["space_name"]),
            guid: text(&vcap["space_id"]),
            organization_name: String::new(),
            organization_guid: String::new(),
        },
        stack: "cflinuxfs2".into(),
        memory_mb: 32,
        disk_mb: 1024,
        env: Vec::new(),
        services: "{}".into(),
        bindings: Bindings::Variable,
        order: dependencies.iter().skip(1).map(|dependency| text(&dependency["cache_key"])).collect(),
        buildpacks: dependencies
            .iter()
            .skip(1)
            .map(|dependency| Buildpack {
                name: text(&dependency["name"]),
                key: text(&dependency["cache_key"]),
                artifact: artifact(&dependency["from"], &Value::Null),
            })
            .collect(),
        skip_detect: builder["args"][8] == "-skipDetect=true",
        package: artifact(&steps[0]["download"]["from"], &Value::Null),
        build_artifacts: cache.map(|url| artifact(url, &Value::Null)),
        droplet: artifact(&lrp["setup"]["serial"]["actions"][0]["download"]["from"], &Value::Null),
        command: text(&processes[0]["run"]["args"][1]),
        health_check: if lrp["monitor"].is_object() { HealthCheck::Port } else { HealthCheck::None },
        ssh: processes.len() == 2,
        etag: text(&lrp["annotation"]),
    }
}

/// Everything from `start` up to `end` (both stay) becomes `with`.
fn replaced(line: &str, start: &str, end: &str, with: &str) -> String {
    let Some((before, rest)) = line.split_once(start) else {
        return line.to_owned();
    };
    let (_, after) = rest.split_once(end).unwrap();
    format!("{before}{start}{with}{end}{after}")
}

/// Times, session numbers and the public halves of the SSH keys differ from push to push.
fn comparable(line: &str) -> String {
    let line = replaced(line, r#""timestamp":""#, "\"", "T");
    let line = replaced(&line, r#""session":""#, "\"", "S");
    let line = replaced(&line, "-authorizedKey=", "\"", "K");
    replaced(&line, r#""host_fingerprint":""#, "\"", "F")
}

fn assert_same(style: Style, stager_log: &str, nsync_log: &str, guid: &str) {
    let staging = recorded(stager_log, guid, "staging-request.environment", "desiring-task");
    let launching = recorded(nsync_log, guid, "desire-app.serving", "desire-app.complete");
    let application = application(style, &payload(&staging, "taskDefinition"), &payload(&launching, "desiredLRP"));
    let occasion = Occasion { nanoseconds: 0, number: 1 };
    for (ours, theirs) in [(stager(&application, occasion), staging), (nsync(&application, occasion), launching)] {
        let ours: Vec<String> = ours.iter().map(|line| comparable(line)).collect();
        let theirs: Vec<String> = theirs.iter().map(|line| comparable(line)).collect();
        assert_eq!(ours, theirs);
    }
}

#[test]
fn lines_of_2016_are_the_recorded_ones_to_the_byte() {
    assert_same(Style::Y2016, STAGER_2016, NSYNC_2016, "18c50a86-b045-5fed-bae9-e6ea03383693");
    assert_same(Style::Y2016, STAGER_2016, NSYNC_2016, "5d886c4d-d5a1-5360-b935-9f8f15d451bd");
}

#[test]
fn lines_of_2017_are_the_recorded_ones_to_the_byte() {
    assert_same(Style::Y2017, STAGER_2017, NSYNC_2017, "18c50a86-b045-5fed-bae9-e6ea03383693");
    assert_same(Style::Y2017, STAGER_2017, NSYNC_2017, "5d886c4d-d5a1-5360-b935-9f8f15d451bd");
}

#[test]
fn a_repush_with_a_build_artifacts_cache_is_the_recorded_one_to_the_byte() {
    let guid = "e05638ad-cf2c-5b0e-a12c-402fd02be6cd";
    let staging = recorded(STAGER_2016, guid, "staging-request.environment", "desiring-task");
    let launching = recorded(NSYNC_2016, "18c50a86", "desire-app.serving", "desire-app.complete");
    let task = payload(&staging, "taskDefinition");
    let application = application(Style::Y2016, &task, &payload(&launching, "desiredLRP"));
    let ours = stager(&application, Occasion { nanoseconds: 0, number: 1 });
    assert_eq!(comparable(&ours[2]), comparable(staging[2]));
}

#[test]
fn todays_requests_have_the_recorded_keys_in_the_recorded_order() {
    // What the recorded app had and a pushed one has not, and what Cloud Controller itself writes otherwise.
    let extra = ["placement_tags", "volume_mounts", "volume_mounted_files.", "env[].value."];
    let extra = [&extra[..], &["volume_mounted_files[]"]].concat();
    for (style, index, cache) in [(Style::Y2026, 0, true), (Style::Y2026Layers, 1, false)] {
        let application = today(style, cache);
        let occasion = Occasion { nanoseconds: 0, number: 1 };
        for (ours, log, message) in [
            (stager(&application, occasion)[2].clone(), STAGER_2026, "staging-task-request"),
            (nsync(&application, occasion)[3].clone(), NSYNC_2026, "desired-app-request"),
        ] {
            let theirs = log.lines().filter(|line| line.contains(message)).nth(index).unwrap();
            assert_eq!(skeleton_of(&ours, &extra), skeleton_of(theirs, &extra), "{style:?} {message}");
        }
    }
}

#[test]
fn the_users_environment_comes_first_today_then_the_stack() {
    let mut application = today(Style::Y2026, false);
    application.env = vec![("COLOUR".into(), "a&b".into())];
    let line = stager(&application, Occasion { nanoseconds: 0, number: 1 }).remove(2);
    assert!(line.contains(
        r#"[{"name":"COLOUR","value":"a\u0026b"},{"name":"CF_STACK","value":"cflinuxfs4"},{"name":"VCAP_APPLICATION""#
    ));
}
