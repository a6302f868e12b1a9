//! The app's container as planned from recorded launch requests.

use super::*;
use crate::plan::golden::{assert_golden, describe, recorded};

const LOG_2016: &str = include_str!("../../../../examples/requests/2016/nsync_listener.stdout.log");
const LOG_2017: &str = include_str!("../../../../examples/requests/2017/nsync_listener.stdout.log");
const LOG_2026: &str = include_str!("../../../../examples/requests/2026/nsync_listener.stdout.log");

fn request(log: &str, app: &str) -> DesiredLrp {
    shared_model::validate::desired_lrp(&recorded(log, "desiredLRP", app)).unwrap()
}

fn plan(lrp: &DesiredLrp, process: &str, process_types: Option<&str>) -> ContainerSpec {
    let run = launcher(lrp).unwrap();
    let arguments = arguments(run, process, process_types).unwrap();
    let ports = [PublishedPort { host_address: "127.0.0.1".into(), host: 32768, container: 8080 }];
    let image = ImageId("sha256:abc".into());
    let start = Start {
        image: &image,
        process,
        arguments: &arguments,
        ports: if process == WEB { &ports } else { &[] },
        network: "hcf",
        instance: "5eed5eed-0000-4000-8000-000000000000",
        log: None,
    };
    app_container(lrp, run, &start)
}

#[test]
fn the_recorded_requests_give_these_containers() {
    for (log, app, name) in [
        (LOG_2016, "node-env", "app-2016"),
        (LOG_2017, "node-env", "app-2017"),
        (LOG_2026, "node-env", "app-2026"),
        (LOG_2016, "forced-node", "app-2016-forced"),
    ] {
        assert_golden(name, &plan(&request(log, app), WEB, None));
    }
}

#[test]
fn what_is_left_out_is_named_without_its_arguments() {
    assert_eq!(
        left_out(&request(LOG_2026, "node-env")),
        ["Not started: 1 sidecar (CONFIG)", "Not done on plain Docker: 1 volume mount, 2 egress rules"]
    );
    let of_2016 = left_out(&request(LOG_2016, "node-env")).join("\n");
    assert!(of_2016.contains("diego-sshd") && !of_2016.contains("KEY"), "{of_2016}");
    assert_eq!(left_out(&DesiredLrp::default()), Vec::<String>::new());
}

#[test]
fn another_process_has_the_same_variables_its_own_command_and_neither_check_nor_alias() {
    let lrp = request(LOG_2017, "node-env");
    let (web, worker) = (plan(&lrp, WEB, None), plan(&lrp, "worker", Some(r#"{"web":"w","worker":"rake work"}"#)));
    assert_eq!(worker.command, ["app", "rake work", ""]);
    assert_eq!(web.aliases, ["node-env-18c50a86.apps.stager.internal"]);
    assert_eq!(worker.aliases, ["worker.node-env-18c50a86.apps.stager.internal"]);
    assert_eq!(worker.health_check, None);
    let names = |spec: &ContainerSpec| spec.environment.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&web), names(&worker));
}

#[test]
fn an_unknown_process_is_answered_with_those_that_there_are() {
    let lrp = request(LOG_2016, "node-env");
    let run = launcher(&lrp).unwrap();
    for (label, words) in [
        (Some(r#"{"web":"a","clock":"b"}"#), r#"the app has no process type "worker"; its image has clock, web"#),
        (None, r#"the app has no process type "worker"; its image has none"#),
        (Some("not json"), r#"the app has no process type "worker"; its image has none"#),
    ] {
        assert_eq!(arguments(run, "worker", label).unwrap_err().to_string(), words);
    }
}

#[test]
fn a_secret_of_the_request_is_in_the_environment_only() {
    let spec = plan(&request(LOG_2016, "node-env"), WEB, None);
    let without_environment = ContainerSpec { environment: Vec::new(), ..spec.clone() };
    assert!(describe(&spec).contains("10.244.7.6"));
    assert!(!describe(&without_environment).contains("10.244.7.6"));
    assert!(!format!("{spec:?}").contains("10.244.7.6"));
    assert!(!describe(&spec).contains("FIXTURE-NOT-A-KEY"));
}

#[test]
fn names_differ_between_two_starts_of_an_app() {
    let lrp = request(LOG_2016, "node-env");
    assert_eq!(container_name(&lrp, WEB, "5eed5eed-0000-4000"), "cf-app-node-env-18c50a86-5eed5eed");
    assert_eq!(container_name(&lrp, "worker", "0-1"), "cf-app-node-env-worker-18c50a86-01");
}

#[test]
fn no_name_that_a_tenant_can_choose_stands_alone_and_apps_whose_slugs_are_the_same_differ() {
    const GUID: &str = "18C50A86-b045-5fed-bae9-e6ea03383693";
    let alias_of = |name: &str, guid: &str| {
        let application = Application { name: name.into(), guid: guid.into(), ..Application::default() };
        (alias(&application, WEB), alias(&application, name))
    };
    for name in ["diego-access", "API", "api.hcf", "🍹", "あうえお", "", &"x".repeat(300), "a.apps.stager.internal"]
    {
        let (web, other) = alias_of(name, GUID);
        assert!(web.ends_with("-18c50a86.apps.stager.internal"), "{web}");
        assert!(other.strip_suffix(&web).is_some_and(|first| first.ends_with('.')), "{other}");
        assert!(other.split('.').all(|label| (1..=63).contains(&label.len())), "{other}");
    }
    assert_ne!(alias_of("🍹", GUID), alias_of("あうえお", "28c50a86-b045-5fed-bae9-e6ea03383693"));
}
