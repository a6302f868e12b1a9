//! An app runs on the root file system of its launch request, not on that of its staging.

use super::*;
use crate::engine::ImageId;
use crate::image::{Records, app_image};

const OURS: &str = "cf-app/node-env-18c50a86:latest";
const BUILD_KEY: &str = "5a";
const MOVED: &str = "cf-app/node-env-18c50a86:droplet-0123456789ab-on-cflinuxfs2";

/// An engine with an image of the app that was staged on cflinuxfs4 and stands on `base`; its launch request wants cflinuxfs2.
fn staged_on(base: &str) -> Arc<Fake> {
    let fake = staged_elsewhere_on(base);
    let id = fake.image(OURS).unwrap().unwrap().id;
    Records::open(&*fake).remember(&BUILD_KEY.repeat(32), &id);
    fake
}

/// The same where this user did not make the image.
fn staged_elsewhere_on(base: &str) -> Arc<Fake> {
    let fake = Fake::with_image("stager:latest");
    let build_key = BUILD_KEY.repeat(32);
    let droplet = "0123456789abcdef".repeat(4);
    let labels = [
        (labels::APP_GUID, GUID),
        (labels::APP_NAME, "node-env"),
        (app_image::STACK, "cflinuxfs4"),
        (app_image::BASE_NAME, base),
        (app_image::DROPLET, &droplet),
        (app_image::BUILD_KEY, &build_key),
    ];
    fake.add_app(OURS, &labels, [b"lifecycle", b"droplet"]);
    has_supervisor(&fake, X86_64);
    Arc::new(fake)
}

fn rootfs(fake: &Fake) -> ImageId {
    fake.add_image("stager-rootfs:cflinuxfs2", &[(app_image::STACK, "cflinuxfs2")])
}

fn started(fake: &Fake) -> Vec<String> {
    let ours = |(container, spec): &(Container, ContainerSpec)| {
        (container.running && container.labels.contains_key(labels::PORTS)).then(|| spec.image.clone())
    };
    fake.state().containers.values().filter_map(ours).collect()
}

#[test]
fn an_image_that_was_made_elsewhere_is_not_moved_unasked() {
    let fake = staged_elsewhere_on("stager-rootfs:cflinuxfs4");
    rootfs(&fake);
    let walked = launched(&fake, "");
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    assert!(
        walked.said("it was not made here; `host-cli rebase APP --base stager-rootfs:cflinuxfs2`"),
        "{}",
        walked.text
    );
    assert_eq!(fake.image(MOVED).unwrap(), None);
}

#[test]
fn the_app_runs_on_its_launch_requests_root_file_system_and_the_next_launch_finds_that_image() {
    let fake = staged_on("stager-rootfs:cflinuxfs4");
    let base = rootfs(&fake);
    let walked = launched(&fake, "");
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    assert!(
        walked.said("wants the root file system cflinuxfs2, and the image stands on cflinuxfs4"),
        "{}",
        walked.text
    );
    let moved = fake.image(MOVED).unwrap().unwrap();
    assert_eq!(started(&fake), std::slice::from_ref(&moved.id.0));
    assert_eq!(moved.labels[app_image::BASE_DIGEST], base.0);
    assert!(walked.events.iter().any(|event| matches!(event, Event::Launching { image, .. } if image == MOVED)));
    let staged = fake.image(OURS).unwrap().unwrap();
    assert_eq!(moved.details.layers[1..], staged.details.layers[1..]);
    assert_eq!(staged.tags, [OURS], "the app's own image keeps its name");

    fake.state().calls.clear();
    assert_eq!(launched(&fake, "").code, ExitCode::Success);
    assert_eq!(started(&fake), [moved.id.0]);
    assert!(!fake.verbs().iter().any(|verb| verb == "save" || verb == "load"), "{:?}", fake.calls());
}

#[test]
fn without_that_root_file_system_the_app_runs_on_its_stagings_and_a_warning_says_how_to_get_it() {
    let fake = staged_on("stager-rootfs:cflinuxfs4");
    let walked = launched(&fake, "");
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    assert!(walked.said("`docker/build --rootfs --stack cflinuxfs2`"), "{}", walked.text);
    assert_eq!(started(&fake), [fake.image(OURS).unwrap().unwrap().id.0]);
}

#[test]
fn an_image_that_a_user_put_on_another_root_file_system_stays_there() {
    let fake = staged_on("stager-rootfs:cflinuxfs3");
    rootfs(&fake);
    let walked = launched(&fake, "");
    assert_eq!(walked.code, ExitCode::Success, "{}", walked.text);
    assert!(walked.said("`host-cli rebase APP --base stager-rootfs:cflinuxfs2`"), "{}", walked.text);
    assert_eq!(started(&fake), [fake.image(OURS).unwrap().unwrap().id.0]);
}

#[test]
fn an_image_whose_names_went_on_while_it_ran_goes_with_its_container() {
    let fake = staged_elsewhere_on("stager-rootfs:cflinuxfs2");
    launched(&fake, "");
    let old = fake.image(OURS).unwrap().unwrap().id;
    let labels = [(labels::APP_GUID, GUID), (labels::KIND, labels::KIND_APP)];
    let new = fake.add_image("new:1", &labels);
    fake.tag(&new, OURS).unwrap();
    assert!(fake.image(&old.0).unwrap().is_some(), "a container uses it");
    assert_eq!(launched(&fake, "").code, ExitCode::Success);
    assert!(fake.image(&old.0).unwrap().is_some(), "the last container is kept for what it printed");
    for colour in ["red", "green", "blue"] {
        assert_eq!(launched(&fake, &format!("--env COLOUR={colour}")).code, ExitCode::Success);
    }
    assert_eq!((started(&fake), fake.image(&old.0).unwrap()), (vec![new.0], None), "its revision is forgotten");
}

#[test]
fn a_launch_whose_image_cannot_be_put_there_starts_nothing_and_leaves_nothing() {
    let fake = staged_on("stager-rootfs:cflinuxfs4");
    rootfs(&fake);
    fake.state().export.truncate(700);
    let walked = launched(&fake, "");
    assert_eq!(walked.code, ExitCode::Image, "{}", walked.text);
    assert!(fake.state().containers.is_empty() && fake.state().loaded.is_empty(), "{:?}", fake.calls());
    assert_eq!(fake.image(MOVED).unwrap(), None);
}
