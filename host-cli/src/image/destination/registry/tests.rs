//! Publishing into a registry in memory: what it is sent and what not, that the same things are the same image, and what ends it.

use super::*;
use crate::engine::fake::Fake;
use crate::engine::{Engine, Platform};
use crate::image::base::samples::{SampleBase, amd64, digest};
use crate::image::created::Created;
use crate::image::samples::{Sample, as_file};
use crate::image::{
    Bound, GENEROUS, ImageBy, ImageMaker, ImageNames, ImageOptions, ImageParts, ImagePlan, LifecycleSource, Stop,
};
use crate::registry::fake::{FakeRepository, HOST};
use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};
use shared_model::lifecycle::Lifecycle;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

#[derive(Default)]
struct Said(Mutex<Vec<Event>>);

impl EventSink for Said {
    fn emit(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

/// Whoever publishes: a base, records, and so many cores.
struct Machine {
    base: Base,
    state: TempDir,
    cores: usize,
    said: Said,
}

impl Machine {
    fn new(base: Base) -> Self {
        Self { base, state: tempfile::tempdir().unwrap(), cores: 2, said: Said::default() }
    }

    /// One whose base is the sample, in a registry.
    fn with_remote(base: &FakeRepository) -> Self {
        let reference = Reference::pulled(&format!("{}/{}:1", base.registry(), base.path())).unwrap();
        Self::new(Base::in_registry(&reference, Box::new(base.clone()), &amd64()).unwrap())
    }

    fn with_layout(folder: &Path) -> Self {
        Self::new(Base::in_layout(&folder.display().to_string(), &amd64()).unwrap())
    }

    fn publish(&self, repository: &FakeRepository, droplet: &[u8]) -> Result<Publication, ImageError> {
        self.publish_unless(&Stop::default(), repository, droplet)
    }

    fn publish_unless(
        &self,
        stop: &Stop,
        repository: &FakeRepository,
        droplet: &[u8],
    ) -> Result<Publication, ImageError> {
        let reference = Reference::read(&format!("{}/{}:1", repository.registry(), repository.path())).unwrap();
        let records = CompressedLayers::at(self.state.path());
        let cores = NonZeroUsize::new(self.cores).unwrap();
        let destination = RegistryDestination::new((repository, &reference), &self.base, &records, cores);
        let plan = ImagePlan {
            base: "typed".into(),
            lifecycle: Lifecycle::Buildpack,
            names: ImageNames::Given(Vec::new()),
            labels: [("stager.app-name".to_owned(), "my app".to_owned())].into(),
            bound: Bound::from_option(GENEROUS),
            options: ImageOptions { by: ImageBy::Auto, verbose: false, created: Created { time: 0, newest: None } },
        };
        let lifecycle = LifecycleSource::Programs(vec![("launcher".into(), as_file(b"l"))]);
        let parts = ImageParts { droplet: as_file(droplet), lifecycle, result: String::new() };
        ImageMaker { destination: &destination, stop, events: &self.said }.make(&plan, parts)?;
        let publication = destination.publication().unwrap();
        publication.tag(repository, &reference)?;
        Ok(publication)
    }
}

impl Machine {
    /// Publishes the base itself.
    fn publish_itself(&self, config: &EngineConfig, repository: &FakeRepository) -> Result<Publication, ImageError> {
        let reference = Reference::read(&format!("{}/{}:1", repository.registry(), repository.path())).unwrap();
        let (records, cores) = (CompressedLayers::at(self.state.path()), NonZeroUsize::new(self.cores).unwrap());
        let destination = RegistryDestination::new((repository, &reference), &self.base, &records, cores);
        destination.whole(config, &Stop::default(), &self.said)?;
        let publication = destination.publication().unwrap();
        publication.tag(repository, &reference)?;
        Ok(publication)
    }
}

/// A base in a registry of its own, and the same in a layout.
fn sample() -> (SampleBase, FakeRepository, TempDir) {
    let sample = SampleBase::new("amd64");
    let (repository, folder) = (FakeRepository::on("other.io", "rootfs"), tempfile::tempdir().unwrap());
    sample.put(&repository, "1");
    sample.write(folder.path(), std::slice::from_ref(&sample.manifest));
    (sample, repository, folder)
}

fn droplet() -> Vec<u8> {
    // Some blocks of the compressor.
    let content: Vec<u8> =
        (0..500_000_u32).flat_map(|number| (number.wrapping_mul(number) / 9).to_le_bytes()).collect();
    Sample::droplet().file("./app/large", &content, 0o644).tgz()
}

fn manifest(repository: &FakeRepository, name: &str) -> Value {
    serde_json::from_slice(&repository.manifest(name).unwrap().unwrap().bytes).unwrap()
}

#[test]
fn an_image_has_the_bases_layers_as_they_are_kept_and_ours_compressed() {
    let (sample, base, _) = sample();
    let target = FakeRepository::new("team/app");
    let machine = Machine::with_remote(&base);
    let published = machine.publish(&target, &droplet()).unwrap();
    assert_eq!((published.sent, published.known), (4, 0));
    let manifest = manifest(&target, "1");
    assert_eq!(target.manifest(published.digest()).unwrap(), target.manifest("1").unwrap());
    assert_eq!(manifest["mediaType"], "application/vnd.oci.image.manifest.v1+json");
    let layers = manifest["layers"].as_array().unwrap();
    let kinds: Vec<&str> = layers.iter().map(|layer| layer["mediaType"].as_str().unwrap()).collect();
    let gzip = "application/vnd.oci.image.layer.v1.tar+gzip";
    assert_eq!(kinds, [gzip, "application/vnd.oci.image.layer.v1.tar", gzip, gzip]);
    let blob = |descriptor: &Value| target.blob(descriptor["digest"].as_str().unwrap()).unwrap();
    for layer in layers {
        assert_eq!(layer["size"], blob(layer).len());
    }
    let config: Value = serde_json::from_slice(&blob(&manifest["config"])).unwrap();
    let diff_ids = config["rootfs"]["diff_ids"].as_array().unwrap();
    assert_eq!(diff_ids.len(), 4);
    for (layer, diff_id) in layers[2..].iter().zip(&diff_ids[2..]) {
        let mut unpacked = Vec::new();
        MultiGzDecoder::new(&*blob(layer)).read_to_end(&mut unpacked).unwrap();
        assert_eq!(digest(&unpacked), diff_id.as_str().unwrap());
    }
    assert_eq!(blob(&layers[0]), sample.blobs[layers[0]["digest"].as_str().unwrap()]);
    let labels = &config["config"]["Labels"];
    assert_eq!(labels["org.opencontainers.image.base.digest"], sample.digest());
    assert_eq!(labels["org.opencontainers.image.base.name"], "other.io/rootfs:1");
    let bytes: usize = layers.iter().map(|layer| blob(layer).len()).sum();
    assert_eq!(published.bytes, bytes as u64);
    let said = machine.said.0.lock().unwrap();
    let pushing = |event: &Event| matches!(event, Event::Pushing { image, reference } if image.starts_with("my app:droplet-") && reference == "r.io:5000/team/app:1");
    assert!(said.iter().any(pushing), "{said:?}");
}

#[test]
fn the_manifest_comes_last_and_all_it_names_is_there_before() {
    let (_, base, _) = sample();
    let target = FakeRepository::new("team/app");
    Machine::with_remote(&base).publish(&target, &droplet()).unwrap();
    let calls = target.state().calls.clone();
    assert_eq!(calls.last().unwrap(), "put_manifest 1");
    assert_eq!(calls.iter().filter(|call| call.starts_with("upload")).count(), 5);
}

#[test]
fn the_same_things_are_the_same_image_whoever_publishes_them_on_however_many_cores() {
    let (_, base, folder) = sample();
    let published = |machine: &Machine| {
        let target = FakeRepository::new("team/app");
        let digest = machine.publish(&target, &droplet()).unwrap().digest().to_owned();
        (digest, manifest(&target, "1"))
    };
    let first = published(&Machine { cores: 1, ..Machine::with_remote(&base) });
    for cores in [1, 2, 7] {
        assert_eq!(published(&Machine { cores, ..Machine::with_remote(&base) }), first, "{cores}");
    }
    // A layout has no name that is the same on another machine, and its unpacked layers are packed.
    let of_layout = published(&Machine { cores: 1, ..Machine::with_layout(folder.path()) });
    let elsewhere = tempfile::tempdir().unwrap();
    SampleBase::new("amd64").write(elsewhere.path(), &[SampleBase::new("amd64").manifest]);
    assert_eq!(published(&Machine { cores: 5, ..Machine::with_layout(elsewhere.path()) }), of_layout);
    assert_eq!(of_layout.1["layers"][0], first.1["layers"][0]);
}

#[test]
fn what_a_registry_has_is_neither_compressed_nor_sent_again() {
    let (_, base, folder) = sample();
    let target = FakeRepository::new("team/app");
    for machine in [Machine::with_remote(&base), Machine::with_layout(folder.path())] {
        let first = machine.publish(&target, &droplet()).unwrap();
        target.state().calls.clear();
        let again = machine.publish(&target, &droplet()).unwrap();
        assert_eq!((again.digest(), again.sent, again.known, again.bytes), (first.digest(), 0, 4, 0));
        assert_eq!(target.asked("upload"), [""; 0], "not even the config");
        let other = Sample::droplet().file("./app/other", b"x", 0o644).tgz();
        let other = machine.publish(&target, &other).unwrap();
        assert_eq!((other.sent, other.known), (1, 3));
    }
}

#[test]
fn layers_of_another_repository_of_the_registry_are_mounted() {
    let base = FakeRepository::new("rootfs");
    SampleBase::new("amd64").put(&base, "1");
    let (one, two) = (base.neighbour("team/one"), base.neighbour("team/two"));
    let machine = Machine::with_remote(&base);
    let first = machine.publish(&one, &droplet()).unwrap();
    assert_eq!((first.sent, first.known), (2, 2), "the base's are mounted");
    assert_eq!(one.asked("read_blob").len(), 1, "of the base its config alone was read");
    let second = machine.publish(&two, &droplet()).unwrap();
    assert_eq!((second.digest(), second.sent, second.known), (first.digest(), 0, 4));
    let mounted = two.asked("mount");
    assert_eq!(mounted.iter().filter(|call| call.ends_with(" team/one")).count(), 2, "{mounted:?}");
    let (_, _, folder) = sample();
    let of_layout = Machine::with_layout(folder.path());
    let (three, four) = (FakeRepository::new("three"), "four");
    assert_eq!(of_layout.publish(&three, &droplet()).unwrap().sent, 4);
    assert_eq!(of_layout.publish(&three.neighbour(four), &droplet()).unwrap().sent, 0, "a layout's are, too");
    let in_base = base.neighbour("rootfs");
    let third = Machine::with_remote(&base).publish(&in_base, &droplet()).unwrap();
    assert_eq!((third.sent, third.known), (2, 2), "another machine remembers nothing");
}

#[test]
fn a_registry_that_mounts_nothing_is_sent_it() {
    let base = FakeRepository::new("rootfs");
    SampleBase::new("amd64").put(&base, "1");
    let machine = Machine::with_remote(&base);
    let moved = base.neighbour("team/one");
    let elsewhere = FakeRepository::on(HOST, "team/one");
    assert_eq!(machine.publish(&elsewhere, &droplet()).unwrap().sent, 4, "it has no such neighbour");
    assert_eq!(machine.publish(&moved, &droplet()).unwrap().sent, 2);
}

/// A base on an engine that exports these layers.
fn on_engine(layers: &[&[u8]]) -> (Arc<Fake>, Base) {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in
        [("manifest.json", &b"[]"[..])].into_iter().chain(layers.iter().map(|bytes| ("layer.tar", *bytes)))
    {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        tar.append_data(&mut header, name, bytes).unwrap();
    }
    let engine = Arc::new(Fake::with_image("rootfs:x"));
    {
        let mut state = engine.state();
        state.export = tar.into_inner().unwrap();
        state.images[0].details.layers = layers.iter().map(|bytes| digest(bytes)).collect();
        state.images[0].details.platform = Platform { architecture: "amd64".into(), ..amd64() };
    }
    let base = Base::on_engine("rootfs:x", Arc::<Fake>::clone(&engine) as Arc<dyn Engine>).unwrap();
    (engine, base)
}

#[test]
fn a_base_of_the_engine_is_exported_once_and_only_if_the_registry_lacks_a_layer() {
    let content = [1, 2].map(|byte| vec![byte; 70_000]);
    let layers: [&[u8]; 2] = [&content[0], &content[1]];
    let (engine, base) = on_engine(&layers);
    let machine = Machine::new(base);
    let target = FakeRepository::new("team/app");
    let first = machine.publish(&target, &droplet()).unwrap();
    assert_eq!(first.sent, 4);
    let saves = || engine.calls().iter().filter(|call| call.starts_with("save")).count();
    assert_eq!(saves(), 1);
    let manifest = manifest(&target, "1");
    let mut unpacked = Vec::new();
    let blob = target.blob(manifest["layers"][1]["digest"].as_str().unwrap()).unwrap();
    MultiGzDecoder::new(&*blob).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, layers[1]);
    assert_eq!(machine.publish(&target, &droplet()).unwrap().digest(), first.digest());
    assert_eq!(saves(), 1);
    // Another machine's engine calls the same layers otherwise.
    let (other, base) = on_engine(&layers);
    other.state().images[0].id.0 = format!("sha256:{}", "9".repeat(64));
    assert_eq!(Machine::new(base).publish(&FakeRepository::new("x"), &droplet()).unwrap().digest(), first.digest());
}

#[test]
fn an_image_that_goes_as_it_is_is_exported_once_whatever_the_registry_lacks() {
    let layers = [1, 2].map(|byte| vec![byte; 70_000]);
    let ids: Vec<String> = layers.iter().map(|layer| digest(layer)).collect();
    let config = json!({ "architecture": "amd64", "os": "linux", "rootfs": { "diff_ids": ids } }).to_string();
    // As engines of the older form do, it names the config behind the layers.
    let listed = json!([{ "Config": "config.json", "Layers": ["1", "2"] }]).to_string();
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in [
        ("1/layer.tar", &*layers[0]),
        ("2/layer.tar", &layers[1]),
        ("config.json", config.as_bytes()),
        ("manifest.json", listed.as_bytes()),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        tar.append_data(&mut header, name, bytes).unwrap();
    }
    let engine = Arc::new(Fake::with_image("app:x"));
    {
        let mut state = engine.state();
        state.export = tar.into_inner().unwrap();
        state.images[0].details.layers = ids;
    }
    let image = engine.state().images[0].clone();
    let (base, of_image) = Base::itself_on_engine(&image, Arc::<Fake>::clone(&engine) as Arc<dyn Engine>);
    let machine = Machine::new(base);
    let target = FakeRepository::new("team/app");
    let saves = || engine.calls().iter().filter(|call| call.starts_with("save")).count();
    let first = machine.publish_itself(&of_image, &target).unwrap();
    assert_eq!((first.sent, saves()), (2, 1));
    let of_config = manifest(&target, "1")["config"]["digest"].as_str().unwrap().to_owned();
    assert_eq!(target.blob(&of_config).unwrap(), config.as_bytes());
    // Of layers that are there only the config is looked for.
    let second = machine.publish_itself(&of_image, &target).unwrap();
    assert_eq!((second.digest(), second.sent, saves()), (first.digest(), 0, 2));
}

#[test]
fn a_layer_that_an_engine_does_not_export_is_named() {
    let (engine, base) = on_engine(&[b"one", b"two"]);
    engine.state().export = on_engine(&[b"one"]).0.state().export.clone();
    let error = Machine::new(base).publish(&FakeRepository::new("a"), &droplet()).unwrap_err().to_string();
    assert!(error.ends_with(&format!("no layer in it has the digest {}", digest(b"two"))), "{error}");
}

#[test]
fn an_upload_that_breaks_off_is_begun_anew_with_the_same_bytes() {
    let (_, base, _) = sample();
    let (whole, broken) = (FakeRepository::new("a"), FakeRepository::new("a"));
    broken.state().broken_uploads = 3;
    let published = |target| Machine::with_remote(&base).publish(target, &droplet()).unwrap();
    assert_eq!(published(&whole), published(&broken));
}

#[test]
fn a_layer_of_a_layout_with_other_bytes_is_not_sent() {
    let (sample, _, folder) = sample();
    for digest in sample.blobs.keys().filter(|digest| !sample.blobs[*digest].starts_with(b"{")) {
        sample.write(folder.path(), std::slice::from_ref(&sample.manifest));
        let path = folder.path().join("blobs").join(digest.replace(':', "/"));
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[5] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let target = FakeRepository::new("a");
        let error = Machine::with_layout(folder.path()).publish(&target, &droplet()).unwrap_err();
        assert!(error.to_string().ends_with(&format!("is not what its digest says: {digest}")), "{error}");
        assert_eq!(target.blob(digest), None);
        assert_eq!(target.manifest("1").unwrap(), None);
    }
}

#[test]
fn what_a_registry_refuses_ends_it_with_its_words_and_advice() {
    let (_, base, _) = sample();
    for verb in ["has_blob", "upload", "put_manifest"] {
        let target = FakeRepository::new("a");
        target.state().refused = vec![verb];
        let error = Machine::with_remote(&base).publish(&target, &droplet()).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.advice()), (&*format!("{verb}: no"), "ask its operator"));
        assert!(target.state().manifests.is_empty());
    }
    let target = FakeRepository::new("a");
    base.state().refused = vec!["read_blob"];
    let machine = Machine::with_remote_config(&base);
    assert_eq!(machine.publish(&target, &droplet()).unwrap_err().to_string(), "read_blob: no");
}

impl Machine {
    /// As [`Self::with_remote`], of a registry that lets nothing be read any more.
    fn with_remote_config(base: &FakeRepository) -> Self {
        let refused = std::mem::take(&mut base.state().refused);
        let machine = Self::with_remote(base);
        base.state().refused = refused;
        machine
    }
}

#[test]
fn an_image_that_nobody_wants_any_more_is_not_sent() {
    let (_, base, _) = sample();
    let target = FakeRepository::new("a");
    let stop = Stop::default();
    stop.stop();
    Machine::with_remote(&base).publish_unless(&stop, &target, &droplet()).unwrap_err();
    assert!(target.state().manifests.is_empty() && target.state().blobs.is_empty());
}

#[test]
fn two_images_that_are_published_at_once_do_not_disturb_each_other() {
    let (_, base, _) = sample();
    let (machine, target) = (Machine::with_remote(&base), FakeRepository::new("a"));
    let droplets = [1_u8, 2].map(|number| Sample::droplet().file("./app/n", &vec![number; 900_000], 0o644).tgz());
    let published: Vec<Publication> = std::thread::scope(|scope| {
        let begun = droplets.each_ref().map(|droplet| scope.spawn(|| machine.publish(&target, droplet).unwrap()));
        begun.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for (published, droplet) in published.iter().zip(&droplets) {
        let alone = Machine::with_remote(&base).publish(&FakeRepository::new("a"), droplet).unwrap();
        assert_eq!(published.digest(), alone.digest());
        for layer in manifest(&target, published.digest())["layers"].as_array().unwrap() {
            assert!(target.blob(layer["digest"].as_str().unwrap()).is_some());
        }
    }
}
