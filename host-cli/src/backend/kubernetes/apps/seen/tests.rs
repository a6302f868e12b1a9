//! Objects as a cluster tells them.

use super::*;
use crate::plan::apps::apps;
use serde_json::{Value, json};

fn pod(name: &str, second: u32, change: impl FnOnce(&mut Value)) -> Pod {
    let mut value = json!({
        "metadata": {
            "name": name, "uid": format!("uid-{name}"), "creationTimestamp": format!("2026-11-30T01:02:{second:02}Z"),
            "labels": {
                "stager/kind": "app", "stager/app-guid": "g-1", "stager/app-name": "my-shop-1a2b", "stager/process": "web",
                "app.kubernetes.io/name": "my-shop-0123",
            },
            "annotations": { "stager/app-name": "my shop\u{1b}[2J" },
        },
        "spec": { "containers": [{ "name": "app", "image": "r/shop@sha256:1" }, { "name": "sidecar-1", "image": "r/shop@sha256:1" }] },
        "status": { "phase": "Running", "containerStatuses": [
            { "name": "app", "image": "i", "imageID": "i", "ready": true, "restartCount": 0, "started": true,
              "state": { "running": { "startedAt": "2026-11-30T01:02:03Z" } } },
            { "name": "sidecar-1", "image": "i", "imageID": "i", "ready": true, "restartCount": 0, "started": true,
              "state": { "running": { "startedAt": "2026-11-30T01:02:03Z" } } },
        ]},
    });
    change(&mut value);
    serde_json::from_value(value).unwrap()
}

fn deployment(replicas: i32) -> Workload {
    let labels = json!({ "stager/kind": "app", "stager/app-guid": "g-1", "stager/app-name": "my-shop-1a2b", "stager/process": "web" });
    let source = |name: &str| json!({ "secretRef": { "name": name } });
    let object = json!({
        "metadata": { "name": "my-shop-0123", "labels": labels, "annotations": { "stager/app-name": "my shop\u{1b}[2J" } },
        "spec": { "replicas": replicas, "selector": {}, "template": { "spec": {
            "imagePullSecrets": [{ "name": "my-shop-0123-pull" }],
            "volumes": [{ "name": "f", "secret": { "secretName": "my-shop-0123-files" } }],
            "containers": [
                { "name": "app", "envFrom": [source("my-shop-0123-environment"), source("somebody-elses")] },
                { "name": "sidecar-1", "envFrom": [source("my-shop-0123-sidecar-1")] },
            ],
        }}},
    });
    Workload::of_deployment(&serde_json::from_value(object).unwrap())
}

fn instance(pod: &Pod) -> AppInstance {
    instances(std::slice::from_ref(pod), &Routes::default()).remove(0).instance.unwrap()
}

#[test]
fn a_workload_says_what_is_wanted_and_its_pods_what_there_is() {
    let services = json!({ "metadata": { "name": "my-shop-0123" }, "spec": { "ports": [{ "port": 8080 }] } });
    let services = [serde_json::from_value(services).unwrap()];
    let routes = Routes::of(&services, &[]);
    let pods = [pod("b", 9, |_| ()), pod("a", 3, |_| ())];
    let all = apps([deployment(3).seen()].into_iter().chain(instances(&pods, &routes)));
    let [app] = &all[..] else { panic!("{all:?}") };
    assert_eq!((app.name.as_str(), app.guid.as_str(), app.is_started()), ("my shop\u{1b}[2J", "g-1", true));
    let [web] = &app.processes[..] else { panic!("{app:?}") };
    assert_eq!((web.running(), web.wanted), (2, 3));
    let named: Vec<(u32, &str)> = web.instances.iter().map(|one| (one.index, one.name.as_str())).collect();
    assert_eq!(named, [(0, "a"), (1, "b")], "the older one is the first");
    assert_eq!(web.instances[0].routes, ["my-shop-0123:8080"]);
    assert_eq!(web.instances[0].image, "r/shop@sha256:1");
    assert!(!apps([deployment(0).seen()]).remove(0).is_started());
}

#[test]
fn an_ingress_says_where_an_app_answers_from_outside() {
    let path = |path: &str| json!({ "path": path, "pathType": "Prefix", "backend": {} });
    let ingress = json!({ "metadata": { "name": "my-shop-0123" }, "spec": { "rules": [
        { "host": "shop.example.com", "http": { "paths": [path("/"), path("/api")] } },
    ]}});
    let services = json!({ "metadata": { "name": "my-shop-0123" }, "spec": { "ports": [{ "port": 8080 }] } });
    let (services, ingress) = ([serde_json::from_value(services).unwrap()], serde_json::from_value(ingress).unwrap());
    let routes = Routes::of(&services, &[ingress]);
    assert_eq!(routes.of_pod(&pod("a", 1, |_| ())), ["shop.example.com", "shop.example.com/api"]);
}

#[test]
fn a_pod_does_what_its_app_container_does() {
    let with = |state: Value, ready: bool, started: Option<bool>| {
        pod("a", 1, |pod| {
            let status = &mut pod["status"]["containerStatuses"][0];
            (status["state"], status["ready"], status["started"]) = (state, ready.into(), json!(started));
        })
    };
    let running = || json!({ "running": {} });
    let waiting = || json!({ "waiting": { "reason": "ContainerCreating" } });
    for (pod, state, exit) in [
        (with(running(), true, Some(true)), InstanceState::Running, None),
        (with(running(), false, Some(false)), InstanceState::Starting, None),
        (with(running(), false, Some(true)), InstanceState::Unhealthy, None),
        (with(waiting(), false, None), InstanceState::Starting, None),
        (with(json!({ "terminated": { "exitCode": 7 } }), false, None), InstanceState::Down, Some(7)),
        (pod("a", 1, |pod| pod["status"] = json!({ "phase": "Pending" })), InstanceState::Starting, None),
        (pod("a", 1, |pod| pod["status"] = json!({ "phase": "Failed" })), InstanceState::Down, None),
    ] {
        assert_eq!((instance(&pod).state, instance(&pod).exit_status), (state, exit), "{pod:?}");
    }
    let crashing = pod("a", 1, |pod| {
        let status = &mut pod["status"]["containerStatuses"][0];
        status["state"] = json!({ "waiting": { "reason": "CrashLoopBackOff" } });
        status["lastState"] = json!({ "terminated": { "exitCode": 3 } });
    });
    assert_eq!((instance(&crashing).state, instance(&crashing).exit_status), (InstanceState::Down, Some(3)));
}

#[test]
fn a_stateful_sets_pod_has_its_index_and_one_that_is_being_ended_is_no_instance() {
    let of_set = pod("my-shop-0123-7", 1, |pod| {
        let owner = json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "my-shop-0123", "uid": "u" });
        pod["metadata"]["ownerReferences"] = json!([owner]);
    });
    assert_eq!(instance(&of_set).index, 7);
    let going = pod("a", 1, |pod| pod["metadata"]["deletionTimestamp"] = "2026-11-30T01:02:03Z".into());
    assert_eq!(instances(std::slice::from_ref(&going), &Routes::default()), []);
    assert_eq!(sources(&[going]).len(), 2, "its last words are still there");
}

#[test]
fn every_container_that_has_run_has_a_log_and_a_sidecars_says_so() {
    let waiting = pod("b", 9, |pod| {
        pod["status"]["containerStatuses"][0]["state"] = json!({ "waiting": {} });
    });
    let named: Vec<(String, String)> =
        sources(&[pod("a", 1, |_| ()), waiting]).into_iter().map(|one| (one.source, one.id)).collect();
    let expected = [
        ("APP/PROC/WEB/0", "uid-a/a/app"),
        ("APP/PROC/WEB/SIDECAR-1/0", "uid-a/a/sidecar-1"),
        ("APP/PROC/WEB/SIDECAR-1/1", "uid-b/b/sidecar-1"),
    ];
    assert_eq!(named, expected.map(|(source, id)| (source.to_owned(), id.to_owned())));
}

#[test]
fn a_workloads_own_secrets_are_those_that_are_called_after_it() {
    let secrets: Vec<String> = deployment(1).secrets.into_iter().collect();
    assert_eq!(secrets, ["my-shop-0123-environment", "my-shop-0123-files", "my-shop-0123-sidecar-1"]);
}
