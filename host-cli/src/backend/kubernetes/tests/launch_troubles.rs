//! A launch whose pods are not made, or whose rollout stands still: what of a cluster's words is believed, and what is not waited for.

use super::launching::{APP, cluster, failure, launched, launched_as, name_of, nothing_is_left, ready};
use super::workload_options;
use crate::backend::kubernetes::app_pod::Index;
use crate::backend::kubernetes::fake::{Apiserver, Kind, World};
use crate::backend::kubernetes::workload::WorkloadOptions;
use serde_json::{Value, json};
use shared_model::event::Event;
use shared_model::exit_code::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

const DENIED: &str = "admission webhook \"pods.example.com\" denied the request: no";
/// Longer than any refusal is waited for here.
const LONG: Duration = Duration::from_millis(1500);

/// Somebody else's object of this kind could not be made.
fn strangers_event(world: &World, kind: Kind, name: &str) {
    let set = world.add(kind, json!({"metadata": {"name": name, "labels": {}}}));
    world.event(kind, &name_of(&set), "FailedCreate", DENIED);
}

/// As the controller of Deployments says that no pod could be made.
fn makes_none(world: &World, set: &Value, message: &str) {
    world.change(Kind::Deployment, &name_of(set), |set| {
        set["status"]["observedGeneration"] = set["metadata"]["generation"].clone();
        set["status"]["conditions"] =
            json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}]);
    });
}

fn counting(index: Index) -> WorkloadOptions<'static> {
    WorkloadOptions { revision: Some("one"), ingress_class: None, index, ..workload_options() }
}

/// A cluster that makes no pod of a StatefulSet until `script` does.
fn cluster_of_sets(script: impl Fn(&World, &str) + Send + Sync + 'static) -> Apiserver {
    let api = Apiserver::start();
    api.whenever_made(Kind::StatefulSet, move |world, set| script(world, &name_of(set)));
    api
}

#[test]
fn a_strangers_event_of_a_name_that_begins_as_an_apps_ends_no_launch_and_none_is_asked_for() {
    let api = Apiserver::start();
    api.whenever_made(Kind::Deployment, |world, set| {
        let name = name_of(set);
        strangers_event(world, Kind::StatefulSet, &format!("{name}-other"));
        sleep(LONG);
        ready(&world.start_pod_of(Kind::Deployment, &name), world);
    });
    let (code, recording) = launched(&api, "one");
    assert_eq!(code, ExitCode::Success, "{}", recording.text());
    assert_eq!(api.count("list", "events"), 0, "a Deployment says it itself");
}

#[test]
fn a_deployment_that_may_have_no_pod_says_what_the_cluster_says() {
    let api = Apiserver::start();
    api.whenever_made(Kind::Deployment, |world, set| makes_none(world, set, DENIED));
    let (code, recording) = launched(&api, "one");
    assert_eq!(code, ExitCode::Launch, "{}", recording.text());
    assert!(failure(&recording).ends_with(&format!("does not start: FailedCreate: {DENIED}")), "{}", recording.text());
    nothing_is_left(&api);
}

#[test]
fn what_a_deployment_said_of_an_earlier_start_is_not_believed_of_a_new_one() {
    let api = Apiserver::start();
    api.whenever_made(Kind::Deployment, |world, set| {
        makes_none(world, set, DENIED);
        let name = name_of(set);
        world.change(Kind::Deployment, &name, |set| set["status"]["observedGeneration"] = 0.into());
        sleep(LONG);
        ready(&world.start_pod_of(Kind::Deployment, &name), world);
    });
    let (code, recording) = launched(&api, "one");
    assert_eq!(code, ExitCode::Success, "{}", recording.text());
}

#[test]
fn of_a_stateful_set_the_events_about_itself_count_and_no_others() {
    let api = cluster_of_sets(|world, name| {
        strangers_event(world, Kind::Deployment, name);
        strangers_event(world, Kind::StatefulSet, &format!("{name}-other"));
        sleep(LONG);
        world.start_pod_of(Kind::StatefulSet, name).scheduled().runs(APP);
        world.change(Kind::StatefulSet, name, |set| {
            let wanted = set["spec"]["replicas"].clone();
            set["status"] = json!({"observedGeneration": set["metadata"]["generation"], "replicas": wanted, "readyReplicas": wanted});
        });
    });
    let (code, recording) = launched_as(&api, counting(Index::Known), |_| ());
    assert_eq!(code, ExitCode::Success, "{}", recording.text());
    assert!(api.count("list", "events") > 0);

    let api = cluster_of_sets(|world, name| world.event(Kind::StatefulSet, name, "FailedCreate", DENIED));
    let (code, recording) = launched_as(&api, counting(Index::Known), |_| ());
    assert_eq!(code, ExitCode::Launch, "{}", recording.text());
    assert!(failure(&recording).contains(DENIED), "{}", recording.text());
    nothing_is_left(&api);
}

#[test]
fn a_deployment_that_is_paused_is_left_as_it_is_and_said_at_once_with_what_resumes_it() {
    let api = cluster(ready);
    assert_eq!(launched(&api, "one").0, ExitCode::Success);
    let name = name_of(&api.all(Kind::Deployment).remove(0));
    api.change(Kind::Deployment, &name, |set| set["spec"]["paused"] = true.into());
    let (before, began) = (api.asked().len(), Instant::now());
    let (code, recording) = launched(&api, "two");
    assert_eq!(code, ExitCode::Launch, "{}", recording.text());
    assert!(began.elapsed() < LONG, "{:?}", began.elapsed());
    let Some(Event::Failed { text, advice, .. }) = recording.events().pop() else { panic!("{}", recording.text()) };
    assert!(text.contains(&format!("deployment/{name} is paused")), "{text}");
    assert!(advice.contains(&format!("kubectl -n apps rollout resume deployment/{name}")), "{advice}");
    assert!(api.asked()[before..].iter().all(|asked| asked.verb == "get"), "nothing is changed");
}

#[test]
fn a_rollout_that_is_paused_in_the_middle_is_said_at_once_and_goes_on_when_it_is_resumed() {
    let api = cluster(|pod, world| {
        pod.scheduled();
        let name = name_of(&world.all(Kind::Deployment).remove(0));
        world.change(Kind::Deployment, &name, |set| set["spec"]["paused"] = true.into());
        sleep(LONG);
        world.change(Kind::Deployment, &name, |set| drop(set["spec"].as_object_mut().unwrap().remove("paused")));
        ready(pod, world);
    });
    let (code, recording) = launched(&api, "one");
    assert_eq!(code, ExitCode::Success, "{}", recording.text());
    let warnings = recording.events();
    let paused =
        |event: &&Event| matches!(event, Event::Warning { text } if text.contains("rollout resume deployment/"));
    assert_eq!(warnings.iter().filter(paused).count(), 1, "{}", recording.text());
}
