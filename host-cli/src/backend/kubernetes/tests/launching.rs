//! A launch in a cluster, from its plan to instances that are ready or to nothing, against an apiserver that a test scripts.

use super::{launch_plan, launches, workload_options};
use crate::backend::kubernetes::client::tests::connected;
use crate::backend::kubernetes::fake::{Apiserver, FakePod, Fault, Kind, World};
use crate::backend::kubernetes::one_cluster::OneCluster;
use crate::backend::kubernetes::workload::WorkloadOptions;
use crate::screen::recording::Recording;
use crate::session::run;
use crate::session::signals::Ended;
use serde_json::{Value, json};
use shared_model::event::Event;
use shared_model::exit_code::ExitCode;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

/// The container of the app.
pub(super) const APP: &str = "app";
const KINDS: [Kind; 6] =
    [Kind::Deployment, Kind::StatefulSet, Kind::Service, Kind::NetworkPolicy, Kind::PodDisruptionBudget, Kind::Secret];

pub(super) fn name_of(object: &Value) -> String {
    object["metadata"]["name"].as_str().unwrap().to_owned()
}

/// An apiserver in whose cluster each start of a Deployment gets one pod, with which `script` does what it likes.
pub(super) fn cluster(script: impl Fn(&FakePod, &World) + Send + Sync + 'static) -> Apiserver {
    let api = Apiserver::start();
    let script = Arc::new(script);
    let again = Arc::clone(&script);
    let start = |world: &World, set: &Value| world.start_pod_of(Kind::Deployment, &name_of(set));
    api.whenever_made(Kind::Deployment, move |world, set| script(&start(world, set), world));
    api.whenever_changed(Kind::Deployment, move |world, set| again(&start(world, set), world));
    api
}

/// All instances of the Deployment are new and ready.
pub(super) fn ready(pod: &FakePod, world: &World) {
    pod.scheduled().runs(APP);
    let set = world.all(Kind::Deployment).remove(0);
    let wanted = set["spec"]["replicas"].as_i64().unwrap_or(1);
    world.change(Kind::Deployment, &name_of(&set), |set| {
        set["status"] = json!({
            "observedGeneration": set["metadata"]["generation"],
            "replicas": wanted, "updatedReplicas": wanted, "availableReplicas": wanted,
        });
    });
}

pub(super) fn launched(api: &Apiserver, revision: &'static str) -> (ExitCode, Arc<Recording>) {
    launched_until(api, revision, |_| ())
}

fn launched_until(
    api: &Apiserver,
    revision: &'static str,
    watch: impl FnOnce(Sender<Ended>),
) -> (ExitCode, Arc<Recording>) {
    launched_as(api, WorkloadOptions { revision: Some(revision), ingress_class: None, ..workload_options() }, watch)
}

pub(super) fn launched_as(
    api: &Apiserver,
    workload: WorkloadOptions<'static>,
    watch: impl FnOnce(Sender<Ended>),
) -> (ExitCode, Arc<Recording>) {
    let (recording, screen) = Recording::new();
    let cluster = Arc::new(connected(api));
    let watch = |ends| {
        watch(ends);
        Ok(())
    };
    let code = run(screen, watch, move |session| {
        let (_, document) = launches().remove(0);
        OneCluster { workload, ..OneCluster::new(session, cluster) }.launch(&launch_plan(&document, &[]))
    });
    (code, recording)
}

pub(super) fn failure(recording: &Recording) -> String {
    match recording.events().pop() {
        Some(Event::Failed { text, .. }) => text,
        _ => panic!("it did not fail: {}", recording.text()),
    }
}

/// The names of all Secrets.
fn secrets(api: &Apiserver) -> Vec<String> {
    api.all(Kind::Secret).iter().map(name_of).collect()
}

#[track_caller]
pub(super) fn nothing_is_left(api: &Apiserver) {
    for kind in KINDS {
        let left: Vec<String> = api.all(kind).iter().map(name_of).collect();
        assert!(left.is_empty(), "{kind:?}: {left:?}");
    }
}

#[test]
fn an_app_whose_instances_get_ready_runs_and_the_secrets_of_its_earlier_start_go_then() {
    let before = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&before);
    let api = cluster(move |pod, world| {
        sleep(Duration::from_millis(200));
        seen.lock().unwrap().push(world.all(Kind::Secret).iter().map(name_of).collect::<Vec<_>>());
        ready(pod, world);
    });
    let (code, recording) = launched(&api, "one");
    assert_eq!(code, ExitCode::Success, "{}", recording.text());
    let first = secrets(&api);
    assert!(!first.is_empty() && first.iter().all(|name| name.contains("-one")), "{first:?}");

    let (code, recording) = launched(&api, "two");
    assert_eq!(code, ExitCode::Success, "{}", recording.text());
    let while_it_rolled = before.lock().unwrap().pop().unwrap();
    assert!(first.iter().all(|name| while_it_rolled.contains(name)), "{first:?} in {while_it_rolled:?}");
    let second = secrets(&api);
    assert!(second.len() == first.len() && second.iter().all(|name| name.contains("-two")), "{second:?}");
}

#[test]
fn an_app_that_ends_shows_its_last_lines_and_nothing_of_it_stays() {
    let api = cluster(|pod, _| {
        pod.scheduled().says(APP, "it listens").says(APP, "no database\u{1b}[2J").crashed(APP, 3);
    });
    let (code, recording) = launched(&api, "one");
    assert_eq!(code, ExitCode::Launch, "{}", recording.text());
    assert!(recording.text().contains("no database"), "{}", recording.text());
    assert!(failure(&recording).contains('3'), "{}", failure(&recording));
    nothing_is_left(&api);
}

#[test]
fn a_start_that_fails_leaves_the_earlier_one_as_it_was() {
    let starts = Mutex::new(0);
    let api = cluster(move |pod, world| {
        let number = std::mem::replace(&mut *starts.lock().unwrap(), 1);
        match number {
            0 => ready(pod, world),
            _ => drop(pod.scheduled().says(APP, "no database").crashed(APP, 1).uid()),
        }
    });
    assert_eq!(launched(&api, "one").0, ExitCode::Success);
    let (set, first) = (api.all(Kind::Deployment).remove(0), secrets(&api));
    // As somebody has changed it meanwhile: a launch applies its own.
    api.change(Kind::Service, &name_of(&set), |service| service["spec"]["ports"] = json!([{"port": 9090}]));
    let (code, recording) = launched(&api, "two");
    assert_eq!(code, ExitCode::Launch, "{}", recording.text());
    assert!(recording.text().contains("The earlier instances go on"), "{}", recording.text());
    assert_eq!(api.all(Kind::Deployment).remove(0)["spec"], set["spec"]);
    assert_eq!(secrets(&api), first);
    assert_eq!(api.all(Kind::Service).remove(0)["spec"]["ports"], json!([{"port": 9090}]));
}

#[test]
fn an_image_that_no_node_gets_is_said_and_the_start_is_taken_back() {
    let api = cluster(|pod, _| {
        pod.scheduled().waits(APP, "ImagePullBackOff", "Back-off pulling image \"app:1\"");
    });
    let (code, recording) = launched(&api, "one");
    assert_eq!(code, ExitCode::Launch);
    assert!(failure(&recording).ends_with("does not start: ImagePullBackOff: Back-off pulling image \"app:1\""));
    nothing_is_left(&api);
}

#[test]
fn a_right_that_is_missing_is_named_soon_and_the_start_is_taken_back() {
    for (verb, resource) in
        [("patch", "deployments"), ("patch", "services"), ("watch", "deployments"), ("list", "pods")]
    {
        let api = cluster(|pod, _| drop(pod.scheduled().uid()));
        api.next(if verb == "patch" { 1 } else { 999 }, verb, resource, Fault::Code(403));
        let (_, recording) = launched(&api, "one");
        let wanted = format!("cannot {verb} resource \"{resource}\"");
        assert!(failure(&recording).contains(&wanted), "{wanted}: {}", recording.text());
        nothing_is_left(&api);
    }
}

#[test]
fn a_cluster_before_1_21_gets_all_but_a_budget_for_disruptions() {
    let api = cluster(ready);
    api.next(99, "patch", "poddisruptionbudgets", Fault::Code(404));
    let (code, recording) = launched(&api, "one");
    assert_eq!(code, ExitCode::Success, "{}", recording.text());
}

#[test]
fn an_apiserver_that_is_away_while_an_app_starts_is_outlived() {
    let api = cluster(|pod, world| {
        sleep(Duration::from_millis(400));
        world.away();
        ready(pod, world);
        sleep(Duration::from_millis(600));
        world.back();
    });
    let (code, recording) = launched(&api, "one");
    assert_eq!(code, ExitCode::Success, "{}", recording.text());
}

#[test]
fn ctrl_c_takes_a_start_back() {
    let ends = Arc::new(Mutex::new(None::<Sender<Ended>>));
    let of_script = Arc::clone(&ends);
    let api = cluster(move |pod, _| {
        pod.scheduled();
        sleep(Duration::from_millis(300));
        of_script.lock().unwrap().take().unwrap().send(Ended::BySignal(2)).unwrap();
    });
    let (code, recording) = launched_until(&api, "one", |sender| *ends.lock().unwrap() = Some(sender));
    assert_eq!(code, ExitCode::Interrupted);
    assert!(recording.text().contains("What was made of it is removed"), "{}", recording.text());
    nothing_is_left(&api);
}
