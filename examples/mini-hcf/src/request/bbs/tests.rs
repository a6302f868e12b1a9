//! Our documents against what `cfdot` printed of an unpatched Cloud Foundry: every key, in its order.

use super::*;
use crate::request::application::{HealthCheck, Process, Sidecar};
use crate::request::bindings::Bindings;
use crate::request::lifecycle::{DockerImage, ImageMetadata, Lifecycle};
use crate::request::samples::{skeleton_of, today};
use crate::request::style::Style;
use serde_json::Value;

const TASKS: &str = include_str!("../../../../requests/cfdot/cfdot-tasks.jsonl");
const LRPS: &str = include_str!("../../../../requests/cfdot/cfdot-desired-lrps.jsonl");

/// What depends on the recorded app: its routes, firewall rules, and the contents of its variables.
const OF_THE_APP: [&str; 4] = ["port_range", "icmp_info", "egress_rules[].", "volume_mounted_files[].content."];

/// The recorded document that contains this text.
fn recorded<'a>(log: &'a str, mark: &str) -> &'a str {
    log.lines().find(|line| line.contains(mark)).unwrap()
}

fn recorded_task(guid: &str) -> &'static str {
    recorded(TASKS, &format!(r#""task_guid":"{guid}"#))
}

fn recorded_lrp(guid: &str) -> &'static str {
    recorded(LRPS, &format!(r#""process_guid":"{guid}"#))
}

fn assert_alike(ours: &str, theirs: &str, more: &[&str]) {
    let left_out = [&OF_THE_APP[..], more].concat();
    assert_eq!(skeleton_of(ours, &left_out), skeleton_of(theirs, &left_out));
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Names of the variables of a `run` action.
fn names(run: &Value) -> Vec<&str> {
    run["env"].as_array().unwrap().iter().map(|variable| variable["name"].as_str().unwrap()).collect()
}

fn cnb(style: Style) -> Application {
    let mut application = today(style, false);
    application.lifecycle = Lifecycle::Cnb(r#"{"h.example":{"username":"u","password":"p"}}"#.into());
    application.buildpacks.clear();
    application.order = vec!["docker://h.example/a:1".into(), "docker://h.example/b:1".into()];
    application.skip_detect = true;
    application.health_check = HealthCheck::Port;
    application
}

fn docker(style: Style, ports: &[u16]) -> Application {
    let mut application = today(style, false);
    application.lifecycle = Lifecycle::Docker(DockerImage {
        reference: "h.example:5000/acme/reports:2.3".into(),
        login: Some(("puller".into(), "right".into())),
        insecure: Vec::new(),
        found: ImageMetadata {
            entrypoint: vec!["/e".into()],
            cmd: vec!["c".into()],
            workdir: "/srv".into(),
            user: "nobody".into(),
            ports: ports.to_vec(),
        },
    });
    application.buildpacks.clear();
    application.order.clear();
    application.health_check = HealthCheck::Port;
    application
}

#[test]
fn a_task_has_the_keys_that_cfdot_prints_in_its_order() {
    for (style, guid) in [
        (Style::Y2026, "4f5e5ca7-615d-4f99-a0fc-810f0d9e8b69"),
        (Style::Y2026Layers, "862992f4-29de-4ebc-ac70-83e64b27c603"),
    ] {
        let ours = task(&today(style, true), 1_795_898_528_288_147_770).to_go();
        // The recorded app has other services and a list in its environment.
        assert_alike(
            &ours,
            recorded_task(guid),
            &["env[].value.p", "env[].value.user", "env[].value.credhub", "env[].value.beta", "env[].value.rate"],
        );
        assert!(ours.contains(r#""created_at":1795898528288147770,"#) && ours.contains(r"\u0026"), "{ours}");
    }
}

#[test]
fn a_staging_with_cloud_native_buildpacks_is_the_recorded_one() {
    let services = ["env[].value.user", "env[].value.credhub", "env[].value.registry", "env[].value.h.example"];
    for (style, guid) in [(Style::Y2026, "47f14ca6"), (Style::Y2026Layers, "4059253a")] {
        let (ours, theirs) = (task(&cnb(style), 1).to_go(), recorded_task(guid));
        assert_alike(&ours, theirs, &services);
        let builder = |text: &str| {
            let steps = parsed(text)["action"]["timeout"]["action"]["serial"]["actions"].clone();
            steps.as_array().unwrap().iter().find_map(|step| step.get("run")).unwrap().clone()
        };
        let (ours, theirs) = (builder(&ours), builder(theirs));
        let fixed = |run: &Value| run["args"].as_array().unwrap()[..4].to_vec();
        assert_eq!(fixed(&ours), fixed(&theirs));
        // Not the user's own, and not where CredHub is.
        let platform = |names: Vec<&str>| -> Vec<String> {
            let known = ["VCAP_APPLICATION", "MEMORY_LIMIT", "VCAP_SERVICES", "CF_STACK"];
            names.into_iter().filter(|name| known.contains(name)).map(str::to_owned).collect()
        };
        assert_eq!(platform(names(&ours)), platform(names(&theirs)));
        let args: Vec<&str> = ours["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        assert_eq!(
            args[4..],
            [
                "--buildpack",
                "docker://h.example/a:1",
                "--buildpack",
                "docker://h.example/b:1",
                "--pass-env-var",
                "VCAP_APPLICATION",
                "--pass-env-var",
                "MEMORY_LIMIT",
                "--pass-env-var",
                "VCAP_SERVICES"
            ]
        );
    }
    let ours = parsed(&task(&cnb(Style::Y2026), 1).to_go());
    assert_eq!(ours["env"][4]["name"], "CNB_REGISTRY_CREDS");
    let mut all = cnb(Style::Y2026);
    all.skip_detect = false;
    assert!(task(&all, 1).to_go().contains(r#""--auto-detect""#));
}

#[test]
fn a_staging_of_an_image_is_the_recorded_one() {
    let private = task(&docker(Style::Y2026, &[3000]), 1).to_go();
    assert_alike(&private, recorded_task("59876436"), &[]);
    assert!(private.contains(r#""-dockerUser=puller","-dockerPassword=right"]"#), "{private}");
    assert_alike(&task(&docker(Style::Y2026Layers, &[3000]), 1).to_go(), recorded_task("5a363532"), &[]);
}

#[test]
fn a_desired_lrp_has_the_keys_that_cfdot_prints_in_its_order() {
    // What the recorded app has: other routes, checks and services.
    let other = ["env[].value.", "routes", "interval_ms", "check_definition", "request_timeout_ms"];
    let mut files = today(Style::Y2026, true);
    files.bindings = Bindings::File;
    let ours = lrp(&files, "be4a0a08-6d7e-42bd-72cf-bf3dae2ab812").to_go();
    assert_alike(&ours, recorded_lrp("9d729b20-"), &other);
    assert!(ours.contains(r#""process_type":{"static":"web"}"#) && ours.contains(r#""log_source":"","#), "{ours}");
    let variables = &parsed(&ours)["action"]["codependent"]["actions"][0]["run"];
    assert!(names(variables).contains(&"VCAP_SERVICES_FILE_PATH") && !names(variables).contains(&"VCAP_SERVICES"));
}

#[test]
fn a_web_process_with_layers_files_and_a_sidecar_is_the_recorded_one() {
    let other = ["env[].value.credhub", "volume_mounts", "check_definition", "team"];
    let mut application = today(Style::Y2026Layers, true);
    application.bindings = Bindings::Folders;
    application.services = r#"{"a":[{"name":"b","label":"a","credentials":{"c":"d"}}]}"#.into();
    application.ssh = true;
    application.process.sidecars = vec![Sidecar { name: "otel Collector".into(), command: "./otelcol".into() }];
    let (ours, theirs) = (lrp(&application, "e").to_go(), recorded_lrp("0c4c2dda-"));
    assert_alike(&ours, theirs, &[&other[..], &["host_256_fingerprint", "host_fingerprint", "private_key"]].concat());
    let sources = |text: &str| -> Vec<Value> {
        let actions = parsed(text)["action"]["codependent"]["actions"].clone();
        actions.as_array().unwrap().iter().map(|action| action["run"]["log_source"].clone()).collect()
    };
    assert_eq!(sources(&ours), sources(theirs));
    let run = |text: &str| parsed(text)["action"]["codependent"]["actions"][1]["run"].clone();
    assert_eq!(run(&ours)["args"], parsed(r#"["app","./otelcol",""]"#));
    assert!(names(&run(&ours)).contains(&"SERVICE_BINDING_ROOT"));
}

#[test]
fn the_processes_of_other_lifecycles_and_types_are_the_recorded_ones() {
    let services = ["env[].value.user", "env[].value.credhub", "readiness_checks", "request_timeout_ms"];
    let ours = lrp(&cnb(Style::Y2026), "e").to_go();
    assert_alike(&ours, recorded_lrp("4b39d3d1-"), &services);
    let run = &parsed(&ours)["action"]["codependent"]["actions"][0]["run"];
    assert_eq!(names(run), ["PORT", "VCAP_APPLICATION", "MEMORY_LIMIT", "VCAP_SERVICES"]);

    let mut image = docker(Style::Y2026, &[3000, 9000]);
    image.ssh = true;
    let ours = lrp(&image, "e").to_go();
    let keys = ["host_256_fingerprint", "host_fingerprint", "private_key", "connect_timeout_ms", "resource_limits"];
    assert_alike(&ours, recorded_lrp("8b09c42d-"), &[&services[..], &keys].concat());
    let ours = parsed(&ours);
    assert_eq!(ours["rootfs"], "docker://h.example:5000/acme/reports#2.3");
    assert_eq!((&ours["ports"], &ours["legacy_download_user"]), (&parsed("[3000,9000,2222]"), &Value::from("nobody")));
    assert_eq!(ours["network"]["properties"]["ports"], "3000,9000");

    let mut worker = today(Style::Y2026, true);
    worker.process = Process { kind: "worker".into(), guid: "w".into(), sidecars: Vec::new() };
    worker.health_check = HealthCheck::Process;
    let (ours, theirs) = (lrp(&worker, "e").to_go(), recorded_lrp("fa4869ec-"));
    assert_alike(&ours, theirs, &[&services[..], &["placement_tags", "log_rate_limit"]].concat());
    let (ours, theirs) = (parsed(&ours), parsed(theirs));
    assert_eq!(ours["routes"], theirs["routes"]);
    for key in ["process_type", "instance_id"] {
        assert_eq!(ours["metric_tags"][key], theirs["metric_tags"][key]);
    }
    assert_eq!(ours["action"]["codependent"]["actions"][0]["run"]["log_source"], "APP/PROC/WORKER");
}
