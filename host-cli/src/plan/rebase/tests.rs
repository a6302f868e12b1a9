//! Which image may stand on which root file system, and what becomes of its names.

use super::*;
use crate::engine::{ImageDetails, ImageId};
use crate::image::app_image;

fn digest(of: u8) -> String {
    format!("sha256:{}", format!("{of:02x}").repeat(32))
}

fn platform(architecture: &str) -> Platform {
    Platform { architecture: architecture.into(), os: "linux".into(), variant: String::new() }
}

fn labels_of(labels: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
    labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// An app's image that was staged on cflinuxfs4 and bears these names.
fn image(tags: &[&str]) -> Image {
    let labels = labels_of(&[
        (STACK, "cflinuxfs4"),
        (BASE_NAME, "stager-rootfs:cflinuxfs4"),
        (BASE_DIGEST, &digest(1)),
        (app_image::LIFECYCLE, &digest(3)[7..]),
    ]);
    let layers = vec![digest(2), digest(3), digest(4)];
    let details = ImageDetails { layers, platform: platform("amd64"), ..ImageDetails::default() };
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    Image { id: ImageId(digest(8)), labels, tags, details, ..Image::default() }
}

fn base(labels: &[(&str, &str)]) -> Image {
    let details = ImageDetails { layers: vec![digest(9)], platform: platform("amd64"), ..ImageDetails::default() };
    Image { id: ImageId(digest(5)), labels: labels_of(labels), details, ..Image::default() }
}

fn options(base: &str) -> RebaseOptions<'_> {
    RebaseOptions { base, names: &[], force: false }
}

/// The names and the warning.
#[track_caller]
fn planned(image: &Image, base: Image, options: &RebaseOptions<'_>) -> (Vec<String>, Option<String>) {
    let Rebasing { names, warning, .. } = rebase(image, None, base, options).unwrap().unwrap();
    (names, warning)
}

#[test]
fn the_names_on_this_engine_go_on_and_those_in_a_registry_stay_unless_others_are_typed() {
    let tags = [
        "cf-app/a-18c50a86:latest",
        "localhost/a:1",
        "docker.io/cf-app/a:1",
        "localhost:5000/a:1",
        "r.io/a/a:1",
        "m:1",
    ];
    let image = image(&tags);
    let (names, warning) = planned(&image, base(&[(STACK, "cflinuxfs4")]), &options("b:1"));
    assert_eq!((names, warning), ([0, 1, 2, 5].map(|at: usize| tags[at].to_owned()).to_vec(), None));
    let typed = ["other:1".to_owned()];
    let options = RebaseOptions { names: &typed, ..options("b:1") };
    assert_eq!(planned(&image, base(&[(STACK, "cflinuxfs4")]), &options).0, typed);
}

#[test]
fn an_image_whose_only_name_is_a_registrys_needs_one() {
    let refused = rebase(&image(&["r.io/a:1"]), None, base(&[]), &options("b:1")).unwrap_err();
    assert_eq!(refused, RebaseError::NoName { image: "r.io/a:1".into() });
}

#[test]
fn an_image_that_stands_there_stays_whatever_the_root_file_system_is_called() {
    let mut base = base(&[(STACK, "cflinuxfs9")]);
    base.id = ImageId(digest(1));
    assert!(rebase(&image(&[]), None, base, &options("another:name")).unwrap().is_none());
}

#[test]
fn a_stack_of_another_number_or_family_needs_force_and_then_warns() {
    let image = image(&["a:1"]);
    for (labels, name) in [
        (&[(STACK, "cflinuxfs5")][..], "b:1"),
        (&[(STACK, "jammy")], "stager-rootfs:cflinuxfs4"),
        (&[], "stager-rootfs:cflinuxfs5"),
        (&[], "cloudfoundry/cflinuxfs3:1.268.0"),
        (&[], "r.io:5000/mirror/cflinuxfs2@sha256:00"),
    ] {
        let refused = rebase(&image, None, base(labels), &options(name)).unwrap_err();
        assert!(matches!(&refused, RebaseError::Stack { apps, .. } if apps == "cflinuxfs4"), "{name}: {refused}");
        let (_, warning) = planned(&image, base(labels), &RebaseOptions { force: true, ..options(name) });
        assert!(warning.unwrap().contains("staged on cflinuxfs4"), "{name}");
    }
}

#[test]
fn another_build_of_the_same_stack_is_taken_and_one_that_does_not_tell_with_a_warning() {
    let image = image(&["a:1"]);
    for (labels, name) in [
        (&[(STACK, "cflinuxfs4")][..], "b:1"),
        (&[(STACK, "cflinuxfs4-compat")], "b:1"),
        (&[], "cloudfoundry/cflinuxfs4:1.268.0"),
    ] {
        assert_eq!(planned(&image, base(labels), &options(name)).1, None, "{name}");
    }
    let mut silent = image.clone();
    silent.labels.remove(STACK);
    silent.labels.remove(BASE_NAME);
    let (former, newer) = (base(&[(STACK, "cflinuxfs4")]), || base(&[(STACK, "cflinuxfs5")]));
    assert!(rebase(&silent, Some(&former), newer(), &options("b:1")).is_err(), "what it stands on tells");
    assert_eq!(planned(&silent, newer(), &options("b:1")).1, None, "nobody tells");
    let (_, warning) = planned(&image, base(&[]), &options("debian:13"));
    assert!(warning.unwrap().contains("debian:13 does not say which stack it is"));
    let mut named = base(&[]);
    named.tags = vec!["acme/base:1".to_owned(), "stager-rootfs:cflinuxfs5".to_owned()];
    let refused = rebase(&image, None, named, &options("acme/base:1")).unwrap_err();
    assert!(matches!(refused, RebaseError::Stack { its, .. } if its == "cflinuxfs5"), "another of its names tells");
}

#[test]
fn what_holds_an_app_or_the_agent_or_is_for_another_machine_is_refused_even_with_force() {
    let mut arm = base(&[]);
    arm.details.platform = Platform { variant: "v8".into(), ..platform("arm64") };
    for (base, words) in [
        (base(&[(labels::KIND, labels::KIND_APP)]), "b:1 is an app's image, not a root file system"),
        (base(&[(labels::KIND, labels::KIND_STAGER)]), "b:1 is a stager image, not a root file system"),
        (arm, "b:1 is for linux/arm64/v8, and the app for linux/amd64"),
    ] {
        let options = RebaseOptions { force: true, ..options("b:1") };
        assert_eq!(rebase(&image(&["a:1"]), None, base, &options).unwrap_err().to_string(), words);
    }
}

#[test]
fn an_image_without_the_layers_that_its_labels_tell_is_refused() {
    for change in [
        (|image: &mut Image| drop(image.details.layers.pop())) as fn(&mut Image),
        |image| image.details.layers.clear(),
        |image| drop(image.labels.remove(app_image::LIFECYCLE)),
        |image| image.details.layers.push(digest(7)),
    ] {
        let mut image = image(&["a:1"]);
        change(&mut image);
        let refused = rebase(&image, None, base(&[]), &options("b:1")).unwrap_err();
        assert_eq!(refused, RebaseError::Layers { image: "a:1".into() });
    }
}
