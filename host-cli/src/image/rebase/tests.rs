//! What comes of a rebase is what making the image anew would give.

use super::*;
use crate::engine::fake::Fake;
use crate::engine::fake::loaded;
use crate::engine::{Image, Images};
use crate::image::app_image;
use crate::image::created::{Created, FIXED};
use crate::image::destination::{EngineDestination, ImageBy, Journal};
use crate::image::make::{ImageMaker, ImageNames, ImageOptions, ImageParts, ImagePlan};
use crate::image::samples::{Sample, as_file};
use crate::image::{Bound, GENEROUS, LifecycleSource};
use crate::screen::recording::Recording;
use shared_model::lifecycle::Lifecycle;
use std::sync::Mutex;

/// What is written down of images under way.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Journal for Told {
    fn image_begins(&self, base: &str, build_key: &str) {
        self.0.lock().unwrap().push(format!("{base} {build_key}"));
    }
}

/// An engine with two root file systems of one layer each, `rootfs:a` and `rootfs:b`.
fn engine() -> Fake {
    let fake = Fake::default();
    for (name, layer) in [("rootfs:a", "sha256:aa"), ("rootfs:b", "sha256:bb")] {
        fake.add_image(name, &[]);
        fake.state().images.last_mut().unwrap().details.layers = vec![layer.to_owned()];
    }
    fake
}

fn plan(base: &str, lifecycle: Lifecycle, created: Created) -> ImagePlan {
    ImagePlan {
        base: base.to_owned(),
        lifecycle,
        names: ImageNames::Given(vec!["a:1".to_owned()]),
        labels: [("stager.app-name".to_owned(), "my app".to_owned())].into(),
        bound: Bound::from_option(GENEROUS),
        options: ImageOptions { by: ImageBy::Auto, verbose: false, created },
    }
}

/// The image of a droplet, as `image` makes it.
fn made(fake: &Fake, plan: &ImagePlan) -> Image {
    let droplet = if plan.lifecycle == Lifecycle::Cnb { Sample::cnb_droplet() } else { Sample::droplet() };
    let programs = vec![("launcher".to_owned(), as_file(b"l"))];
    let parts = ImageParts {
        droplet: as_file(&droplet.tgz()),
        lifecycle: LifecycleSource::Programs(programs),
        result: r#"{"process_types":{"web":"x"}}"#.to_owned(),
    };
    let destination =
        EngineDestination { engine: &**fake, journal: &Told::default(), by: ImageBy::Auto, verbose: false };
    let events = Recording::default();
    let maker = ImageMaker { destination: &destination, stop: &Stop::default(), events: &events };
    let id = maker.make(plan, parts).unwrap().id;
    // An engine that has all layers exports them all.
    fake.image(&id.0).unwrap().unwrap()
}

fn rebased(fake: &Fake, image: &Image, base: &str, told: &Told) -> Result<ImageId, ImageError> {
    let there = fake.image(base).unwrap().unwrap();
    let plan = RebasePlan::new(image, there, base).unwrap();
    let destination = EngineDestination { engine: &**fake, journal: told, by: ImageBy::Auto, verbose: false };
    let events = Recording::default();
    let stop = Stop::default();
    Rebase { source: &**fake, destination: &destination, stop: &stop, events: &events }.make(&image.id, &plan)
}

const USUAL: Created = Created { time: FIXED, newest: None };

#[test]
fn a_rebased_image_is_the_one_that_is_made_of_the_same_on_that_root_file_system() {
    let asked = |time: i64| Created { time, newest: u64::try_from(time).ok() };
    for lifecycle in [Lifecycle::Buildpack, Lifecycle::Cnb] {
        for created in [USUAL, asked(0), asked(1_700_000_000), asked(FIXED)] {
            let expected = made(&engine(), &plan("rootfs:b", lifecycle, created));
            let fake = engine();
            let image = made(&fake, &plan("rootfs:a", lifecycle, created));
            let export = fake.state().loaded.last().unwrap().clone();
            fake.state().export = export;
            let told = Told::default();
            let id = rebased(&fake, &image, "rootfs:b", &told).unwrap();
            assert_eq!(id, expected.id, "{lifecycle:?} {created:?}");
            let new = fake.image(&id.0).unwrap().unwrap();
            assert_eq!((&new.labels, &new.details), (&expected.labels, &expected.details));
            assert_eq!(new.details.layers[1..], image.details.layers[1..], "the same bytes");
            assert_eq!(told.0.lock().unwrap().len(), 1, "it is written down before");
            // Back again: the image is there.
            assert_eq!(rebased(&fake, &new, "rootfs:a", &told).unwrap(), image.id);
        }
    }
}

#[test]
fn what_was_rebased_before_is_found_without_an_export() {
    let fake = engine();
    let image = made(&fake, &plan("rootfs:a", Lifecycle::Buildpack, USUAL));
    let export = fake.state().loaded.last().unwrap().clone();
    fake.state().export = export;
    let first = rebased(&fake, &image, "rootfs:b", &Told::default()).unwrap();
    fake.state().calls.clear();
    assert_eq!(rebased(&fake, &image, "rootfs:b", &Told::default()).unwrap(), first);
    assert!(!fake.verbs().iter().any(|verb| verb == "save" || verb == "load"), "{:?}", fake.calls());
}

#[test]
fn an_image_that_another_release_made_gets_a_key_that_stands_for_its_own_layers() {
    let fake = engine();
    let mut image = made(&fake, &plan("rootfs:a", Lifecycle::Buildpack, USUAL));
    let there = || fake.image("rootfs:b").unwrap().unwrap();
    let usual = RebasePlan::new(&image, there(), "rootfs:b").unwrap().build_key;
    image.labels.insert(app_image::BUILD_KEY.to_owned(), "0".repeat(64));
    let of_another = RebasePlan::new(&image, there(), "rootfs:b").unwrap().build_key;
    assert_ne!(of_another, usual);
    image.details.layers[2] = format!("sha256:{}", "1".repeat(64));
    let of_other_layers = RebasePlan::new(&image, there(), "rootfs:b").unwrap().build_key;
    assert_ne!(of_other_layers, of_another);
}

#[test]
fn an_export_without_the_layers_puts_nothing_into_the_engine() {
    let fake = engine();
    let image = made(&fake, &plan("rootfs:a", Lifecycle::Buildpack, USUAL));
    fake.state().export = Sample::new().file("blobs/sha256/x", b"no layer", 0o644).tar();
    let before = fake.state().loaded.len();
    let refused = rebased(&fake, &image, "rootfs:b", &Told::default()).unwrap_err();
    assert!(refused.to_string().contains("no layer in it has the digest"), "{refused}");
    assert_eq!(fake.state().loaded.len(), before);
}

#[test]
fn only_the_root_file_systems_labels_and_the_build_key_differ() {
    let fake = engine();
    let image = made(&fake, &plan("rootfs:a", Lifecycle::Buildpack, USUAL));
    let export = fake.state().loaded.last().unwrap().clone();
    fake.state().export = export;
    let id = rebased(&fake, &image, "rootfs:b", &Told::default()).unwrap();
    let new = fake.image(&id.0).unwrap().unwrap();
    let differ: Vec<&str> = new
        .labels
        .iter()
        .filter(|(name, value)| image.labels.get(*name) != Some(value))
        .map(|(name, _)| &**name)
        .collect();
    assert_eq!(differ, [app_image::BASE_DIGEST, app_image::BASE_NAME, app_image::BUILD_KEY]);
    assert_eq!(new.labels.len(), image.labels.len());
    let sent = loaded::entries(fake.state().loaded.last().unwrap());
    assert_eq!(sent.len(), 4, "manifest, config, two layers");
}
