//! `push` against a recording engine, by the engine and directly into a registry in memory: what is asked for in which order, what is
//! told, and which names stay.

use crate::app_ref::AppRef;
use crate::arguments::Push;
use crate::backend::docker::push::directly;
use crate::backend::push_target::Target;
use crate::backend::registry::Publishing;
use crate::commands::push::push;
use crate::engine::fake::DIGEST;
use crate::engine::{LayerProgress, LayerState};
use crate::image::CompressedLayers;
use crate::recorded_run::*;
use crate::registry::credentials::{Credentials, Login};
use crate::registry::fake::{FakeRepository, HOST, digest};
use crate::registry::login::LoginOptions;
use crate::registry::push_by::PushBy;
use crate::registry::reference::Reference;
use crate::registry::repository::Repository;
use crate::requests::LogOptions;
use argh::FromArgs;
use serde_json::{Value, json};
use std::time::Duration;

const LOCAL: &str = "cf-app/node-env-18c50a86:latest";
const REFERENCE: &str = "r.invalid/team/app:1";
const APP: [(&str, &str); 3] = [("stager.kind", "app"), ("stager.app-name", "node-env"), ("stager.app-guid", GUID)];

fn engine() -> Arc<Fake> {
    let fake = Fake::default();
    fake.add_image(LOCAL, &APP);
    Arc::new(fake)
}

fn pushed(fake: &Arc<Fake>, wanted: &'static str) -> Walked {
    pushed_unless(fake, wanted, nobody)
}

fn pushed_unless(fake: &Arc<Fake>, wanted: &'static str, watch: impl FnOnce(Sender<Ended>)) -> Walked {
    walked(fake, watch, move |session| {
        let nobody = LoginOptions { username: None, password_stdin: false };
        let target = Target::parse(REFERENCE, nobody)?.sent(PushBy::Engine, None);
        push(session, &AppRef::word(wanted), &LogOptions::default(), &target)
    })
}

fn names(fake: &Fake, image: usize) -> Vec<String> {
    fake.state().images[image].tags.clone()
}

#[test]
fn an_apps_image_is_named_pushed_looked_up_in_the_registry_and_keeps_the_name() {
    let fake = engine();
    let layer = |layer: &str, state| LayerProgress { layer: layer.to_owned(), state };
    fake.state().pushing = vec![
        layer("base", LayerState::Known),
        layer("app", LayerState::Sending { bytes: 10, total: 100 }),
        layer("app", LayerState::Sent),
    ];
    let walked = pushed(&fake, "node-env");
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    let verbs = fake.verbs();
    let from = verbs.iter().position(|verb| verb == "tag").unwrap();
    assert_eq!(verbs[from - 1..], ["image", "tag", "push", "image", "image", "digest_in_registry", "remove"]);
    assert!(verbs[..from].contains(&"create".to_owned()), "a guard tells of the name before it is given");
    assert_eq!(names(&fake, 0), [LOCAL, REFERENCE]);
    let pushing = Event::Pushing { image: LOCAL.into(), reference: REFERENCE.into() };
    assert!(walked.events.contains(&pushing), "{}", walked.text);
    let told = walked.events.iter().find_map(|event| match event {
        Event::Pushed { digest, bytes, layers_pushed, layers_existing, .. } => {
            Some((digest.as_str(), *bytes, *layers_pushed, *layers_existing))
        }
        _ => None,
    });
    assert_eq!(told, Some((DIGEST, 100, 1, 1)));
}

#[test]
fn an_image_that_bears_the_name_already_is_pushed_as_it_is() {
    let fake = engine();
    fake.state().images[0].tags.push(REFERENCE.to_owned());
    fake.refuse("push", "denied: no");
    assert_eq!(pushed(&fake, REFERENCE).code, ExitCode::Image);
    assert_eq!(names(&fake, 0), [LOCAL, REFERENCE]);
    assert!(!fake.verbs().contains(&"tag".to_owned()), "{:?}", fake.calls());
}

#[test]
fn after_a_failure_every_name_is_where_it_was() {
    for (verb, reason, text) in [
        ("push", "no basic auth credentials", "r.invalid needs a login"),
        ("push", "denied: requested access to the resource is denied", "does not let team/app be pushed"),
        ("push", "received unexpected HTTP status: 503 Service Unavailable", "r.invalid failed"),
        ("tag", "no", "tag: no"),
    ] {
        let fake = engine();
        fake.add_image(REFERENCE, &APP);
        fake.refuse(verb, reason);
        let walked = pushed(&fake, LOCAL);
        let failure = walked.failure();
        assert!(failure.starts_with(LOCAL) && failure.contains(text), "{failure}");
        assert!(
            walked.said(&format!("`host-cli push {LOCAL} {REFERENCE} --by engine` pushes it again")),
            "{}",
            walked.text
        );
        assert_eq!((names(&fake, 0), names(&fake, 1)), (vec![LOCAL.to_owned()], vec![REFERENCE.to_owned()]));
    }
}

#[test]
fn who_bore_the_name_before_goes_with_its_last_name() {
    let fake = engine();
    let former = fake.add_image(REFERENCE, &APP);
    assert_eq!(pushed(&fake, LOCAL).code, ExitCode::Success);
    assert_eq!(fake.image(&former.0).unwrap(), None);
}

#[test]
fn a_registry_that_has_something_else_is_not_believed_and_one_that_says_nothing_is() {
    let fake = engine();
    fake.state().in_registry = Some("sha256:0therthing".to_owned());
    let walked = pushed(&fake, LOCAL);
    assert_eq!(walked.code, ExitCode::Image);
    let failure = walked.failure();
    assert!(failure.contains("digest mismatch") && failure.contains("sha256:0therthing"), "{failure}");
    assert_eq!(names(&fake, 0), [LOCAL]);

    fake.state().in_registry = Some(String::new());
    assert_eq!(pushed(&fake, LOCAL).code, ExitCode::Success);
}

#[test]
fn a_name_that_another_image_gets_during_the_push_is_no_success_and_stays_with_that_image() {
    let fake = engine();
    let others = fake.add_image("others:1", &APP);
    fake.state().named_while_pushing = Some(others);
    let walked = pushed(&fake, LOCAL);
    assert_eq!(walked.code, ExitCode::Image);
    let failure = walked.failure();
    assert!(failure.contains("r.invalid/team/app:1 was moved to another image during the push"), "{failure}");
    assert_eq!((names(&fake, 0), names(&fake, 1).len()), (vec![LOCAL.to_owned()], 2));
}

#[test]
fn a_password_and_a_log_are_not_both_read_from_standard_input() {
    for option in ["--stager-log", "--nsync-log"] {
        let words = ["--username", "me", "--password-stdin", option, "-", "node-env", REFERENCE];
        let refused = Target::from_push(&Push::from_args(&["push"], &words).unwrap(), REFERENCE).unwrap_err();
        assert_eq!(refused.code, ExitCode::CommandLine);
        assert_eq!(refused.text, format!("--password-stdin and {option} - cannot both read standard input"));
    }
}

#[test]
fn a_layer_that_is_sent_again_is_told() {
    let fake = engine();
    let wait = Duration::from_secs(5);
    fake.state().pushing = vec![LayerProgress { layer: "3c893ef3b3c1".into(), state: LayerState::Again { wait } }];
    let walked = pushed(&fake, LOCAL);
    assert!(
        walked.said("layer 3c893ef3b3c1 of r.invalid/team/app:1") && walked.said("\"wait_ms\":5000"),
        "{}",
        walked.text
    );
}

/// An engine whose image can be exported, with a layer and a config; and the config.
fn exporting() -> (Arc<Fake>, String) {
    let (fake, layer) = (engine(), b"the only layer");
    let config = json!({ "config": { "Env": ["A=b"] }, "rootfs": { "diff_ids": [digest(layer)] } }).to_string();
    let listed = json!([{ "Config": "config.json", "Layers": ["layer.tar"] }]).to_string();
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in
        [("layer.tar", &layer[..]), ("config.json", config.as_bytes()), ("manifest.json", listed.as_bytes())]
    {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, name, bytes).unwrap();
    }
    let mut state = fake.state();
    state.export = archive.into_inner().unwrap();
    state.images[0].details.layers = vec![digest(layer)];
    drop(state);
    (fake, config)
}

fn pushed_directly(fake: &Arc<Fake>, repository: &FakeRepository) -> Walked {
    let (id, state) = (fake.state().images[0].id.clone(), tempfile::tempdir().unwrap());
    let reference = Reference::read(&format!("{HOST}/{}:1", repository.path())).unwrap();
    let publishing = Publishing {
        credentials: Credentials::new(&reference, Login::Anonymous, String::new()),
        reference,
        registries: Arc::new(repository.clone()),
        records: CompressedLayers::at(state.path()),
    };
    walked(fake, nobody, move |session| {
        let _records = state;
        directly(session, &id, &publishing)
    })
}

#[test]
fn an_image_goes_directly_with_the_engines_config_and_changes_nothing_on_the_engine() {
    let ((fake, config), repository) = (exporting(), FakeRepository::new("team/app"));
    let walked = pushed_directly(&fake, &repository);
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    let manifest = repository.manifest("1").unwrap().unwrap();
    let document: Value = serde_json::from_slice(&manifest.bytes).unwrap();
    assert_eq!(repository.blob(document["config"]["digest"].as_str().unwrap()).unwrap(), config.as_bytes());
    let pushed =
        |event: &Event| matches!(event, Event::Pushed { digest, layers_pushed: 1, .. } if *digest == manifest.digest);
    assert!(walked.events.iter().any(pushed), "{}", walked.text);
    assert_eq!(names(&fake, 0), [LOCAL]);
    for verb in ["push", "tag", "create", "digest_in_registry"] {
        assert!(!fake.verbs().contains(&verb.to_owned()), "{verb}: {:?}", fake.calls());
    }
}

#[test]
fn what_goes_wrong_directly_leaves_no_name() {
    for verb in ["upload", "put_manifest"] {
        let ((fake, _), repository) = (exporting(), FakeRepository::new("team/app"));
        repository.state().refused = vec![verb];
        let walked = pushed_directly(&fake, &repository);
        assert_eq!((walked.code, walked.failure()), (ExitCode::Image, format!("{verb}: no").as_str()));
        assert!(repository.state().manifests.is_empty());
    }
    let (fake, _) = exporting();
    fake.state().export.truncate(700);
    let repository = FakeRepository::new("team/app");
    assert_eq!(pushed_directly(&fake, &repository).code, ExitCode::Image);
    assert!(repository.state().manifests.is_empty());
}

#[test]
fn what_would_push_again_is_the_command_as_it_was_typed() {
    for words in ["node-env r.invalid/a:1", "node-env r.invalid/a:1 --by engine", "node-env r.invalid/a:1 --ca /c.pem"]
    {
        let typed = Push::from_args(&["push"], &words.split(' ').collect::<Vec<_>>()).unwrap();
        let target = Target::from_push(&typed, "r.invalid/a:1").unwrap();
        assert_eq!(target.command("node-env"), format!("host-cli push {words}"));
    }
}
