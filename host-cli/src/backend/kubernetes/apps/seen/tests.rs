//! Objects as a cluster tells them.

use super::*;
use crate::plan::apps::apps;
use serde_json::{Value, json};

const SHOP: &str = "my shop\u{1b}[2J";

fn labels() -> Value {
    json!({
        "stager/kind": "app", "stager/app-guid": "g-1", "stager/app-name": label_value(SHOP), "stager/process": "web",
        "app.kubernetes.io/name": "my-shop-0123",
    })
}

/// What makes a pod one of a Deployment's, or of a stateful set's.
fn controller(kind: &str, name: &str) -> Value {
    json!([{ "apiVersion": "apps/v1", "kind": kind, "name": name, "uid": "u", "controller": true }])
}

fn pod(name: &str, second: u32, change: impl FnOnce(&mut Value)) -> Pod {
    let mut value = json!({
        "metadata": {
            "name": name, "uid": format!("uid-{name}"), "creationTimestamp": format!("2026-11-30T01:02:{second:02}Z"),
            "labels": labels(), "annotations": { "stager/app-name": SHOP },
            "ownerReferences": controller("ReplicaSet", "my-shop-0123-5d4f"),
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
    let source = |name: &str| json!({ "secretRef": { "name": name } });
    let object = json!({
        "metadata": { "name": "my-shop-0123", "labels": labels(), "annotations": { "stager/app-name": SHOP } },
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
    assert_eq!((app.name.as_str(), app.guid.as_str(), app.is_started()), (SHOP, "g-1", true));
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
        pod["metadata"]["ownerReferences"] = controller("StatefulSet", "my-shop-0123");
    });
    assert_eq!(instance(&of_set).index, 7);
    let going = pod("a", 1, |pod| pod["metadata"]["deletionTimestamp"] = "2026-11-30T01:02:03Z".into());
    assert_eq!(instances(std::slice::from_ref(&going), &Routes::default()), []);
    assert_eq!(sources(&[going]).len(), 2, "its last words are still there");
}

#[test]
fn what_has_ended_for_good_is_no_instance_and_is_counted_behind_those_that_are() {
    let evicted = pod("a", 1, |pod| pod["status"]["phase"] = "Failed".into());
    let pods = [evicted, pod("b", 2, |_| ()), pod("c", 3, |pod| pod["status"]["phase"] = "Succeeded".into())];
    let seen = instances(&pods, &Routes::default());
    let named: Vec<_> =
        seen.iter().filter_map(|one| one.instance.as_ref()).map(|one| (&*one.name, one.index)).collect();
    assert_eq!(named, [("b", 0)]);
    let logs = sources(&pods).into_iter().filter(|one| one.id.ends_with("/app"));
    let logs: Vec<(String, u32)> = logs.map(|one| (one.name, one.index)).collect();
    assert_eq!(logs, [("a", 1), ("b", 0), ("c", 2)].map(|(name, index)| (name.to_owned(), index)));
}

#[test]
fn a_pod_that_nothing_wants_is_no_apps_whatever_its_labels_say() {
    let owners = [json!(null), controller("Job", "my-shop-0123"), controller("ReplicaSet", "nodash"), {
        let mut none = controller("ReplicaSet", "my-shop-0123-5d4f");
        none[0]["controller"] = false.into();
        none
    }];
    for owner in owners {
        let bare = pod("a", 1, |pod| pod["metadata"]["ownerReferences"] = owner.clone());
        assert_eq!(
            (instances(std::slice::from_ref(&bare), &Routes::default()), sources(&[bare])),
            (vec![], vec![]),
            "{owner}"
        );
    }
    assert_eq!(wanted_by(&pod("a", 1, |_| ())), Some("my-shop-0123"));
}

#[test]
fn an_annotation_that_its_label_was_not_made_of_is_not_believed() {
    let named = |label: &str, annotation: &str| {
        let labels = json!({ "stager/app-name": label, "stager/app-guid": "g-1" });
        let annotations = json!({ "stager/app-name": annotation, "stager/app-guid": "g-2" });
        let metadata = serde_json::from_value(json!({ "labels": labels, "annotations": annotations })).unwrap();
        let Seen { app_name, app_guid, .. } = of_object(&metadata);
        (app_name, app_guid)
    };
    assert_eq!(named("shop", "victim"), ("shop".to_owned(), "g-1".to_owned()));
    assert_eq!(named(&label_value(SHOP), SHOP), (SHOP.to_owned(), "g-1".to_owned()));
}

#[test]
fn an_object_is_ours_by_the_name_that_its_own_labels_make() {
    let object = |name: &str, app: &str, guid: &str, process: &str| {
        let labels = json!({ "stager/app-name": label_value(app), "stager/app-guid": guid, "stager/process": process });
        let annotations = json!({ "stager/app-name": app });
        serde_json::from_value(json!({ "metadata": { "name": name, "labels": labels, "annotations": annotations }}))
            .unwrap()
    };
    let is_ours = |name: &str, app, guid, process| Workload::of_deployment(&object(name, app, guid, process)).is_ours;
    let own = stem(SHOP, "g-1", "web");
    assert!(is_ours(&own, SHOP, "g-1", "web") && is_ours(&own, SHOP, "g-1", ""));
    assert!(is_ours(&stem("g-1", "g-1", "web"), "", "g-1", "web"), "one without a name is called after its guid");
    assert!(
        !is_ours(&own, "mine", "g-1", "web")
            && !is_ours(&own, SHOP, "g-2", "web")
            && !is_ours(&own, SHOP, "g-1", "worker")
    );
    assert!(!is_ours("", SHOP, "g-1", "web") && !is_ours("shop", SHOP, "g-1", "web"));
}

#[test]
fn apps_without_a_guid_are_told_apart_by_their_names() {
    let of = |name: &str, guid: &str| {
        labels_of(&RunningApp { name: name.into(), guid: guid.into(), ..RunningApp::default() })
    };
    assert_eq!(of("shop", "g-1"), "stager/kind=app,stager/app-guid=g-1");
    assert_eq!(of("shop", ""), "stager/kind=app,stager/app-guid=,stager/app-name=shop");
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
