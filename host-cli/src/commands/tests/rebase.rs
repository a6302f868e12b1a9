//! `rebase` against a recording engine: which names go where, and that nothing that was whole is lost.

use crate::arguments::invocation::Invocation;
use crate::arguments::{Command, Rebase};
use crate::commands::rebase::rebase;
use crate::engine::ImageId;
use crate::image::{app_image, checked_names};
use crate::recorded_run::*;

const LATEST: &str = "cf-app/node-env-18c50a86:latest";
const OF_DROPLET: &str = "cf-app/node-env-18c50a86:droplet-0123456789ab";
const IN_REGISTRY: &str = "r.invalid/team/app:1";

/// An engine with an app's image under three names, and the root file system `new:1`.
fn engine() -> Arc<Fake> {
    let fake = Fake::default();
    fake.add_image("new:1", &[(app_image::STACK, "cflinuxfs4")]);
    fake.state().images[0].details.layers = vec!["sha256:new".to_owned()];
    let labels = [
        ("stager.app-name", "node-env"),
        ("stager.app-guid", GUID),
        (app_image::STACK, "cflinuxfs4"),
        (app_image::BASE_NAME, "stager-rootfs:cflinuxfs4"),
    ];
    fake.add_app(OF_DROPLET, &labels, [b"lifecycle", b"droplet"]);
    fake.state().images[1].tags.push(LATEST.to_owned());
    fake.state().images[1].tags.push(IN_REGISTRY.to_owned());
    Arc::new(fake)
}

fn typed(words: &str) -> Rebase {
    let words = ["host-cli", "rebase"].into_iter().chain(words.split_whitespace()).map(Into::into);
    match Invocation::read(words).unwrap().command {
        Command::Rebase(command) => command,
        other => panic!("{other:?}"),
    }
}

fn rebased(fake: &Arc<Fake>, words: &str) -> Walked {
    let command = typed(words);
    walked(fake, nobody, move |session| {
        let names = checked_names(&command.name)?;
        rebase(session, command.app_ref()?.as_ref(), &names, &command)
    })
}

fn bearer(fake: &Fake, name: &str) -> Option<ImageId> {
    fake.image(name).unwrap().map(|image| image.id)
}

#[test]
fn the_apps_names_go_on_when_the_image_is_there_and_a_registrys_stays() {
    let fake = engine();
    let old = bearer(&fake, LATEST).unwrap();
    let walked = rebased(&fake, "node-env --base new:1");
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    let new = bearer(&fake, LATEST).unwrap();
    assert_ne!(new, old);
    assert_eq!((bearer(&fake, OF_DROPLET), bearer(&fake, IN_REGISTRY)), (Some(new.clone()), Some(old)));
    let is_told = |event: &Event| matches!(event, Event::Image { name, id, .. } if name == OF_DROPLET && *id == new.0);
    assert!(walked.events.iter().any(is_told), "{}", walked.text);
    let verbs = fake.verbs();
    let at = |verb: &str| verbs.iter().position(|found| found == verb).unwrap();
    assert!(at("create") < at("save") && at("load") < at("tag"), "a guard tells of it before: {verbs:?}");
    assert!(fake.state().containers.is_empty());
}

#[test]
fn an_image_that_loses_its_last_name_goes_and_one_with_a_typed_name_keeps_all() {
    let fake = engine();
    fake.state().images[1].tags.pop();
    let old = bearer(&fake, LATEST).unwrap();
    assert_eq!(rebased(&fake, "node-env --base new:1 --name mine").code, ExitCode::Success);
    assert_eq!(bearer(&fake, LATEST), Some(old.clone()));
    let new = bearer(&fake, "mine:latest").unwrap();
    assert_eq!(rebased(&fake, &format!("{} --base new:1", old.0)).code, ExitCode::Success);
    assert_eq!((bearer(&fake, LATEST), bearer(&fake, &old.0)), (Some(new), None));
}

#[test]
fn an_image_that_stands_there_is_left_and_gets_the_names_that_were_typed() {
    let fake = engine();
    let walked = rebased(&fake, "node-env --base new:1");
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    let new = bearer(&fake, LATEST).unwrap();
    fake.state().calls.clear();
    let walked = rebased(&fake, "node-env --base new:1");
    assert!(walked.code == ExitCode::Success && walked.said("stands on new:1 already"), "{}", walked.text);
    assert!(
        !fake.verbs().iter().any(|verb| ["create", "save", "load", "tag"].contains(&&**verb)),
        "{:?}",
        fake.calls()
    );
    assert_eq!(rebased(&fake, "node-env --base new:1 --name other:1").code, ExitCode::Success);
    assert_eq!(bearer(&fake, "other:1"), Some(new));
}

#[test]
fn what_is_refused_says_why_and_changes_nothing() {
    for (change, words, code, text) in [
        ((|_| {}) as fn(&Fake), "--base none:1", ExitCode::Image, "no root file system none:1 on this Docker Engine"),
        (|_| {}, "--base new:1 --name Bad", ExitCode::CommandLine, "`Bad` is not a name for an image"),
        (
            |fake| fake.state().images[1].details.layers.push("sha256:backdoor".into()),
            "--base new:1",
            ExitCode::Image,
            "is not an app image of stager's",
        ),
        (
            |fake| drop(fake.state().images[1].labels.insert("stager.kind".into(), "other".into())),
            "--base new:1",
            ExitCode::Image,
            "is not an app image of stager's",
        ),
        (
            |fake| drop(fake.state().images[0].labels.insert(app_image::STACK.into(), "cflinuxfs5".into())),
            "--base new:1",
            ExitCode::Image,
            "the app was staged on cflinuxfs4, and new:1 is cflinuxfs5",
        ),
        (|fake| fake.state().export.truncate(700), "--base new:1", ExitCode::Image, "what the engine exports"),
        (|fake| fake.refuse("load", "no space left on device"), "--base new:1", ExitCode::Image, "no space left"),
        (|fake| fake.refuse_on("tag", LATEST, "not now"), "--base new:1", ExitCode::Image, "not now"),
    ] {
        let fake = engine();
        change(&fake);
        let before = fake.state().images.clone();
        let walked = rebased(&fake, &format!("{LATEST} {words}"));
        assert_eq!(walked.code, code, "{text}: {}", walked.text);
        assert!(walked.failure().contains(text), "{text}: {}", walked.failure());
        let state = fake.state();
        let tags = |images: &[crate::engine::Image]| {
            images
                .iter()
                .map(|image| {
                    let mut tags = image.tags.clone();
                    tags.sort();
                    (image.id.clone(), tags)
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(tags(&state.images), tags(&before), "{text}");
        assert!(state.containers.is_empty(), "{text}");
    }
}

#[test]
fn with_force_another_stack_is_a_warning() {
    let fake = engine();
    fake.state().images[0].labels.insert(app_image::STACK.into(), "cflinuxfs5".into());
    let walked = rebased(&fake, "node-env --base new:1 --force");
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    assert!(walked.events.iter().any(|event| matches!(event, Event::Warning { text } if text.contains("cflinuxfs5"))));
}
