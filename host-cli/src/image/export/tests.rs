//! What comes out of images, byte by byte, from exports in the forms that engines have, and what is refused.

use super::super::droplet::droplet_layer;
use super::super::layer::Layer;
use super::super::samples::Sample;
use super::super::sha256::sha256_of_bytes;
use super::*;
use crate::engine::{ImageDetails, ImageId};
use crate::image::{Bound, GENEROUS};
use crate::screen::recording::Recording;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use serde_json::json;
use shared_model::lifecycle::Lifecycle;
use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
use tar::EntryType;

fn bytes_of(layer: &Layer) -> Vec<u8> {
    let mut bytes = Vec::new();
    layer.content().read_to_end(&mut bytes).unwrap();
    bytes
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

/// A root file system, as a layer.
fn base() -> Vec<u8> {
    Sample::new().folder("bin/", 0o755).file("bin/sh", &[7; 3000], 0o755).folder("home/vcap/", 0o755).tar()
}

/// An image of two layers, and how engines export it.
struct Saved {
    image: Image,
    config: Vec<u8>,
    layers: [Vec<u8>; 2],
}

impl Saved {
    fn of(upper: &[u8]) -> Self {
        let layers = [base(), upper.to_vec()];
        let digests: Vec<String> = layers.iter().map(|layer| format!("sha256:{}", sha256_of_bytes(layer))).collect();
        let config = json!({ "config": {}, "rootfs": { "diff_ids": digests } }).to_string().into_bytes();
        let id = ImageId(format!("sha256:{}", sha256_of_bytes(&config)));
        let details = ImageDetails { layers: digests, ..ImageDetails::default() };
        Self { image: Image { id, details, ..Image::default() }, config, layers }
    }

    fn of_droplet(droplet: Sample) -> Self {
        Self::of(&bytes_of(&made(&droplet.tgz()).unwrap()))
    }

    /// As Docker did before 25: names that tell nothing, and the list at the end.
    fn by_docker(&self) -> Vec<u8> {
        let list = json!([{ "Config": "c.json", "RepoTags": null, "Layers": ["b/layer.tar", "a/layer.tar"] }]);
        let legacy = br#"{"id":"a","parent":"b"}"#;
        Sample::new()
            .folder("a/", 0o755)
            .file("a/VERSION", b"1.0", 0o644)
            .file("a/json", legacy, 0o644)
            .file("a/layer.tar", &self.layers[1], 0o644)
            .file("b/layer.tar", &self.layers[0], 0o644)
            .link(EntryType::Symlink, "c/layer.tar", "../b/layer.tar")
            .file("c.json", &self.config, 0o644)
            .file("manifest.json", list.to_string().as_bytes(), 0o644)
            .tar()
    }

    /// As Docker does with containerd's store: compressed, and the id is the manifest's digest.
    fn by_containerd(&self) -> (Image, Vec<u8>) {
        let packed = gzipped(&self.layers[0]);
        let blob = |bytes: &[u8]| format!("blobs/sha256/{}", sha256_of_bytes(bytes));
        let descriptor = |bytes: &[u8]| json!({ "mediaType": "m", "digest": format!("sha256:{}", sha256_of_bytes(bytes)), "size": 1 });
        let layers = [descriptor(&packed), descriptor(&self.layers[1])];
        let manifest = json!({ "config": descriptor(&self.config), "layers": layers }).to_string();
        let index = json!({ "manifests": [descriptor(manifest.as_bytes())] }).to_string();
        let image =
            Image { id: ImageId(format!("sha256:{}", sha256_of_bytes(manifest.as_bytes()))), ..self.image.clone() };
        let tar = Sample::new()
            .file(&blob(&packed), &packed, 0o644)
            .file(&blob(&self.layers[1]), &self.layers[1], 0o644)
            .file(&blob(&self.config), &self.config, 0o644)
            .file(&blob(manifest.as_bytes()), manifest.as_bytes(), 0o644)
            .file("index.json", index.as_bytes(), 0o644)
            .tar();
        (image, tar)
    }

    /// As Podman does: the list first, the layers under their digests, and a config that was written anew.
    fn by_podman(&self) -> Vec<u8> {
        let config = [&self.config[..], b"\n"].concat();
        let list = json!([{ "Config": "c.json", "Layers": [] }]).to_string();
        let name = |layer: &[u8]| format!("{}.tar", sha256_of_bytes(layer));
        Sample::new()
            .file("manifest.json", list.as_bytes(), 0o644)
            .file("c.json", &config, 0o644)
            .file(&name(&self.layers[0]), &self.layers[0], 0o644)
            .file(&name(&self.layers[1]), &self.layers[1], 0o644)
            .tar()
    }
}

fn exported(image: &Image, export: Vec<u8>, target: &Target, stop: &Stop) -> Result<Exported, ImageError> {
    let events = Recording::default();
    super::export(Exporting { image, export: Box::new(Cursor::new(export)), stop, events: &events }, target)
}

/// The layer of a droplet; what is said about it is not heard.
fn made(droplet: &[u8]) -> Result<Layer, ImageError> {
    droplet_layer(droplet, Lifecycle::Buildpack, None, Bound::from_option(GENEROUS), &Recording::default(), |_| None)
}

/// The droplet of an image that a 20.10 exports; its digest and size were told, and an error leaves nothing behind.
fn droplet_of(saved: &Saved) -> Result<Vec<u8>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("droplet.tgz");
    let outcome = exported(&saved.image, saved.by_docker(), &Target::Droplet(path.clone()), &Stop::default());
    let left = fs::read_dir(&folder).unwrap().count();
    match outcome {
        Err(error) if left == 0 => Err(error.to_string()),
        Ok(told) if left == 1 => {
            let bytes = fs::read(path).unwrap();
            let found = Exported { digest: format!("sha256:{}", sha256_of_bytes(&bytes)), bytes: bytes.len() as u64 };
            if told == found { Ok(bytes) } else { Err(format!("told {told:?}, found {found:?}")) }
        }
        outcome => Err(format!("{left} files after {outcome:?}")),
    }
}

fn rich_droplet() -> Sample {
    let long = format!("./app/{}/file", "long".repeat(40));
    Sample::droplet()
        .link(EntryType::Symlink, "./app/link", "../../../etc/./hosts")
        .link(EntryType::Symlink, "./app/far", &"../far/".repeat(30))
        .link(EntryType::Link, "./app/again", "./app/run.sh")
        .file(&long, b"deep", 0o4751)
        .link(EntryType::Link, &format!("{long}-again"), &long)
        .records(&[("SCHILY.xattr.user.mime", b"text/plain")])
        .file("./app/marked", b"x", 0o640)
        .entry(EntryType::Fifo, "./app/pipe", "", 0o600, b"")
        .folder("./tmp/", 0o755)
        .folder("./logs/", 0o755)
        .file("./staging_info.yml", b"{}", 0o644)
}

#[test]
fn a_droplet_comes_out_as_builders_write_it_and_gives_the_layer_that_it_came_from() {
    let saved = Saved::of_droplet(rich_droplet());
    let droplet = droplet_of(&saved).unwrap();
    // Of gzip's header: no name, no time.
    assert_eq!(droplet[..8], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
    let again = made(&droplet).unwrap();
    assert_eq!(format!("sha256:{}", again.sha256), saved.image.details.layers[1]);

    let mut lines = Vec::new();
    for entry in tar::Archive::new(flate2::read::GzDecoder::new(&*droplet)).entries().unwrap() {
        let entry = entry.unwrap();
        let head = entry.header();
        assert_eq!((head.uid().unwrap(), head.gid().unwrap(), head.username().unwrap()), (2000, 2000, Some("vcap")));
        let target = entry.link_name_bytes().map(|target| format!(" {}", String::from_utf8_lossy(&target)));
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        lines.push(format!("{:o} {path}{}", head.mode().unwrap(), target.unwrap_or_default()));
    }
    let long = format!("./app/{}/file", "long".repeat(40));
    assert_eq!(
        lines,
        [
            "700 ./".to_owned(),
            "755 ./app/".into(),
            "755 ./app/run.sh".into(),
            "777 ./app/link ../../../etc/./hosts".into(),
            format!("777 ./app/far {}", "../far/".repeat(30)),
            "755 ./app/again ./app/run.sh".into(),
            format!("751 {long}"),
            format!("755 {long}-again {long}"),
            "640 ./app/marked".into(),
            "600 ./app/pipe".into(),
            "755 ./tmp/".into(),
            "755 ./logs/".into(),
            "644 ./staging_info.yml".into(),
        ]
    );
}

#[test]
fn a_cnb_apps_droplet_comes_out_too() {
    let made = |droplet: &[u8]| {
        droplet_layer(droplet, Lifecycle::Cnb, None, Bound::from_option(GENEROUS), &Recording::default(), |_| None)
            .unwrap()
    };
    let saved = Saved::of(&bytes_of(&made(&Sample::cnb_droplet().tgz())));
    let again = made(&droplet_of(&saved).unwrap());
    assert_eq!(format!("sha256:{}", again.sha256), saved.image.details.layers[1]);
}

#[test]
fn every_engine_gives_the_same_droplet_and_the_same_manifest() {
    let saved = Saved::of_droplet(rich_droplet());
    let (of_containerd, by_containerd) = saved.by_containerd();
    let folder = tempfile::tempdir().unwrap();
    let mut droplets = Vec::new();
    let mut manifests = Vec::new();
    for (number, (image, export)) in
        [(&saved.image, saved.by_docker()), (&of_containerd, by_containerd)].into_iter().enumerate()
    {
        let target = |name: &str| folder.path().join(format!("{name}{number}"));
        let stop = Stop::default();
        droplets.push(exported(image, export.clone(), &Target::Droplet(target("droplet")), &stop).unwrap());
        manifests.push(exported(image, export, &Target::Layout(target("layout")), &stop).unwrap());
    }
    assert_eq!(droplets[0], droplets[1]);
    assert_eq!(manifests[0], manifests[1]);
    let (target, stop) = (Target::Layout(folder.path().join("podmans")), Stop::default());
    let podmans = exported(&saved.image, saved.by_podman(), &target, &stop).unwrap();
    assert_ne!(podmans, manifests[0], "a config that was written anew is another");
}

#[test]
fn a_layout_holds_every_blob_under_its_digest_and_names_the_image() {
    let saved = Saved::of_droplet(Sample::droplet());
    let folder = tempfile::tempdir().unwrap();
    // An empty folder is as good as none.
    let (target, stop) = (Target::Layout(folder.path().to_owned()), Stop::default());
    let made = exported(&saved.image, saved.by_docker(), &target, &stop).unwrap();
    let read = |path: &str| fs::read(folder.path().join(path)).unwrap();
    assert_eq!(read("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#);
    let index: serde_json::Value = serde_json::from_slice(&read("index.json")).unwrap();
    let named = &index["manifests"][0];
    assert_eq!(named["annotations"]["org.opencontainers.image.ref.name"], "latest");
    assert_eq!(named["digest"], made.digest);
    let mut blobs = 0;
    for blob in fs::read_dir(folder.path().join("blobs/sha256")).unwrap() {
        let blob = blob.unwrap();
        let bytes = fs::read(blob.path()).unwrap();
        assert_eq!(blob.file_name().to_str().unwrap(), sha256_of_bytes(&bytes));
        blobs += bytes.len() as u64;
    }
    assert_eq!(made.bytes, blobs);
    let manifest: serde_json::Value =
        serde_json::from_slice(&read(&format!("blobs/sha256/{}", &made.digest[7..]))).unwrap();
    let layers: Vec<_> = manifest["layers"].as_array().unwrap().iter().map(|layer| &layer["digest"]).collect();
    assert_eq!(json!(layers), json!(saved.image.details.layers));
    assert_eq!(manifest["config"]["digest"], saved.image.id.0);
}

#[test]
fn a_layer_that_is_no_droplets_is_refused_by_the_entry() {
    let home = || Sample::new().folder("home/vcap/", 0o755).folder("home/vcap/app/", 0o755);
    for (layer, words) in [
        (home().file("etc/passwd", b"x", 0o644), "`etc/passwd`, which is outside of /home/vcap"),
        (home().file("tmp/lifecycles", b"x", 0o644), "`tmp/lifecycles`, which is outside of /home/vcap"),
        (home().file("home/vcap/../x", b"x", 0o644), "which is outside of /home/vcap"),
        (home().file("home/other/x", b"x", 0o644), "`home/other/x`, which is outside"),
        (home().link(EntryType::Link, "home/vcap/app/x", "etc/shadow"), "which is outside"),
        (home().file("home/vcap/app/.wh.x", b"", 0o644), "whose name means a deletion"),
        (
            home().link(EntryType::Symlink, "home/vcap/app/etc", "/etc").file("home/vcap/app/etc/x", b"", 0o644),
            "which leads through a symbolic link",
        ),
        (home().link(EntryType::Char, "home/vcap/app/disk", ""), "which is a device"),
        (Sample::new().folder("home/", 0o755).folder("home/vcap/", 0o755), "no droplet layer"),
        (Sample::new(), "no droplet layer"),
    ] {
        let error = droplet_of(&Saved::of(&layer.tar())).unwrap_err();
        assert!(error.contains(words), "{words}: {error}");
    }
    assert!(droplet_of(&Saved::of(b"no tar, and long enough to be one, if anybody reads so far")).is_err());
}

#[test]
fn a_layer_as_a_build_leaves_it_holds_the_droplet_too() {
    let built = Sample::new().folder("home/", 0o755).folder("home/vcap/", 0o755).folder("home/vcap/app/", 0o755).file(
        "home/vcap/app/run.sh",
        b"x",
        0o755,
    );
    let droplet = droplet_of(&Saved::of(&built.tar())).unwrap();
    made(&droplet).unwrap();
    let with_lifecycle = Sample::new().folder("tmp/", 0o755).folder("tmp/lifecycle/", 0o755);
    let with_lifecycle = with_lifecycle.file("tmp/lifecycle/launcher", b"x", 0o755).folder("home/", 0o755);
    let with_lifecycle = with_lifecycle.folder("home/vcap/", 0o755).folder("home/vcap/app/", 0o755);
    let in_one = with_lifecycle.file("home/vcap/app/run.sh", b"x", 0o755).tar();
    assert_eq!(droplet_of(&Saved::of(&in_one)), Ok(droplet), "as Podman's build leaves it");
}

#[test]
fn an_export_that_lies_or_breaks_off_is_an_error_and_leaves_nothing() {
    let saved = Saved::of_droplet(Sample::droplet());
    let whole = saved.by_docker();
    let mut other = saved.image.clone();
    other.details.layers[1] = format!("sha256:{:064}", 1);
    let config_is_missing = {
        let mut export = saved.by_docker();
        let at = export.windows(8).position(|bytes| bytes == b"diff_ids").unwrap();
        export[at] = b'D';
        export
    };
    let zstd = {
        let packed = [&[0x28, 0xb5, 0x2f, 0xfd][..], &[1; 900]].concat();
        Sample::new().file("a/layer.tar", &packed, 0o644).file("c.json", &saved.config, 0o644).tar()
    };
    for (image, export, of_droplet, of_layout) in [
        (&other, whole.clone(), "it does not hold the droplet layer sha256:000", "does not hold the image's config"),
        (&saved.image, whole[..whole.len() / 3].to_vec(), "ends in the middle", "ends in the middle"),
        (&saved.image, Vec::new(), "it does not hold the droplet layer", "does not hold the image's config"),
        (&saved.image, zstd, "it does not hold the droplet layer", "compressed in a way that cannot be undone"),
        (&saved.image, config_is_missing, "", "does not hold the image's config"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let stop = Stop::default();
        for (target, words) in [(Target::Droplet(at("d")), of_droplet), (Target::Layout(at("l")), of_layout)] {
            if words.is_empty() {
                continue;
            }
            let error = exported(image, export.clone(), &target, &stop).unwrap_err().to_string();
            assert!(error.contains(words), "{words}: {error}");
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        }
    }
}

#[test]
fn a_file_is_replaced_only_by_a_whole_one_and_where_it_lies() {
    let saved = Saved::of_droplet(Sample::droplet());
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("d.tgz"), folder.path().join("link"));
    fs::write(&file, "former").unwrap();
    std::os::unix::fs::symlink("d.tgz", &link).unwrap();
    let stopped = Stop::default();
    stopped.stop();
    for (export, stop) in [(vec![1; 5000], Stop::default()), (saved.by_docker(), stopped)] {
        exported(&saved.image, export, &Target::Droplet(link.clone()), &stop).unwrap_err();
        assert_eq!(fs::read(&file).unwrap(), b"former");
    }
    exported(&saved.image, saved.by_docker(), &Target::Droplet(link.clone()), &Stop::default()).unwrap();
    assert!(fs::read(&file).unwrap().starts_with(&[0x1f, 0x8b]) && link.is_symlink());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
}

#[test]
fn a_link_that_leads_nowhere_is_refused_before_anything_is_exported_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    let with_slash = std::path::PathBuf::from(format!("{}/", link.display()));
    for target in [Target::Droplet(link.clone()), Target::Layout(link.clone()), Target::Layout(with_slash)] {
        let error = target.check().unwrap_err().to_string();
        assert!(error.ends_with("cannot be written: it is a symbolic link that leads nowhere"), "{error}");
    }
    assert!(link.is_symlink());
}

#[test]
fn places_that_hold_something_else_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let full = folder.path().join("full");
    fs::create_dir(&full).unwrap();
    fs::write(full.join("x"), "").unwrap();
    let layout = folder.path().join("layout");
    fs::create_dir(&layout).unwrap();
    fs::write(layout.join("oci-layout"), "").unwrap();
    let missing = folder.path().join("missing/x");
    for (target, words) in [
        (Target::Droplet(full.clone()), "full cannot be written: it is a folder"),
        (Target::Droplet("/dev/null".into()), "it is no regular file; - is standard output"),
        (Target::Droplet(missing.clone()), "the folder"),
        (Target::Layout(missing), "the folder"),
        (Target::Layout(full.clone()), "a folder that holds other things"),
        (Target::Layout(full.join("x")), "x cannot be written"),
        (Target::Layout(layout), "is an OCI layout already"),
    ] {
        let error = target.check().unwrap_err().to_string();
        assert!(error.contains(words), "{words}: {error}");
    }
    Target::Droplet(folder.path().join("new")).check().unwrap();
    Target::Droplet(Path::new("new").to_owned()).check().unwrap();
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c]{1,2}", "[a-z ü$%]{30,60}", "long{80,120}"]
}

fn any_entry() -> impl Strategy<Value = (String, u8, String, u32, Vec<u8>, bool)> {
    let kinds = vec![b'0', b'0', b'1', b'2', b'5', b'6'];
    let path = || prop::collection::vec(name(), 1..4).prop_map(|names| format!("./app/{}", names.join("/")));
    (
        path(),
        prop::sample::select(kinds),
        "[./a-c]{1,140}",
        0u32..0o10000,
        prop::collection::vec(any::<u8>(), 0..700),
        any::<bool>(),
    )
}

proptest! {
    // Each waits for the disk.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_a_layer_holds_comes_back_to_the_byte(entries in prop::collection::vec(any_entry(), 0..12)) {
        let mut sample = Sample::droplet();
        let mut files = vec!["./app/run.sh".to_owned()];
        for (number, (path, kind, target, mode, content, is_marked)) in entries.iter().enumerate() {
            if *is_marked {
                sample = sample.records(&[("SCHILY.xattr.user.mark", &content[..content.len().min(40)])]);
            }
            // No two want the same place, and a hard link names a file; what is refused comes up elsewhere.
            let path = format!("{path}-{number}");
            let (target, content): (&str, &[u8]) = match kind {
                b'0' => ("", content),
                b'1' => (&files[content.len() % files.len()], b""),
                b'2' => (target, b""),
                _ => ("", b""),
            };
            sample = sample.entry(EntryType::new(*kind), &path, target, *mode, content);
            if matches!(kind, b'0' | b'1') {
                files.push(path);
            }
        }
        let layer = made(&sample.tgz()).unwrap();
        let saved = Saved::of(&bytes_of(&layer));
        let droplet = droplet_of(&saved).unwrap();
        prop_assert_eq!(&droplet_of(&saved).unwrap(), &droplet);
        prop_assert_eq!(made(&droplet).unwrap().sha256, layer.sha256);
    }

    #[test]
    fn no_export_panics_or_leaves_anything(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        end in any::<prop::sample::Index>(),
    ) {
        let saved = Saved::of_droplet(rich_droplet());
        let mut export = saved.by_docker();
        for (at, byte) in flips {
            let at = at.index(export.len());
            export[at] = byte;
        }
        export.truncate(end.index(export.len() * 4));
        let folder = tempfile::tempdir().unwrap();
        for target in [Target::Droplet(folder.path().join("x")), Target::Layout(folder.path().join("y"))] {
            let outcome = exported(&saved.image, export.clone(), &target, &Stop::default());
            prop_assert!(outcome.is_ok() || fs::read_dir(&folder).unwrap().all(|file| file.unwrap().file_name() == "x"));
        }
    }
}
