//! Making an image with a recording engine: what it is sent and asked to name, and what stays after a failure.

use super::super::samples::{Sample, as_file};
use super::*;
use crate::engine::Engine;
use crate::engine::fake::{Fake, loaded};
use crate::image::destination::{EngineDestination, Journal, MadeImage, tag};
use shared_model::secret::Secret;
use std::sync::Mutex;

/// What is to be made, of what, and whether it is still wanted.
struct Order {
    plan: ImagePlan,
    parts: ImageParts,
    stop: Stop,
}

struct Nobody;

impl Journal for Nobody {
    fn image_begins(&self, _: &str, _: &str) {}
}

fn make(engine: &dyn Engine, order: Order, events: &dyn EventSink) -> Result<MadeImage, ImageError> {
    let ImageOptions { by, verbose, .. } = order.plan.options;
    let destination = EngineDestination { engine, journal: &Nobody, by, verbose };
    let maker = ImageMaker { destination: &destination, stop: &order.stop, events };
    tag(engine, maker.make(&order.plan, order.parts)?)
}

#[derive(Default)]
struct Said(Mutex<Vec<Event>>);

impl EventSink for Said {
    fn emit(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

fn order(droplet: &[u8]) -> Order {
    let plan = ImagePlan {
        base: "rootfs:x".into(),
        lifecycle: Lifecycle::Buildpack,
        names: ImageNames::OfApp { name: "my app".into(), guid: "18c50a86-f6e8-4f9e-9e0a-8a3c4f3b2f1d".into() },
        labels: [("stager.app-name".to_owned(), "my app".to_owned())].into(),
        bound: Bound::from_option(GENEROUS),
        options: ImageOptions { by: ImageBy::Auto, verbose: false, created: Created { time: 0, newest: None } },
    };
    let lifecycle = LifecycleSource::Programs(vec![("launcher".into(), as_file(b"l"))]);
    Order {
        plan,
        parts: ImageParts { droplet: as_file(droplet), lifecycle, result: String::new() },
        stop: Stop::default(),
    }
}

/// The order, changed.
fn with(mut order: Order, change: impl FnOnce(&mut Order)) -> Order {
    change(&mut order);
    order
}

/// What was loaded last, by name.
fn archive(fake: &Fake) -> BTreeMap<String, Vec<u8>> {
    loaded::entries(fake.state().loaded.last().unwrap()).into_iter().collect()
}

#[test]
fn an_image_is_loaded_with_its_new_layers_only_and_then_gets_the_apps_names() {
    let fake = Fake::with_image("rootfs:x");
    let made = make(&fake, order(&Sample::droplet().tgz()), &Said::default()).unwrap();
    assert!(made.name.starts_with("cf-app/my-app-18c50a86:droplet-"), "{}", made.name);
    let archive = archive(&fake);
    let manifest: serde_json::Value = serde_json::from_slice(&archive["manifest.json"]).unwrap();
    let layers: Vec<&str> =
        manifest[0]["Layers"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert!(!archive.contains_key(layers[0]), "the base is there already");
    assert_eq!(layers[1..].iter().map(|name| archive[*name].len() % 512).collect::<Vec<_>>(), [0, 0]);
    assert_eq!(archive.len(), 4);
    let image = fake.image(&made.name).unwrap().unwrap();
    assert_eq!((&image.id, image.tags.len()), (&made.id, 2));
    for label in ["stager.droplet", "stager.lifecycle", "stager.build-key", "org.opencontainers.image.revision"] {
        assert_eq!(image.labels[label].len(), 64, "{label}");
    }
    assert_eq!(image.labels["stager.app-name"], "my app");
    assert_eq!(image.labels["org.opencontainers.image.base.name"], "rootfs:x");
}

#[test]
fn the_same_things_make_the_same_image_and_every_other_thing_another() {
    let id = |change: &dyn Fn(&mut Order)| {
        let mut order = order(&Sample::droplet().tgz());
        change(&mut order);
        make(&Fake::with_image("rootfs:x"), order, &Said::default()).unwrap().id.0
    };
    let same = id(&|_| {});
    assert_eq!(id(&|order| order.plan.names = ImageNames::OfApp { name: "other".into(), guid: "other".into() }), same);
    let changes: [&dyn Fn(&mut Order); 4] = [
        &|order| order.plan.options.created.time = 1,
        &|order| drop(order.plan.labels.insert("a".into(), "b".into())),
        &|order| order.parts.lifecycle = LifecycleSource::Programs(vec![("launcher".into(), as_file(b"other"))]),
        &|order| order.parts.droplet = as_file(&Sample::droplet().file("./app/more", b"", 0o644).tgz()),
    ];
    let mut ids: Vec<String> = changes.iter().map(|change| id(change)).chain([same]).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

#[test]
fn an_image_of_a_cnb_app_has_its_lifecycles_settings() {
    let fake = Fake::with_image("rootfs:x");
    let cnb = |order: &mut Order| order.plan.lifecycle = Lifecycle::Cnb;
    let droplet = Sample::cnb_droplet().tgz();
    let made = make(&fake, with(order(&droplet), cnb), &Said::default()).unwrap();
    let config: serde_json::Value = archive(&fake)
        .into_values()
        .find_map(|file| {
            serde_json::from_slice(&file).ok().filter(|json: &serde_json::Value| json["config"].is_object())
        })
        .unwrap();
    assert_eq!(config["config"]["Env"][3], "CNB_LAYERS_DIR=/home/vcap/layers");
    assert_eq!(config["config"].get("Cmd"), None);
    assert!(made.name.starts_with("cf-app/my-app-18c50a86:droplet-"), "{}", made.name);
    let error = make(&fake, order(&droplet), &Said::default()).unwrap_err();
    assert_eq!(error.to_string(), "not a droplet of a buildpack app: it is one of a cnb app");
}

#[test]
fn an_image_of_the_same_build_key_is_only_named_again() {
    let fake = Fake::with_image("rootfs:x");
    let droplet = Sample::droplet().tgz();
    let first = make(&fake, order(&droplet), &Said::default()).unwrap();
    let said = Said::default();
    assert_eq!(make(&fake, order(&droplet), &said).unwrap(), first);
    assert_eq!(fake.state().loaded.len(), 1);
    assert!(fake.calls().iter().any(|call| call.starts_with("tag ") && call.ends_with(":latest")));
    assert!(matches!(&said.0.lock().unwrap()[..], [Event::Note { .. }]));
    let other = Sample::droplet().file("./app/more", b"", 0o644).tgz();
    make(&fake, order(&other), &Said::default()).unwrap();
    assert_eq!(fake.state().loaded.len(), 2);
}

#[test]
fn an_image_that_cannot_get_its_names_goes() {
    let fake = Fake::with_image("rootfs:x");
    fake.refuse("tag", "no");
    make(&fake, order(&Sample::droplet().tgz()), &Said::default()).unwrap_err();
    assert_eq!(fake.state().images.len(), 1);
}

#[test]
fn an_image_that_loses_its_last_name_goes() {
    let fake = Fake::with_image("rootfs:x");
    let old = fake.add_image("mine:latest", &[("stager.kind", "app")]);
    let named = |order: &mut Order| order.plan.names = ImageNames::Given(vec!["mine".into()]);
    let order = with(order(&Sample::droplet().tgz()), named);
    make(&fake, order, &Said::default()).unwrap();
    assert!(fake.state().images.iter().all(|image| image.id != old));
}

#[test]
fn what_is_missing_or_empty_or_wrong_is_said_before_anything_is_built() {
    let fake = Fake::with_image("rootfs:x");
    let good = Sample::droplet().tgz();
    let error = |order| make(&fake, order, &Said::default()).unwrap_err().to_string();
    assert_eq!(error(order(b"")), "the droplet is empty");
    assert!(error(order(b"nonsense")).starts_with("the droplet is corrupt"));
    assert_eq!(
        error(with(order(&good), |order| order.plan.base = "none:y".into())),
        "no root file system none:y on this Docker Engine"
    );
    let named = |order: &mut Order| order.plan.names = ImageNames::Given(vec!["Not A Name".into()]);
    assert!(error(with(order(&good), named)).contains("`Not A Name` is not a name"));
    let empty = |order: &mut Order| order.parts.lifecycle = LifecycleSource::Programs(Vec::new());
    assert!(error(with(order(&good), empty)).contains("launcher"));
    assert!(fake.state().loaded.is_empty());
}

#[test]
fn a_base_with_variables_of_its_own_is_warned_of_without_their_values() {
    let fake = Fake::with_image("rootfs:x");
    let variables = vec!["PATH=/x".to_owned(), "TOKEN=s3cret".to_owned()];
    fake.state().images[0].details.settings.environment = Secret::new(variables);
    let said = Said::default();
    let order = with(order(&Sample::droplet().tgz()), |order| order.parts.result = "broken".into());
    make(&fake, order, &said).unwrap();
    let said = said.0.into_inner().unwrap();
    assert_eq!(said.len(), 2);
    assert!(matches!(&said[0], Event::Warning { text } if text.contains("sets TOKEN;")), "{said:?}");
}
