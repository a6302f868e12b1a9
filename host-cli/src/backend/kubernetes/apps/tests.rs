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

const SHOP: &str = "shop-0123";

fn labels(guid: &str) -> Value {
    json!({ "stager/kind": "app", "stager/app-guid": guid, "stager/app-name": "shop", "stager/process": "web", "app.kubernetes.io/name": SHOP })
}

/// A cluster with an app of two instances, beside one of somebody else.
fn cluster() -> Apiserver {
    let api = Apiserver::start();
    let named = |name: &str, guid: &str| json!({ "metadata": { "name": name, "labels": labels(guid) }, "spec": {} });
    for kind in [Kind::Service, Kind::NetworkPolicy, Kind::PodDisruptionBudget] {
        api.add(kind, named(SHOP, "g-1"));
        api.add(kind, named("others", "g-2"));
    }
    for secret in ["shop-0123-environment", "users-own", "others-environment"] {
        api.add(Kind::Secret, json!({ "metadata": { "name": secret } }));
    }
    for (name, guid, replicas) in [(SHOP, "g-1", 2), ("others", "g-2", 0)] {
        let from = |name: &str| json!({ "secretRef": { "name": name } });
        let mut deployment = named(name, guid);
        deployment["metadata"]["labels"]["stager/app-name"] = name.split('-').next().unwrap().into();
        deployment["spec"] = json!({ "replicas": replicas, "selector": {}, "template": { "spec": { "containers": [
            { "name": "app", "envFrom": [from(&format!("{name}-environment")), from("users-own")] },
        ]}}});
        api.add(Kind::Deployment, deployment);
    }
    for name in ["shop-0123-a", "shop-0123-b"] {
        add_pod(&api, name);
    }
    api
}

fn add_pod(world: &World, name: &str) {
    let running = json!({ "name": "app", "image": "i", "imageID": "i", "ready": true, "restartCount": 0, "started": true, "state": { "running": {} } });
    world.add(
        Kind::Pod,
        json!({
            "metadata": { "name": name, "labels": labels("g-1") },
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
        for name in ["shop-0123-a", "shop-0123-b"] {
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
    let (recording, screen) = Recording::new();
    let client = connected(api);
    let code = run(
        screen,
        |_| Ok(()),
        move |session| {
            let place = AppsInCluster::new(session, client);
            let all = place.apps()?;
            act(&place, &choose(&all, &AppRef::word("shop"), &Part::default())?.app)
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
        assert!(api.get(kind, SHOP).is_none() && api.get(kind, "others").is_some(), "{kind:?}");
    }
    let secrets =
        ["shop-0123-environment", "users-own", "others-environment"].map(|name| api.get(Kind::Secret, name).is_some());
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
    assert!(api.get(Kind::Secret, "shop-0123-environment").is_none() && api.get(Kind::Deployment, SHOP).is_none());
}

#[test]
fn a_cluster_without_budgets_of_this_version_is_no_failure() {
    let api = cluster();
    follows_its_replicas(&api);
    api.next(9, "list", "poddisruptionbudgets", Fault::Code(404));
    assert_eq!(told(&api, <AppsInCluster as AppsBackend>::delete).code, ExitCode::Success);
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
    for (pod, line) in [("shop-0123-a", "a one"), ("shop-0123-b", "b one")] {
        api.pod(pod).says("app", line);
    }
    let place: Arc<dyn AppsBackend> = Arc::new(AppsInCluster::new(&Unconnected::silent(), connected(&api)));
    let app = place.apps().unwrap().into_iter().find(|app| app.name == "shop").unwrap();
    let world: World = (*api).clone();
    let mut lines = Vec::new();
    let follow = LogRange { follow: true, ..LogRange::default() };
    let outcome = show(&place, &Unconnected::silent(), (&whole(&app), follow), &mut |line| {
        lines.push(format!("{} {}", line.source, line.text));
        match lines.len() {
            2 => drop(world.pod("shop-0123-a").says("app", "a two")),
            3 => {
                add_pod(&world, "shop-0123-c");
                world.pod("shop-0123-c").says("app", "c one");
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
