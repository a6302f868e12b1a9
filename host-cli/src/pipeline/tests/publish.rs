//! `restage --publish` against a recording engine and a registry in memory: the image gets its name there when all went well, and
//! none here.

use super::restage::{agent, engine, failed, hello, typed};
use crate::backend::registry::Publishing;
use crate::image::CompressedLayers;
use crate::pipeline::restage;
use crate::recorded_run::*;
use crate::registry::credentials::{Credentials, Login};
use crate::registry::fake::{FakeRepository, HOST, digest};
use crate::registry::reference::Reference;
use crate::registry::repository::Repository;
use shared_model::event::{Step, Stream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

const BUILT: Event = Event::StepEnded { step: Step::Build, ms: 1 };
const BASE: &[u8] = b"the only layer of the root file system";

/// An engine whose root file system can be exported.
fn with_a_base() -> Arc<Fake> {
    let fake = engine();
    let mut state = fake.state();
    state.export = tar("layer.tar", BASE);
    for image in &mut state.images {
        image.details.layers = vec![digest(BASE)];
    }
    drop(state);
    fake
}

fn published(fake: &Arc<Fake>, words: &str, target: &FakeRepository) -> Walked {
    published_by(fake, words, target, nobody)
}

fn published_by(fake: &Arc<Fake>, words: &str, target: &FakeRepository, watch: impl FnOnce(Sender<Ended>)) -> Walked {
    let (command, agent_options) = typed(words);
    let state = tempfile::tempdir().unwrap();
    let reference = Reference::read(&format!("{HOST}/{}:1", target.path())).unwrap();
    let publishing = Publishing {
        credentials: Credentials::new(&reference, Login::Anonymous, String::new()),
        reference,
        registries: Arc::new(target.clone()),
        records: CompressedLayers::at(state.path()),
    };
    walked(fake, watch, move |session| {
        let _records = state;
        let request = request(RequestKind::Staging, document(STAGER_2016, "taskDefinition", |_| {}));
        let image = restage(session, &request, (&command, &agent_options), Some(&publishing))?;
        assert!(image.is_none());
        Ok(())
    })
}

fn until(is_so: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < until, "nothing is sent while the agent runs");
        thread::sleep(Duration::from_millis(5));
    }
}

fn say(output: &mut dyn FnMut(Stream, &[u8]), event: &Event) {
    output(Stream::Out, format!("{}\n", event.to_json_line()).as_bytes());
}

/// Sent, but for its name.
fn is_sent(target: &FakeRepository) -> bool {
    target.asked("upload").len() == 4 && target.state().blobs.len() == 4
}

#[test]
fn the_image_is_sent_while_the_agent_uploads_and_named_when_that_went_well() {
    let (fake, target) = (with_a_base(), FakeRepository::new("team/app"));
    let of_script = target.clone();
    fake.script(move |_, output| {
        hello(output);
        say(output, &BUILT);
        until(|| is_sent(&of_script));
        assert!(of_script.state().manifests.is_empty());
        0
    });
    let walked = published(&fake, "", &target);
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    let manifest = target.manifest("1").unwrap().unwrap();
    let pushed = |event: &Event| matches!(event, Event::Pushed { reference, digest, layers_pushed: 3, layers_existing: 0, .. } if reference == "r.io:5000/team/app:1" && *digest == manifest.digest);
    assert!(walked.events.iter().any(pushed), "{}", walked.text);
    let last: Vec<&Event> = walked.events.iter().rev().take(2).collect();
    assert!(matches!(last[..], [Event::Done { .. }, Event::StepEnded { step: Step::Push, .. }]), "{}", walked.text);
    for verb in ["load", "build", "tag", "images_labelled"] {
        assert!(!fake.verbs().contains(&verb.to_owned()), "{verb}: {:?}", fake.calls());
    }
    assert!(fake.state().containers.is_empty());
}

#[test]
fn no_name_is_given_where_the_staging_fails_or_leaves_another_droplet() {
    let droplet = Event::Droplet { path: "/tmp/droplet".into(), bytes: 1, uploaded: true, sha256: "0".repeat(64) };
    for (last, code, text) in [
        (failed(6), ExitCode::Upload, "the builder failed"),
        (droplet, ExitCode::Image, "is not the one that was uploaded"),
    ] {
        let (fake, target) = (with_a_base(), FakeRepository::new("team/app"));
        let of_script = target.clone();
        let status = i64::from(matches!(last, Event::Failed { .. })) * 6;
        fake.script(move |_, output| {
            hello(output);
            say(output, &BUILT);
            until(|| is_sent(&of_script));
            say(output, &last);
            status
        });
        let walked = published(&fake, "", &target);
        assert_eq!(walked.code, code, "{}", walked.text);
        assert!(walked.failure().contains(text), "{}", walked.failure());
        assert!(target.state().manifests.is_empty());
    }
}

#[test]
fn what_is_not_there_is_said_before_anything_is_staged() {
    let target = FakeRepository::new("team/app");
    for (words, code, text) in [
        ("--base r.io:5000/rootfs:9", ExitCode::Image, "r.io:5000 has no such image"),
        ("--base oci:/no/such/folder", ExitCode::Image, "the folder is no OCI layout"),
        ("--base none:1", ExitCode::Image, "no root file system none:1 on this Docker Engine"),
    ] {
        let fake = with_a_base();
        let walked = published(&fake, words, &target);
        assert_eq!(walked.code, code, "{words}");
        assert!(walked.failure().contains(text), "{words}: {}", walked.failure());
        assert!(!fake.verbs().contains(&"create".to_owned()));
    }
    let fake = with_a_base();
    target.state().refused = vec!["has_blob"];
    let walked = published(&fake, "", &target);
    assert_eq!((walked.code, walked.failure()), (ExitCode::Image, "has_blob: no"));
    assert!(!fake.verbs().contains(&"create".to_owned()) && walked.said("ask its operator"));
}

#[test]
fn a_registry_that_refuses_the_image_fails_the_staging() {
    for verb in ["upload", "put_manifest"] {
        let (fake, target) = (with_a_base(), FakeRepository::new("team/app"));
        target.state().refused = vec![verb];
        agent(&fake, vec![BUILT], 0);
        let walked = published(&fake, "", &target);
        assert_eq!((walked.code, walked.failure()), (ExitCode::Image, &*format!("{verb}: no")));
        assert!(target.state().manifests.is_empty() && fake.state().containers.is_empty());
    }
}

#[test]
fn a_signal_ends_it_and_the_image_gets_no_name() {
    let (fake, target) = (with_a_base(), FakeRepository::new("team/app"));
    let (sends, session) = mpsc::channel::<Sender<Ended>>();
    let of_script = target.clone();
    fake.script(move |_, output| {
        hello(output);
        say(output, &BUILT);
        until(|| is_sent(&of_script));
        session.recv().unwrap().send(Ended::BySignal(signal_hook::consts::SIGINT)).unwrap();
        thread::sleep(Duration::from_secs(3600));
        0
    });
    let began = Instant::now();
    let walked = published_by(&fake, "", &target, move |session| sends.send(session).unwrap());
    assert_eq!(walked.code, ExitCode::Interrupted);
    assert!(began.elapsed() < Duration::from_secs(20), "it did not wait");
    assert!(target.state().manifests.is_empty() && fake.state().containers.is_empty());
}
