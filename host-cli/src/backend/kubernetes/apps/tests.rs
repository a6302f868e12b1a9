//! The words against an apiserver that a test scripts.

use super::*;
use crate::app_ref::AppRef;
use crate::backend::kubernetes::client::tests::connected;
use crate::backend::kubernetes::fake::{Apiserver, Fault, Kind, World};
use crate::backend::show_logs::show;
use crate::plan::apps::{Part, choose};
use crate::screen::recording::Recording;
use crate::session::run;
use serde_json::{Value, json};
use shared_model::event::Event;
use shared_model::exit_code::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What stager calls its objects, and those of somebody else's app.
const SHOP: &str = "shop-74f016ed7c6e3f60";
const OTHERS: &str = "others-28baf298cc75f430";
/// Its Secret.
const OWN: &str = "shop-74f016ed7c6e3f60-environment";

fn labels(app: &str, guid: &str) -> Value {
    json!({ "stager/kind": "app", "stager/app-guid": guid, "stager/app-name": app, "stager/process": "web", "app.kubernetes.io/name": SHOP })
}

fn named(name: &str, app: &str, guid: &str) -> Value {
    json!({ "metadata": { "name": name, "labels": labels(app, guid) }, "spec": {} })
}

/// A Deployment that has a Secret called after it in its pods' variables, and one of the user's.
fn add_deployment(api: &Apiserver, name: &str, (app, guid): (&str, &str), replicas: u32) {
    let from = |name: &str| json!({ "secretRef": { "name": name } });
    let mut deployment = named(name, app, guid);
    deployment["spec"] = json!({ "replicas": replicas, "selector": {}, "template": { "spec": { "containers": [
        { "name": "app", "envFrom": [from(&format!("{name}-environment")), from("users-own")] },
    ]}}});
    api.add(Kind::Deployment, deployment);
    api.add(Kind::Secret, json!({ "metadata": { "name": format!("{name}-environment") } }));
}

/// A cluster with an app of two instances, beside one of somebody else.
fn cluster() -> Apiserver {
    let api = Apiserver::start();
    for kind in [Kind::Service, Kind::NetworkPolicy, Kind::PodDisruptionBudget] {
        api.add(kind, named(SHOP, "shop", "g-1"));
        api.add(kind, named(OTHERS, "others", "g-2"));
    }
    api.add(Kind::Secret, json!({ "metadata": { "name": "users-own" } }));
    add_deployment(&api, SHOP, ("shop", "g-1"), 2);
    add_deployment(&api, OTHERS, ("others", "g-2"), 0);
    for name in ["shop-a", "shop-b"] {
        add_pod(&api, name);
    }
    api
}

fn add_pod(world: &World, name: &str) {
    let running = json!({ "name": "app", "image": "i", "imageID": "i", "ready": true, "restartCount": 0, "started": true, "state": { "running": {} } });
    world.add(
        Kind::Pod,
        json!({
            "metadata": { "name": name, "labels": labels("shop", "g-1"), "ownerReferences": [
                { "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("{SHOP}-5d4f"), "uid": "u", "controller": true },
            ]},
            "spec": { "containers": [{ "name": "app", "image": "i" }] },
            "status": { "phase": "Running", "containerStatuses": [running] },
        }),
    );
}

/// Does what a Deployment's controller does: without replicas its pods go, a little later.
fn follows_its_replicas(api: &Apiserver) {
    let world: World = (**api).clone();
    std::thread::spawn(move || {
        world.wait_until("it is scaled", |world| {
            world.get(Kind::Deployment, SHOP).is_none_or(|it| it["spec"]["replicas"] == 0)
        });
        for name in ["shop-a", "shop-b"] {
            world.remove(Kind::Pod, name);
        }
    });
}

struct Told {
    code: ExitCode,
    events: Vec<Event>,
    text: String,
}

fn told(
    api: &Apiserver,
    act: impl FnOnce(&AppsInCluster, &RunningApp) -> Result<(), Failure> + Send + 'static,
) -> Told {
    told_of(api, "shop", act)
}

fn told_of(
    api: &Apiserver,
    word: &'static str,
    act: impl FnOnce(&AppsInCluster, &RunningApp) -> Result<(), Failure> + Send + 'static,
) -> Told {
    let (recording, screen) = Recording::new();
    let client = connected(api);
    let code = run(
        screen,
        |_| Ok(()),
        move |session| {
            let place = AppsInCluster::new(session, client);
            let all = place.apps()?;
            act(&place, &choose(&all, &AppRef::word(word), &Part::default())?.app)
        },
    );
    Told { code, events: recording.events(), text: recording.text() }
}

fn whole(app: &RunningApp) -> Selected {
    Selected { app: app.clone(), part: Part::default() }
}

#[test]
fn apps_of_a_namespace_are_listed_with_what_is_wanted_and_what_there_is() {
    let api = cluster();
    let place = AppsInCluster::new(&Unconnected::silent(), connected(&api));
    let all = place.apps().unwrap();
    let row = |app: &RunningApp| {
        let web = &app.processes[0];
        (app.name.clone(), app.is_started(), web.running(), web.wanted)
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    assert_eq!(rows, [("others".to_owned(), false, 0, 0), ("shop".to_owned(), true, 2, 2)]);
    assert_eq!(api.count("list", "pods"), 1, "whatever the number of apps");
    assert_eq!(api.asked().len(), 5);
}

#[test]
fn who_may_not_look_at_services_sees_the_apps_all_the_same() {
    let api = cluster();
    api.next(9, "list", "services", Fault::Code(403));
    api.next(9, "list", "ingresses", Fault::Code(403));
    let place = AppsInCluster::new(&Unconnected::silent(), connected(&api));
    assert_eq!(place.apps().unwrap().len(), 2);
}

#[test]
fn a_stopped_app_keeps_its_objects_and_is_waited_for() {
    let api = cluster();
    follows_its_replicas(&api);
    let told = told(&api, |place, app| place.stop(&whole(app)));
    assert_eq!(told.code, ExitCode::Success, "{}", told.text);
    assert_eq!(told.events.iter().filter(|event| matches!(event, Event::Stopped { .. })).count(), 2);
    let deployment = api.get(Kind::Deployment, SHOP).unwrap();
    assert_eq!((&deployment["spec"]["replicas"], api.all(Kind::Pod).len()), (&0.into(), 0));
    assert_eq!(deployment["metadata"]["annotations"]["stager/stopped-replicas"], "2");
    assert_eq!(api.all(Kind::Secret).len(), 3);
}

#[test]
fn a_deleted_app_leaves_nothing_of_its_own_and_takes_nothing_of_others() {
    let api = cluster();
    follows_its_replicas(&api);
    let told = told(&api, <AppsInCluster as AppsBackend>::delete);
    assert_eq!(told.code, ExitCode::Success, "{}", told.text);
    for kind in [Kind::Deployment, Kind::Service, Kind::NetworkPolicy, Kind::PodDisruptionBudget] {
        assert!(api.get(kind, SHOP).is_none() && api.get(kind, OTHERS).is_some(), "{kind:?}");
    }
    let others = format!("{OTHERS}-environment");
    let secrets = [OWN, "users-own", &others].map(|name| api.get(Kind::Secret, name).is_some());
    assert_eq!(secrets, [false, true, true]);
    assert!(["get", "list"].iter().all(|verb| api.count(verb, "secrets") == 0), "no Role of ours has that right");
}

#[test]
fn a_deletion_that_was_broken_off_can_be_repeated() {
    let api = cluster();
    follows_its_replicas(&api);
    api.next(1, "delete", "secrets", Fault::Code(403));
    let delete = <AppsInCluster as AppsBackend>::delete;
    assert_eq!(told(&api, delete).code, ExitCode::Engine);
    assert!(api.get(Kind::Deployment, SHOP).is_some(), "it names what is left");
    assert_eq!(told(&api, delete).code, ExitCode::Success);
    assert!(api.get(Kind::Secret, OWN).is_none() && api.get(Kind::Deployment, SHOP).is_none());
}

#[test]
fn a_cluster_without_budgets_of_this_version_is_no_failure() {
    let api = cluster();
    follows_its_replicas(&api);
    api.next(9, "list", "poddisruptionbudgets", Fault::Code(404));
    assert_eq!(told(&api, <AppsInCluster as AppsBackend>::delete).code, ExitCode::Success);
}

/// As [`add_pod`], changed.
fn add_changed(api: &Apiserver, name: &str, change: impl FnOnce(&mut Value)) {
    add_pod(api, name);
    api.change(Kind::Pod, name, change);
}

#[test]
fn pods_that_ended_long_ago_and_those_that_nothing_wants_hold_no_end_up() {
    for delete in [false, true] {
        let api = cluster();
        add_changed(&api, "shop-evicted", |pod| pod["status"]["phase"] = "Failed".into());
        add_changed(&api, "shop-bare", |pod| pod["metadata"]["ownerReferences"] = json!([]));
        // It ends, and its object stays.
        api.whenever_changed(Kind::Deployment, |world, _| {
            world.change(Kind::Pod, "shop-a", |pod| pod["status"]["phase"] = "Succeeded".into());
            world.remove(Kind::Pod, "shop-b");
        });
        let began = Instant::now();
        let told = told(&api, move |place, app| if delete { place.delete(app) } else { place.stop(&whole(app)) });
        assert_eq!(told.code, ExitCode::Success, "{}", told.text);
        assert!(began.elapsed() < Duration::from_secs(20));
        let stopped = |event: &&Event| matches!(event, Event::Stopped { .. });
        assert_eq!(told.events.iter().filter(stopped).count(), 2, "{}", told.text);
    }
}

#[test]
fn what_has_the_apps_labels_and_another_name_is_named_and_left_alone() {
    let api = cluster();
    follows_its_replicas(&api);
    add_deployment(&api, "prod-db", ("shop", "g-1"), 3);
    for kind in [Kind::Service, Kind::NetworkPolicy, Kind::PodDisruptionBudget, Kind::Ingress] {
        api.add(kind, named("prod-db", "shop", "g-1"));
    }
    add_changed(&api, "prod-db-pod", |pod| pod["metadata"]["ownerReferences"][0]["name"] = "prod-db-5d4f".into());
    let told = told(&api, <AppsInCluster as AppsBackend>::delete);
    assert_eq!(told.code, ExitCode::Success, "{}", told.text);
    assert!(api.get(Kind::Secret, "prod-db-environment").is_some(), "{}", told.text);
    assert_eq!(api.get(Kind::Deployment, "prod-db").unwrap()["spec"]["replicas"], 3);
    for kind in [Kind::Service, Kind::NetworkPolicy, Kind::PodDisruptionBudget, Kind::Ingress, Kind::Pod] {
        let name = if kind == Kind::Pod { "prod-db-pod" } else { "prod-db" };
        assert!(api.get(kind, name).is_some(), "{kind:?}");
    }
    assert!(api.get(Kind::Deployment, SHOP).is_none() && api.get(Kind::Secret, OWN).is_none());
    for what in [
        "Deployment prod-db",
        "Service prod-db",
        "NetworkPolicy prod-db",
        "PodDisruptionBudget prod-db",
        "Ingress prod-db",
    ] {
        let is_named = |event: &Event| matches!(event, Event::Warning { text } if text.starts_with(what) && text.contains("left alone"));
        assert!(told.events.iter().any(is_named), "{what}: {}", told.text);
    }
}

#[test]
fn nobody_deletes_anothers_app_by_calling_his_own_objects_its() {
    let api = cluster();
    follows_its_replicas(&api);
    add_deployment(&api, "mine-a15d32cdd59ce050", ("mine", "g-1"), 0);
    for word in ["mine", "shop"] {
        let told = told_of(&api, word, <AppsInCluster as AppsBackend>::delete);
        assert_eq!(told.code, ExitCode::CommandLine, "{}", told.text);
        assert!(told.text.contains("app g-1 has several names: mine, shop"), "{}", told.text);
    }
    assert!(api.get(Kind::Deployment, SHOP).is_some());
    assert_eq!(told_of(&api, "g-1", <AppsInCluster as AppsBackend>::delete).code, ExitCode::Success);
    assert!(api.get(Kind::Deployment, SHOP).is_none());
}

#[test]
fn one_instance_alone_is_not_stopped() {
    let api = cluster();
    let told = told(&api, |place, app| {
        place.stop(&Selected { app: app.clone(), part: Part { process: None, index: Some(0) } })
    });
    assert_eq!(told.code, ExitCode::CommandLine, "{}", told.text);
    assert_eq!(api.count("patch", "deployments"), 0);
}

#[test]
fn logs_of_all_pods_are_followed_and_a_new_pod_joins_in() {
    let api = cluster();
    for (pod, line) in [("shop-a", "a one"), ("shop-b", "b one")] {
        api.pod(pod).says("app", line);
    }
    let place: Arc<dyn AppsBackend> = Arc::new(AppsInCluster::new(&Unconnected::silent(), connected(&api)));
    let app = place.apps().unwrap().into_iter().find(|app| app.name == "shop").unwrap();
    let world: World = (*api).clone();
    let mut lines = Vec::new();
    let follow = LogRange { follow: true, ..LogRange::default() };
    let outcome = show(&place, &Unconnected::silent(), (&whole(&app), follow), Vec::new(), &mut |line| {
        lines.push(format!("{} {}", line.source, line.text));
        match lines.len() {
            2 => drop(world.pod("shop-a").says("app", "a two")),
            3 => {
                add_pod(&world, "shop-c");
                world.pod("shop-c").says("app", "c one");
            }
            4 => return ControlFlow::Break(()),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    assert_eq!(outcome, Ok(()));
    lines[..2].sort_unstable();
    assert_eq!(lines, ["APP/PROC/WEB/0 a one", "APP/PROC/WEB/1 b one", "APP/PROC/WEB/0 a two", "APP/PROC/WEB/2 c one"]);
}

#[test]
fn a_followed_log_whose_connection_died_without_a_word_goes_on_and_says_nothing_twice() {
    let api = cluster();
    for line in ["one", "two", "three"] {
        api.pod("shop-a").says("app", line);
    }
    api.next(1, "get", "pods/log", Fault::Silent(2));
    api.next(1, "get", "pods/log", Fault::Hang);
    let place: Arc<dyn AppsBackend> = Arc::new(AppsInCluster::new(&Unconnected::silent(), connected(&api)));
    let app = place.apps().unwrap().into_iter().find(|app| app.name == "shop").unwrap();
    api.remove(Kind::Pod, "shop-b");
    let world: World = (*api).clone();
    let mut lines = Vec::new();
    let follow = LogRange { follow: true, tail: Some(1000), ..LogRange::default() };
    let outcome = show(&place, &Unconnected::silent(), (&whole(&app), follow), Vec::new(), &mut |line| {
        lines.push(line.text.clone());
        match lines.len() {
            3 => drop(world.pod("shop-a").says("app", "four")),
            4 => return ControlFlow::Break(()),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    assert_eq!((outcome, lines), (Ok(()), ["one", "two", "three", "four"].map(str::to_owned).to_vec()));
    assert!(api.count("get", "pods/log") <= 3, "the third reading goes on");
}
