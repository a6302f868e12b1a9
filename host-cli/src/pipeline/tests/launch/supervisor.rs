//! Where an app's process 1 comes from, and what a launch is without it.

use super::*;
use crate::engine::EngineError;

const AARCH64: u16 = 183;
const SIDECAR: &str = "APP/PROC/WEB/SIDECAR/CONFIG";

/// The recorded request with a sidecar that has a secret.
fn with_a_sidecar() -> Request {
    let document = quick(|document| {
        let sidecar = serde_json::json!({"run": {"path": "/tmp/lifecycle/launcher", "user": "vcap", "log_source": SIDECAR,
            "args": ["app", "config --token=pa55", ""], "env": [{"name": "TOKEN", "value": "s3cret"}]}});
        document["action"]["codependent"]["actions"].as_array_mut().unwrap().push(sidecar);
    });
    request(RequestKind::Launch, document)
}

fn only_spec(fake: &Fake) -> ContainerSpec {
    let state = fake.state();
    assert_eq!(state.containers.len(), 1, "{:?}", state.calls);
    state.containers.values().next().unwrap().1.clone()
}

fn value_of(spec: &ContainerSpec, name: &str) -> Option<String> {
    spec.environment.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone())
}

#[test]
fn sidecars_come_in_with_the_supervisor_and_stand_in_nothing_that_the_engine_shows() {
    let fake = engine();
    let walked = launched_from(&fake, "", with_a_sidecar());
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    assert!(!walked.said("sidecar"), "{}", walked.text);
    let spec = only_spec(&fake);
    assert_eq!(spec.entrypoint.first().map(String::as_str), Some("/.stager/supervisor"));
    assert!(!spec.init);
    let (folder, archive) = fake.state().copied_in[0].clone();
    let holds = |text: &str| archive.windows(text.len()).any(|bytes| bytes == text.as_bytes());
    assert!(folder == "/" && [".stager/supervisor", ".stager/sidecars.json", SIDECAR, "s3cret"].into_iter().all(holds));
    for secret in ["s3cret", "pa55"] {
        let shown = format!("{:?} {:?} {:?}", spec.labels, spec.entrypoint, spec.command);
        assert!(!walked.said(secret) && !shown.contains(secret) && value_of(&spec, "TOKEN").is_none(), "{secret}");
    }
}

#[test]
fn without_a_supervisor_the_engines_init_runs_the_app_and_what_is_missed_is_said_once() {
    let without_image = engine();
    without_image.state().images.retain(|image| !image.tags.contains(&"stager:latest".to_owned()));
    let older_image = engine();
    older_image.state().files.clear();
    for fake in [without_image, older_image] {
        let walked = launched_from(&fake, "", with_a_sidecar());
        assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
        let warning = "no app-supervisor beside host-cli or in the stager image \\\"stager:latest\\\"";
        assert_eq!(walked.text.matches(warning).count(), 1, "{}", walked.text);
        assert!(walked.said("1 sidecar (CONFIG)") && !walked.said("sidecars do not start"), "{}", walked.text);
        let spec = only_spec(&fake);
        assert_eq!((spec.entrypoint, spec.init), (vec!["/tmp/lifecycle/launcher".to_owned()], true));
        assert_eq!(value_of(&only_spec(&fake), "CF_INSTANCE_INTERNAL_IP").as_deref(), Some("127.0.0.1"));
        assert!(fake.state().copied_in.is_empty());
    }
}

#[test]
fn a_supervisor_for_another_machine_is_refused_where_there_are_sidecars_before_anything_starts_and_nothing_is_left() {
    let fake = engine();
    has_supervisor(&fake, AARCH64);
    fake.state().architecture = "x86_64";
    let walked = launched_from(&fake, "", with_a_sidecar());
    assert_eq!(walked.code, ExitCode::Launch);
    let text = "cannot use app-supervisor of the stager image \"stager:latest\": it is for aarch64, and the Docker Engine runs on \
                x86_64";
    assert_eq!(walked.failure(), text);
    assert!(fake.state().containers.is_empty() && !fake.verbs().contains(&"start".to_owned()), "{:?}", fake.calls());
    fake.state().files.insert("/usr/local/bin/app-supervisor".into(), tar("app-supervisor", b"#!/bin/sh\n"));
    let walked = launched_from(&fake, "", with_a_sidecar());
    assert!(walked.failure().ends_with("it is no static program of 64 bits"), "{}", walked.failure());
}

#[test]
fn an_app_without_sidecars_does_without_a_supervisor_that_does_not_run_there() {
    let of_another_machine = engine();
    has_supervisor(&of_another_machine, AARCH64);
    of_another_machine.state().architecture = "x86_64";
    let dynamic = engine();
    dynamic.state().files.insert("/usr/local/bin/app-supervisor".into(), tar("app-supervisor", b"#!/bin/sh\n"));
    for (fake, why) in [(of_another_machine, "it is for aarch64, and"), (dynamic, "it is no static program")] {
        let requests = vec![of_type("worker"), request(RequestKind::Launch, quick(|_| {}))];
        let walked = launched_all(&fake, "--all-processes", requests);
        assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
        assert_eq!(walked.text.matches(why).count(), 1, "once, for all processes: {}", walked.text);
        assert!(fake.state().containers.values().all(|(_, spec)| spec.init && spec.entrypoint.len() == 1));
        let walked = launched_all(&fake, "--all-processes", vec![of_type("worker"), with_a_sidecar()]);
        assert!(walked.code == ExitCode::Launch && walked.failure().contains(why), "{}", walked.text);
    }
}

#[test]
fn one_supervisor_serves_all_processes_and_its_image_can_be_another() {
    let fake = engine();
    fake.add_image("other:1", &[]);
    let requests = vec![request(RequestKind::Launch, quick(|_| {})), of_type("worker")];
    let walked = launched_all(&fake, "--all-processes --stager-image other:1", requests);
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    let verbs = fake.verbs();
    let times = |verb: &str| verbs.iter().filter(|other| *other == verb).count();
    assert_eq!((times("copy_out"), times("copy_in")), (1, 2));
    assert!(
        fake.calls().contains(&"image other:1".to_owned()) && !fake.calls().contains(&"image stager:latest".to_owned())
    );
}

#[test]
fn what_the_supervisor_is_taken_out_of_goes_when_that_fails() {
    let fake = engine();
    fake.fail("copy_out", EngineError::Refused { doing: "taking it out".into(), reason: "the disk is broken".into() });
    let walked = launched(&fake, "");
    assert!(walked.failure().contains("the disk is broken"), "{}", walked.failure());
    assert!(fake.state().containers.is_empty(), "{:?}", fake.calls());
}

#[test]
fn another_processes_request_brings_none_of_its_sidecars() {
    let fake = engine();
    let walked = launched_from(&fake, "--process worker", with_a_sidecar());
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    assert!(!only_spec(&fake).entrypoint.contains(&"--sidecars".to_owned()));
    assert!(walked.said("1 sidecar (CONFIG)"), "{}", walked.text);
}
