//! A staging in a cluster from its plan to its result, against an apiserver that a test scripts.

use super::{plan, stagings};
use crate::backend::Backend;
use crate::backend::kubernetes::client::tests::connected;
use crate::backend::kubernetes::fake::{Apiserver, FakePod, Kind, World};
use crate::backend::kubernetes::one_cluster::OneCluster;
use crate::backend::registry::Publishing;
use crate::image::CompressedLayers;
use crate::plan::fetching::Keeping;
use crate::registry::credentials::{Credentials, Login};
use crate::registry::fake::FakeRepository;
use crate::registry::reference::Reference;
use crate::screen::recording::Recording;
use crate::session::run;
use crate::session::signals::Ended;
use shared_model::event::{Event, PROTOCOL, Stream};
use shared_model::exit_code::ExitCode;
use std::path::Path;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Where the image goes.
const REFERENCE: &str = "registry.example.com/team/app:1";

/// How a staging went.
pub(super) struct Told {
    pub(super) code: ExitCode,
    pub(super) events: Vec<Event>,
    /// All of it as JSON lines.
    pub(super) text: String,
    pub(super) took: Duration,
}

impl Told {
    /// The words of its failure, and what to try.
    pub(super) fn failure(&self) -> (&str, &str) {
        match self.events.last() {
            Some(Event::Failed { text, advice, .. }) => (text, advice),
            _ => panic!("it did not fail: {}", self.text),
        }
    }

    /// How often such a note or warning was said.
    pub(super) fn said(&self, words: &str) -> usize {
        let is_said =
            |event: &&Event| matches!(event, Event::Note { text } | Event::Warning { text } if text.contains(words));
        self.events.iter().filter(is_said).count()
    }

    /// It went well.
    #[track_caller]
    pub(super) fn succeeded(&self) {
        assert_eq!(self.code, ExitCode::Success, "{}", self.text);
    }
}

/// An apiserver in whose cluster each Job gets a pod, with which `script` does what it likes.
pub(super) fn cluster(script: impl Fn(&FakePod, &World) + Send + Sync + 'static) -> Apiserver {
    let api = Apiserver::start();
    api.whenever_made(Kind::Job, move |world, job| {
        let pod = world.start_pod(job["metadata"]["name"].as_str().unwrap());
        script(&pod, world);
    });
    api.whenever_deleted(Kind::Job, |world, job| {
        for pod in world.all(Kind::Pod) {
            world.remove(Kind::Pod, pod["metadata"]["name"].as_str().unwrap());
        }
        world.remove(Kind::Job, job["metadata"]["name"].as_str().unwrap());
    });
    api
}

/// Stages and publishes.
pub(super) fn staged(api: &Apiserver) -> Told {
    staged_until(api, |_| ())
}

/// Stages; `watch` gets what ends the session from outside.
pub(super) fn staged_until(api: &Apiserver, watch: impl FnOnce(Sender<Ended>)) -> Told {
    let began = Instant::now();
    let (recording, screen) = Recording::new();
    let cluster = Arc::new(connected(api));
    let watch = |ends| {
        watch(ends);
        Ok(())
    };
    let code = run(screen, watch, move |session| {
        let (_, document) = stagings().pop().unwrap();
        let plan = plan(&document, Keeping::WithContainer, &[]);
        let reference = Reference::read(REFERENCE).unwrap();
        let publishing = Publishing {
            credentials: Credentials::new(&reference, Login::Anonymous, String::new()),
            reference,
            registries: Arc::new(FakeRepository::new("team/app")),
            records: CompressedLayers::at(Path::new("/nowhere")),
        };
        let backend = OneCluster {
            registry_secret: Some("push"),
            room: Duration::from_secs(2),
            ..OneCluster::new(session, cluster)
        };
        backend.stage(&plan, Some(&publishing)).map(drop)
    });
    Told { code, events: recording.events(), text: recording.text(), took: began.elapsed() }
}

/// What the agent says first.
pub(super) fn hello() -> String {
    Event::Hello { protocol: PROTOCOL, version: "1".to_owned() }.to_json_line()
}

/// What it says of a builder's line.
pub(super) fn line(text: &str) -> String {
    Event::Line { source: "builder".to_owned(), stream: Stream::Out, text: text.to_owned() }.to_json_line()
}

/// What both say last where all went well.
pub(super) fn done() -> String {
    Event::Done { ms: 1 }.to_json_line()
}

/// The name by which it was published.
pub(super) fn digest(digits: &str) -> String {
    format!("sha256:{}", digits.repeat(32))
}

/// The last words of who publishes.
pub(super) fn pushed(digits: &str) -> String {
    let (reference, digest) = (REFERENCE.to_owned(), digest(digits));
    Event::Pushed { reference, digest, bytes: 1, layers_pushed: 1, layers_existing: 1, ms: 1 }.to_json_line()
}

/// The pod stages well from where it is.
pub(super) fn stages(pod: &FakePod) {
    pod.runs("stage")
        .says("stage", &hello())
        .says("stage", &line("it builds"))
        .says("stage", &done())
        .ends("stage", 0, "");
}

/// And publishes well.
pub(super) fn publishes(pod: &FakePod, digits: &str) {
    pod.runs("publish").says("publish", &hello()).says("publish", &done()).ends("publish", 0, &pushed(digits));
}

#[test]
fn what_a_job_stages_is_shown_as_it_comes_and_what_it_published_is_named() {
    let api = cluster(|pod, _| {
        pod.scheduled();
        stages(pod);
        publishes(pod, "0a");
    });
    let told = staged(&api);
    told.succeeded();
    assert!(told.text.contains("it builds") && told.text.contains(&digest("0a")), "{}", told.text);
    let job = &api.all(Kind::Job)[0];
    assert!(job["metadata"]["deletionTimestamp"].is_null(), "it stays to be looked at");
    assert!(api.all(Kind::Secret).is_empty(), "what is secret goes");
    api.wait_until("nobody follows", |world| world.following() == 0);
}

#[test]
fn what_a_staging_costs_the_apiserver_is_known() {
    let api = cluster(|pod, world| {
        // A pod that ends before anybody watches costs less.
        pod.scheduled();
        world.wait_until("the pod is watched", |world| world.count("watch", "pods") == 1);
        stages(pod);
        publishes(pod, "0a");
    });
    staged(&api).succeeded();
    let requests: Vec<String> = api.asked().iter().map(|asked| format!("{} {}", asked.verb, asked.resource)).collect();
    let count = |what: &str| requests.iter().filter(|request| *request == what).count();
    for (what, at_most) in [
        ("create jobs", 1),
        ("create secrets", 1),
        ("list pods", 1),
        ("watch pods", 1),
        ("get pods/log", 4),
        ("delete secrets", 1),
    ] {
        assert!((1..=at_most).contains(&count(what)), "{what}: {requests:#?}");
    }
    assert!(requests.len() <= 9, "{requests:#?}");
    // Of each Secret, the Job is made before, and owns it.
    assert_eq!(requests[0], "create jobs");
    let secret = api.asked().into_iter().find(|asked| asked.resource == "secrets").unwrap();
    assert_eq!(secret.body["metadata"]["ownerReferences"][0]["uid"], api.all(Kind::Job)[0]["metadata"]["uid"]);
}

#[test]
fn a_builder_that_fails_ends_with_its_own_code_and_words() {
    let api = cluster(|pod, _| {
        let failed = Event::Failed { code: 222, text: "no buildpack".to_owned(), advice: "add one".to_owned() };
        pod.scheduled()
            .runs("stage")
            .says("stage", &hello())
            .says("stage", &failed.to_json_line())
            .ends("stage", 222, "");
    });
    let told = staged(&api);
    assert_eq!((told.code.number(), told.failure()), (222, ("no buildpack", "add one")));
    assert!(api.all(Kind::Secret).is_empty() && api.all(Kind::Job).len() == 1);
}

#[test]
fn what_publishes_and_fails_says_why() {
    let api = cluster(|pod, _| {
        pod.scheduled();
        stages(pod);
        let failed = Event::Failed { code: 7, text: "the registry is full".to_owned(), advice: String::new() };
        pod.runs("publish").says("publish", &hello()).says("publish", &failed.to_json_line()).ends("publish", 7, "{}");
    });
    let told = staged(&api);
    assert_eq!((told.code, told.failure().0), (ExitCode::Image, "the registry is full"));
}

#[test]
fn ctrl_c_deletes_the_job_and_all_that_it_owns_and_says_so() {
    let sleeping = Arc::new(Mutex::new(None));
    let of_script = Arc::clone(&sleeping);
    let api = cluster(move |pod, _| {
        pod.scheduled().runs("stage").says("stage", &hello()).says("stage", &line("it sleeps"));
        let ends: Option<Sender<Ended>> = of_script.lock().unwrap().take();
        pod.event("Started", "Started container stage");
        std::thread::sleep(Duration::from_millis(300));
        ends.unwrap().send(Ended::BySignal(2)).unwrap();
    });
    let told = staged_until(&api, |ends| *sleeping.lock().unwrap() = Some(ends));
    assert_eq!(told.code, ExitCode::Interrupted);
    assert_eq!(told.said("is deleted; its pod ends"), 1, "{}", told.text);
    let deleted = api.asked().into_iter().find(|asked| (asked.verb, asked.resource.as_str()) == ("delete", "jobs"));
    assert_eq!(deleted.unwrap().body["propagationPolicy"], "Foreground");
    api.wait_until("nothing is left", |world| {
        [Kind::Job, Kind::Pod, Kind::Secret].iter().all(|kind| world.all(*kind).is_empty())
    });
}
