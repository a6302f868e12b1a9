//! The leaf against an apiserver that a test scripts.

use super::watch::Watching;
use super::{Cluster, ClusterError, Following, LogNews, Owned, Patience, Reason, Seen};
use crate::backend::kubernetes::fake::{Apiserver, FakePod, Fault, Kind, NAMESPACE};
use crate::failure::Failure;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::LogParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::json;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::Builder;

/// More than anything here takes, but for what waits on purpose.
const SOON: Duration = Duration::from_secs(10);

/// Short enough for a test, long enough for a machine that is busy.
pub(crate) fn hasty() -> Patience {
    let tenths = |count: u64| Duration::from_millis(100 * count);
    Patience {
        tick: tenths(1),
        answer: tenths(15),
        away: tenths(50),
        lost: tenths(20),
        silent: tenths(8),
        asked_again: tenths(4),
        last_lines: tenths(15),
        log_again: tenths(1),
        ask_why: tenths(3),
        missing: tenths(15),
        refused: tenths(8),
        silence: tenths(30),
        successor: tenths(15),
        deadline: tenths(10),
    }
}

/// A client of it, as its kubeconfig says.
pub(crate) fn connected(api: &Apiserver) -> Cluster {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let kubeconfig = Kubeconfig::from_yaml(&api.kubeconfig()).unwrap();
    let options = KubeConfigOptions::default();
    let mut config = runtime.block_on(Config::from_custom_kubeconfig(kubeconfig, &options)).unwrap();
    config.default_retry = false;
    let within = runtime.enter();
    let client = Client::try_from(config).unwrap();
    drop(within);
    Cluster { runtime, client, namespace: NAMESPACE.to_owned(), patience: hasty() }
}

fn job(name: &str) -> Job {
    serde_json::from_value(json!({"metadata": {"name": name}, "spec": {"template": {"spec": {
        "initContainers": [{"name": "stage"}], "containers": [{"name": "publish"}]}}}}))
    .unwrap()
}

fn name_of(seen: &Seen<Pod>) -> String {
    match seen {
        Seen::Is(pod) => format!("is {}", pod.metadata.name.clone().unwrap()),
        Seen::Gone(pod) => format!("gone {}", pod.metadata.name.clone().unwrap()),
        Seen::Again => "again".to_owned(),
        Seen::Trouble(error) => format!("trouble {}", error.text),
    }
}

/// What a watch of pods tells, as it comes.
fn watched(cluster: &Cluster) -> (Watching, Receiver<String>) {
    let (tells, told) = mpsc::channel();
    let tell = move |seen| match tells.send(name_of(&seen)) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    };
    (cluster.watch::<Pod>("job-name=a", tell), told)
}

/// What comes until this does, that included.
fn until(told: &Receiver<String>, wanted: &str) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        match told.recv_timeout(SOON) {
            Ok(one) => all.push(one),
            Err(mpsc::RecvTimeoutError::Timeout | mpsc::RecvTimeoutError::Disconnected) => {
                panic!("no {wanted}: {all:?}")
            }
        }
        if all.last().is_some_and(|one| one == wanted) {
            return all;
        }
    }
}

/// A Job `a` with a pod whose first container runs.
fn staging(api: &Apiserver) -> FakePod {
    api.add(Kind::Job, serde_json::to_value(job("a")).unwrap());
    let pod = api.start_pod("a");
    pod.scheduled().runs("stage");
    pod
}

/// The log of the first container as it is followed.
fn log_params() -> LogParams {
    LogParams { container: Some("stage".to_owned()), follow: true, ..LogParams::default() }
}

fn followed(cluster: &Cluster, pod: &FakePod) -> (Following, Receiver<LogNews>) {
    let (tells, told) = mpsc::channel();
    let following = cluster.stream(&pod.name, log_params(), move |news| {
        let _ = tells.send(news);
    });
    (following, told)
}

/// The bytes up to the end of the stream, and how it ended.
fn read(told: &Receiver<LogNews>) -> (String, Option<Reason>) {
    let mut text = Vec::new();
    loop {
        match told.recv_timeout(SOON).unwrap() {
            LogNews::Bytes(bytes) => text.extend(bytes),
            LogNews::Ended(error) => return (String::from_utf8(text).unwrap(), error.map(|error| error.reason)),
        }
    }
}

#[test]
fn objects_are_made_read_applied_changed_listed_and_removed() {
    let api = Apiserver::start();
    let cluster = connected(&api);
    let made = cluster.create(&job("a")).unwrap();
    assert!(made.metadata.uid.is_some());
    assert_eq!(cluster.create(&job("a")).unwrap_err().reason, Reason::Exists);
    cluster.apply(&job("b")).unwrap();
    cluster.apply(&job("b")).unwrap();
    let changed: Job = cluster.change("b", &json!({"spec": {"suspend": true}})).unwrap();
    assert_eq!(changed.spec.as_ref().unwrap().suspend, Some(true));
    assert_eq!(cluster.list::<Job>("").unwrap().len(), 2);
    api.event(Kind::Job, "b", "FailedCreate", "no");
    let told = |job: &Job| cluster.events_of(job.metadata.uid.as_deref().unwrap()).unwrap().len();
    assert_eq!((told(&made), told(&changed)), (0, 1));
    assert!(cluster.get::<Secret>("none").unwrap().is_none());
    assert!(cluster.delete::<Job>("a", Owned::After).unwrap());
    assert!(!cluster.delete::<Job>("a", Owned::After).unwrap());
    cluster.delete::<Job>("b", Owned::First).unwrap();
    assert!(cluster.get::<Job>("b").unwrap().unwrap().metadata.deletion_timestamp.is_some());
}

#[test]
fn a_missing_right_is_named_and_not_asked_for_twice() {
    let api = Apiserver::start();
    api.next(1, "create", "jobs", Fault::Code(403));
    let error = connected(&api).create(&job("a")).unwrap_err();
    assert_eq!(error.reason, Reason::Forbidden);
    let Failure { text, advice, .. } = error.into();
    assert!(
        text.contains("cannot create resource \"jobs\" in API group \"batch\" in the namespace \"apps\""),
        "{text}"
    );
    assert!(advice.contains("stage-role.yaml"), "{advice}");
    assert_eq!(api.count("create", "jobs"), 1);
}

#[test]
fn a_cluster_that_wants_to_be_left_alone_is_asked_again_after_the_time_that_it_says() {
    let api = Apiserver::start();
    api.next(1, "create", "jobs", Fault::Later(429, 2));
    let began = Instant::now();
    connected(&api).create(&job("a")).unwrap();
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(api.count("create", "jobs"), 2);
}

#[test]
fn a_field_that_a_cluster_does_not_know_is_refused_and_not_waited_for() {
    let told = |message: &str| {
        let status = json!({"status": "Failure", "message": message, "reason": "", "code": 500});
        ClusterError::status("networkpolicies/a", &serde_json::from_value(status).unwrap()).reason
    };
    let unknown = "failed to create typed patch object: .spec.egress[5].ports[0].endPort: field not declared in schema";
    assert_eq!((told(unknown), told("etcdserver: request timed out")), (Reason::Refused, Reason::Away));
}

#[test]
fn what_fails_in_passing_is_asked_again_and_an_answer_that_was_lost_shows_as_an_object_that_exists() {
    let api = Apiserver::start();
    let cluster = connected(&api);
    api.next(1, "get", "jobs", Fault::Code(500));
    api.next(1, "get", "jobs", Fault::Code(503));
    api.next(1, "get", "jobs", Fault::Raw(""));
    assert!(cluster.get::<Job>("a").unwrap().is_none());
    assert_eq!(api.count("get", "jobs"), 4);
    api.next(1, "create", "jobs", Fault::Deaf);
    assert_eq!(cluster.create(&job("a")).unwrap_err().reason, Reason::Exists);
}

#[test]
fn what_answers_and_is_no_cluster_is_refused_in_bounded_words() {
    let api = Apiserver::start();
    let cluster = connected(&api);
    let page = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 24\r\n\r\n<html>\u{1b}[31mlog in</html>";
    api.next(1, "get", "jobs", Fault::Raw(page));
    let error = cluster.get::<Job>("a").unwrap_err();
    assert!(!error.text.contains('\u{1b}') && error.text.len() < 2000, "{}", error.text);
}

#[test]
fn a_cluster_that_goes_away_for_a_while_is_outlived() {
    let api = Apiserver::start();
    let cluster = connected(&api);
    cluster.create(&job("a")).unwrap();
    let world = (*api).clone();
    api.away();
    let back = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(2));
        world.back();
    });
    assert!(cluster.get::<Job>("a").unwrap().is_some());
    back.join().unwrap();
}

#[test]
fn a_watch_tells_what_is_there_what_comes_and_what_goes() {
    let api = Apiserver::start();
    let pod = staging(&api);
    let cluster = connected(&api);
    let (watching, told) = watched(&cluster);
    until(&told, "is a-pod0");
    let second = api.start_pod("a");
    until(&told, "is a-pod1");
    pod.gone();
    until(&told, "gone a-pod0");
    drop(second);
    drop(watching);
    api.wait_until("nobody watches", |world| world.following() == 0);
}

#[test]
fn a_watch_that_is_cut_off_goes_on_and_misses_nothing_that_went() {
    let api = Apiserver::start();
    let pod = staging(&api);
    let cluster = connected(&api);
    let (_watching, told) = watched(&cluster);
    until(&told, "is a-pod0");
    api.wait_until("it is watched", |world| world.following() == 1);
    api.away();
    pod.gone();
    api.start_pod("a");
    let trouble = told.recv_timeout(SOON).unwrap();
    assert!(trouble.starts_with("trouble "), "{trouble}");
    api.back();
    let seen = until(&told, "again");
    assert!(seen.contains(&"gone a-pod0".to_owned()) && seen.contains(&"is a-pod1".to_owned()), "{seen:?}");
}

#[test]
fn what_a_cluster_has_forgotten_is_listed_anew_without_a_word() {
    let api = Apiserver::start();
    staging(&api);
    let cluster = connected(&api);
    api.next(1, "watch", "pods", Fault::Error(410));
    api.next(1, "watch", "pods", Fault::Code(410));
    let (_watching, told) = watched(&cluster);
    api.wait_until("it is listed three times", |world| world.count("list", "pods") == 3);
    api.start_pod("a");
    let seen = until(&told, "is a-pod1");
    assert!(seen.iter().all(|one| one.starts_with("is ")), "{seen:?}");
}

#[test]
fn a_right_to_watch_that_is_missing_is_told() {
    let api = Apiserver::start();
    let cluster = connected(&api);
    api.next(1, "list", "pods", Fault::Code(403));
    let (_watching, told) = watched(&cluster);
    let trouble = told.recv_timeout(SOON).unwrap();
    assert!(trouble.contains("cannot list resource \"pods\""), "{trouble}");
}

#[test]
fn a_log_is_followed_to_its_end_and_why_it_was_cut_off_is_told() {
    let api = Apiserver::start();
    let pod = staging(&api);
    pod.says("stage", "first line").says("stage", "second line");
    let cluster = connected(&api);
    api.next(1, "get", "pods/log", Fault::Cut(1));
    let (_following, told) = followed(&cluster, &pod);
    let (text, error) = read(&told);
    assert_eq!((text.as_str(), error), ("first line\nsecond", Some(Reason::Away)));
    pod.says("stage", "third line").ends("stage", 0, "");
    let (_following, told) = followed(&cluster, &pod);
    assert_eq!(read(&told), ("first line\nsecond line\nthird line\n".to_owned(), None));
}

#[test]
fn a_log_whose_container_has_not_begun_says_so_and_one_that_nobody_reads_is_closed() {
    let api = Apiserver::start();
    let pod = staging(&api);
    let cluster = connected(&api);
    pod.waits("stage", "PodInitializing", "");
    let (_following, told) = followed(&cluster, &pod);
    assert_eq!(read(&told).1, Some(Reason::Refused));
    pod.runs("stage").says("stage", "a line");
    let (following, told) = followed(&cluster, &pod);
    assert!(matches!(told.recv_timeout(SOON).unwrap(), LogNews::Bytes(_)));
    drop(following);
    api.wait_until("nobody follows", |world| world.following() == 0);
}

#[test]
fn who_is_told_much_and_asks_something_before_hearing_it_gets_an_answer() {
    let api = Apiserver::start();
    let pod = staging(&api);
    for _ in 0..200 {
        pod.says("stage", &"x".repeat(40_000));
    }
    let cluster = connected(&api);
    let (tells, told) = mpsc::sync_channel(1);
    let following = cluster.stream(&pod.name, log_params(), move |news| {
        let _ = tells.send(news);
    });
    assert!(matches!(told.recv_timeout(SOON).unwrap(), LogNews::Bytes(_)));
    std::thread::sleep(Duration::from_millis(200));
    assert!(cluster.get::<Job>("a").unwrap().is_some());
    drop((told, following));
}

#[test]
fn a_log_that_says_nothing_more_is_given_up_and_one_that_is_followed_ends_as_if_that_were_all() {
    let api = Apiserver::start();
    let (cluster, pod) = (Arc::new(connected(&api)), staging(&api));
    pod.says("stage", "one").says("stage", "two");
    let read = |follow| {
        let (cluster, name, (tells, told)) = (Arc::clone(&cluster), pod.name.clone(), mpsc::channel());
        thread::spawn(move || {
            let params = LogParams { container: Some("stage".to_owned()), follow, ..LogParams::default() };
            let mut text = String::new();
            let outcome = cluster.read_log(&name, &params, &mut |bytes| {
                text.push_str(&String::from_utf8_lossy(bytes));
                ControlFlow::Continue(())
            });
            tells.send((text, outcome.map_err(|error| error.reason)))
        });
        told.recv_timeout(SOON).expect("it ends")
    };
    for (fault, text) in [(Fault::Silent(1), "one\n"), (Fault::Hang, "")] {
        api.next(2, "get", "pods/log", fault);
        assert_eq!(read(false), (text.to_owned(), Err(Reason::Away)));
        assert_eq!(read(true), (text.to_owned(), Ok(())));
    }
    assert_eq!(read(false), ("one\ntwo\n".to_owned(), Ok(())));
}
