//! Which way an image takes into which engine, and which layers go along.

use super::*;
use crate::engine::Store;
use crate::engine::fake::{Fake, loaded};
use crate::image::base_layers::samples::{export, older_export};
use crate::image::config::AppImageConfig;
use crate::image::droplet::droplet_layer;
use crate::image::lifecycle::{LifecycleSource, lifecycle_layer};
use crate::image::samples::{Sample, as_file};
use crate::image::{Bound, GENEROUS};
use crate::screen::recording::Recording;
use shared_model::lifecycle::Lifecycle;
use std::collections::BTreeMap;
use std::sync::Mutex;

#[derive(Default)]
struct Said(Mutex<Vec<String>>);

impl EventSink for Said {
    fn emit(&self, event: Event) {
        if let Event::Note { text } = event {
            self.0.lock().unwrap().push(text);
        }
    }
}

struct Nobody;

impl Journal for Nobody {
    fn image_begins(&self, _: &str, _: &str) {}
}

struct Case {
    fake: Fake,
    base: Image,
    lifecycle: &'static [u8],
    droplet: Sample,
}

impl Case {
    fn new() -> Self {
        let fake = Fake::with_image("rootfs:x");
        let base = fake.image("rootfs:x").unwrap().unwrap();
        Self { fake, base, lifecycle: b"one", droplet: Sample::droplet() }
    }

    fn sent(self, by: ImageBy, said: &Said) -> (Fake, Result<ImageId, ImageError>) {
        let programs = vec![("launcher".to_owned(), as_file(self.lifecycle))];
        let lifecycle =
            lifecycle_layer(&mut LifecycleSource::Programs(programs), None, Bound::from_option(GENEROUS)).unwrap();
        let droplet = droplet_layer(
            &*self.droplet.tgz(),
            Lifecycle::Buildpack,
            None,
            Bound::from_option(GENEROUS),
            &Recording::default(),
            |_| None,
        )
        .unwrap();
        let labels: BTreeMap<String, String> = [
            ("stager.lifecycle", &lifecycle.sha256),
            ("stager.droplet", &droplet.sha256),
            ("stager.kind", &"app".into()),
        ]
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .into();
        let config = AppImageConfig { base: &self.base, lifecycle: Lifecycle::Buildpack, labels: &labels, created: 0 };
        let finished = FinishedImage { config, lifecycle, droplet, build_key: String::new() };
        let destination = EngineDestination { engine: &self.fake, journal: &Nobody, by, verbose: true };
        let outcome = destination.put(&finished, &Stop::default(), said);
        (self.fake, outcome)
    }

    fn loaded(self) -> (Fake, Vec<String>) {
        let (fake, outcome) = self.sent(ImageBy::Auto, &Said::default());
        outcome.unwrap();
        let files = loaded::entries(fake.state().loaded.last().unwrap()).into_iter().map(|(name, _)| name).collect();
        (fake, files)
    }
}

#[test]
fn a_layer_that_the_engine_has_is_not_sent() {
    let (fake, files) = Case::new().loaded();
    assert_eq!(files.len(), 4, "manifest, config, two layers: {files:?}");
    let second = Sample::droplet().file("./app/more", b"", 0o644);
    let (fake, files) = Case { fake, droplet: second, ..Case::new() }.loaded();
    assert_eq!(files.len(), 3, "the lifecycle is there: {files:?}");
    let (fake, files) = Case { fake, ..Case::new() }.loaded();
    assert_eq!(files.len(), 2, "both are there: {files:?}");
    let (_, files) = Case { fake, lifecycle: b"two", ..Case::new() }.loaded();
    assert_eq!(files.len(), 4, "the droplet is not there on this lifecycle: {files:?}");
}

#[test]
fn a_layer_that_was_removed_meanwhile_is_sent_after_all() {
    let (fake, _) = Case::new().loaded();
    fake.refuse("load", "no such file");
    let (_, files) = Case { fake, ..Case::new() }.loaded();
    assert_eq!(files.len(), 4);
}

#[test]
fn an_engine_that_refuses_an_archive_is_asked_to_build() {
    let case = Case::new();
    case.fake.refuse("load", "no such thing");
    let said = Said::default();
    let (fake, outcome) = case.sent(ImageBy::Auto, &said);
    outcome.unwrap();
    let context: Vec<String> = loaded::entries(&fake.state().built[0]).into_iter().map(|(name, _)| name).collect();
    assert_eq!(context, ["Dockerfile", "lifecycle.tar", "droplet.tar"]);
    assert_eq!(
        *said.0.lock().unwrap(),
        [
            "The image goes into engine 20.10 by load: it keeps layers by their digests (overlay2)",
            "load: no such thing; trying it by build"
        ]
    );
}

#[test]
fn what_was_asked_for_is_not_replaced_and_who_is_gone_or_full_is_not_asked_again() {
    let case = Case::new();
    case.fake.refuse("load", "no such thing");
    let (fake, outcome) = case.sent(ImageBy::Only(ImportMethod::Load), &Said::default());
    assert!(outcome.is_err() && fake.state().built.is_empty());
    let case = Case::new();
    case.fake.refuse("load", "write /layer.tar: no space left on device");
    let (fake, outcome) = case.sent(ImageBy::Auto, &Said::default());
    assert!(outcome.unwrap_err().advice().contains("make room") && fake.state().built.is_empty());
    let case = Case::new();
    case.fake.fail("load", EngineError::Unreachable { address: "a".into(), reason: "gone".into() });
    let (fake, outcome) = case.sent(ImageBy::Auto, &Said::default());
    assert!(outcome.is_err() && fake.state().built.is_empty());
}

#[test]
fn an_engine_with_containerd_gets_a_layout_that_names_the_bases_layers_as_it_keeps_them() {
    let mut case = Case::new();
    case.base.id = ImageId("sha256:".to_owned()); // No digest: nothing of it is kept in anybody's cache.
    case.fake.state().store = Some(Store::Containerd("overlayfs".into()));
    let diff_ids = serde_json::json!(case.base.details.layers);
    case.fake.state().export = export(&diff_ids);
    let (fake, outcome) = case.sent(ImageBy::Auto, &Said::default());
    let state = fake.state();
    let files: BTreeMap<String, Vec<u8>> = loaded::entries(&state.loaded[0]).into_iter().collect();
    let index = String::from_utf8_lossy(&files["index.json"]).into_owned();
    let id = outcome.unwrap().0;
    assert!(index.contains(&id), "{index}");
    let manifest = String::from_utf8_lossy(&files[&format!("blobs/{}", id.replace(':', "/"))]).into_owned();
    assert!(manifest.contains("sha256:packed"), "{manifest}");
    assert_eq!(files.len(), 6, "layout, index, manifest, config, two layers: {:?}", files.keys());
}

#[test]
fn podman_gets_a_layout_that_names_the_bases_layers_as_they_are_when_unpacked_and_calls_it_by_its_config() {
    let mut case = Case::new();
    case.base.id = ImageId("sha256:".to_owned());
    case.fake.state().store = Some(Store::Podman("overlay".into()));
    case.fake.state().export = older_export(&case.base.details.layers);
    let (fake, outcome) = case.sent(ImageBy::Auto, &Said::default());
    let files: BTreeMap<String, Vec<u8>> = loaded::entries(&fake.state().loaded[0]).into_iter().collect();
    let id = outcome.unwrap().0;
    let config = &files[&format!("blobs/{}", id.replace(':', "/"))];
    assert!(String::from_utf8_lossy(config).contains("diff_ids"), "{id}");
    assert_eq!(files.len(), 6, "layout, index, manifest, config, two layers: {:?}", files.keys());
}

#[test]
fn an_engine_that_knows_no_layers_is_asked_to_build_at_once() {
    let case = Case::new();
    case.fake.state().store = Some(Store::Unknown);
    let (fake, outcome) = case.sent(ImageBy::Auto, &Said::default());
    outcome.unwrap();
    let state = fake.state();
    assert_eq!((state.loaded.len(), state.built.len()), (0, 1));
}
