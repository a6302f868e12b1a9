//! Bases of layouts and registries: which is taken, what is made of it, and what is refused in words.

use super::samples::{SampleBase, amd64, digest};
use super::*;
use crate::engine::fake::Fake;
use crate::registry::fake::{FakeRepository, HOST};
use serde_json::{Value, json};
use std::fs;

fn layout(base: &SampleBase, manifests: &[Value], tag: &str) -> Result<Base, ImageError> {
    let folder = tempfile::tempdir().unwrap();
    base.write(folder.path(), manifests);
    Base::in_layout(&format!("{}{tag}", folder.path().display()), &amd64())
}

fn named(manifest: &Value, name: &str) -> Value {
    let mut manifest = manifest.clone();
    manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
    manifest
}

fn refusal(outcome: Result<Base, ImageError>) -> String {
    outcome.map(|base| base.image.id).unwrap_err().to_string()
}

#[test]
fn where_a_base_is_follows_from_its_name() {
    for (typed, source) in [
        ("oci:dir:tag", BaseSource::Layout("dir:tag".into())),
        ("stager-rootfs:cflinuxfs4", BaseSource::Engine("stager-rootfs:cflinuxfs4".into())),
        ("stager-rootfs:5000/evil", BaseSource::Engine("stager-rootfs:5000/evil".into())),
        ("team/rootfs", BaseSource::Engine("team/rootfs".into())),
        ("localhost/rootfs:1", BaseSource::Engine("localhost/rootfs:1".into())),
        ("sha256:00", BaseSource::Engine("sha256:00".into())),
    ] {
        assert_eq!(BaseSource::parse(typed), source, "{typed}");
    }
    for (typed, name) in [("r.io/a", "r.io/a:latest"), ("127.0.0.1:5000/a:1", "127.0.0.1:5000/a:1")] {
        assert!(matches!(BaseSource::parse(typed), BaseSource::Registry(found) if found.name() == name), "{typed}");
    }
}

#[test]
fn a_layout_and_a_registry_give_the_same_base() {
    let sample = SampleBase::new("amd64");
    let repository = FakeRepository::new("rootfs");
    sample.put(&repository, "1");
    let reference = Reference::pulled(&format!("{HOST}/rootfs:1")).unwrap();
    let remote = Base::in_registry(&reference, Box::new(repository), &amd64()).unwrap();
    let local = layout(&sample, std::slice::from_ref(&sample.manifest), "").unwrap();
    assert_eq!(local.image, remote.image);
    assert_eq!(local.image.id.0, sample.digest());
    assert_eq!(local.image.details.settings.variables().collect::<Vec<_>>(), ["PATH", "TOKEN"]);
    assert_eq!((local.name, remote.name.as_deref()), (None, Some("r.io:5000/rootfs:1")));
    assert_eq!(remote.layers.place(), Some((HOST, "rootfs")));
    let BaseLayer::Kept(first) = &local.layers.layers()[0] else { panic!() };
    assert_eq!(first.media_type, "application/vnd.oci.image.layer.v1.tar+gzip", "Docker's words are made OCI's");
    let unpacked = &local.image.details.layers[1];
    assert_eq!(local.layers.layers()[1], BaseLayer::Unpacked(unpacked.clone()));
    assert!(matches!(&remote.layers.layers()[1], BaseLayer::Kept(kept) if kept.digest == *unpacked));
}

#[test]
fn a_base_of_the_engine_is_called_by_its_layers() {
    let engine = Arc::new(Fake::with_image("rootfs:x"));
    let base = Base::on_engine("rootfs:x", Arc::<Fake>::clone(&engine) as Arc<dyn Engine>).unwrap();
    let layers = &engine.state().images[0].details.layers;
    assert_eq!(
        (&base.image.id.0, base.layers.layers().len()),
        (&layers[0], layers.len()),
        "of one layer it is that one's"
    );
    let missing = Base::on_engine("none:y", Arc::<Fake>::default() as Arc<dyn Engine>);
    assert_eq!(refusal(missing), "no root file system none:y on this Docker Engine");
}

#[test]
fn of_several_platforms_and_tags_the_one_is_taken_that_is_meant() {
    let mut sample = SampleBase::new("amd64");
    let ours = sample.manifest.clone();
    let other = SampleBase::new("arm64");
    sample.blobs.extend(other.blobs.clone());
    let unknown = json!({ "mediaType": "x", "digest": digest(b""), "size": 0, "platform": { "architecture": "unknown", "os": "unknown" } });
    let both = [unknown.clone(), other.manifest.clone(), ours.clone()];
    let index = sample.add_json("application/vnd.oci.image.index.v1+json", &json!({ "manifests": both }));
    for manifests in [both.to_vec(), vec![index.clone()], vec![named(&index, "1")]] {
        assert_eq!(layout(&sample, &manifests, "").unwrap().image.id.0, ours["digest"].as_str().unwrap());
    }
    let two = [named(&other.manifest, "old"), named(&index, "1.2")];
    assert_eq!(layout(&sample, &two, ":1.2").unwrap().image.id.0, ours["digest"].as_str().unwrap());
    assert!(refusal(layout(&sample, &two, "")).ends_with("name one with oci:DIR:TAG: old, 1.2"));
    assert!(refusal(layout(&sample, &two, ":3")).ends_with("it holds no image 3, but: old, 1.2"));
    let refused = refusal(layout(&sample, &[unknown, other.manifest.clone()], ""));
    assert!(refused.ends_with("it has no image for linux/amd64, but for linux/arm64"), "{refused}");
    let mut untold = other.manifest.clone();
    untold.as_object_mut().unwrap().remove("platform");
    let refused = refusal(layout(&sample, &[untold], ""));
    assert!(refused.ends_with("it is for linux/arm64, not for linux/amd64"), "{refused}");
}

#[test]
fn of_an_index_in_a_registry_the_image_for_the_target_is_taken_whatever_the_index_is_called() {
    let (ours, other) = (SampleBase::new("amd64"), SampleBase::new("arm64"));
    let repository = FakeRepository::new("rootfs");
    ours.put(&repository, "ours");
    other.put(&repository, "other");
    let open = |tag: &str, platform: &Platform| {
        let reference = Reference::pulled(&format!("{HOST}/rootfs:{tag}")).unwrap();
        Base::in_registry(&reference, Box::new(repository.clone()), platform)
    };
    let kinds =
        ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];
    for kind in kinds {
        let index = json!({ "schemaVersion": 2, "mediaType": kind, "manifests": [other.manifest, ours.manifest] });
        let index = repository.add_manifest("1", kind, index.to_string().as_bytes());
        let base = open("1", &amd64()).unwrap();
        assert_eq!((base.image.id.0.as_str(), base.name()), (ours.digest(), Some("r.io:5000/rootfs:1")));
        let arm = Platform { architecture: "arm64".into(), ..amd64() };
        assert_eq!(open("1", &arm).unwrap().image.id.0, other.digest());
        let power = Platform { architecture: "ppc64le".into(), ..amd64() };
        let refused = refusal(open("1", &power));
        assert!(refused.ends_with("it has no image for linux/ppc64le, but for linux/amd64, linux/arm64"), "{refused}");

        let size = index.bytes.len();
        let within = json!({ "manifests": [{ "mediaType": kind, "digest": index.digest, "size": size }] });
        repository.add_manifest("2", kind, within.to_string().as_bytes());
        assert!(refusal(open("2", &amd64())).ends_with("its index leads to another index, not to an image"));
    }
}

#[test]
fn a_refusal_is_short_however_long_a_strangers_words_are() {
    let mut sample = SampleBase::new("arm64");
    sample.manifest["platform"]["os"] = json!("x\u{1b}".repeat(100_000));
    let refused = refusal(layout(&sample, std::slice::from_ref(&sample.manifest), ""));
    assert!(refused.contains("it has no image for linux/amd64") && !refused.contains('\u{1b}'), "{refused}");
    assert!(refused.len() < 3000, "{}", refused.len());
}

/// A base that was changed before its manifest was written.
fn changed(change: impl FnOnce(&mut Vec<String>, &mut Vec<Value>)) -> String {
    let mut sample = SampleBase { blobs: [].into(), manifest: Value::Null };
    let layer = sample.add("application/vnd.oci.image.layer.v1.tar+zstd", b"packed".to_vec());
    let (mut ids, mut layers) = (vec![digest(b"unpacked")], vec![layer]);
    change(&mut ids, &mut layers);
    sample.close("amd64", &ids, &layers);
    layout(&sample, std::slice::from_ref(&sample.manifest), "")
        .map_or_else(|error| error.to_string(), |_| "taken".to_owned())
}

#[test]
fn what_does_not_fit_together_is_refused() {
    assert_eq!(changed(|_, _| {}), "taken", "zstd goes on as it is");
    for (change, why) in [
        ((|ids, _| ids.push(digest(b"more"))) as fn(&mut Vec<String>, &mut Vec<Value>), "does not name the layers"),
        (|ids, _| "sha256:../../x".clone_into(&mut ids[0]), "does not name the layers"),
        (|_, layers| layers[0]["digest"] = json!("sha512:00"), "something else than a sha256 digest"),
        (|_, layers| layers[0]["digest"] = json!("sha256:../../../etc/passwd"), "something else than a sha256 digest"),
        (|_, layers| layers[0]["size"] = json!(1_u64 << 40), "is too large"),
        (|_, layers| layers[0]["size"] = json!(-1), "cannot be read as one"),
        (
            |_, layers| layers[0]["mediaType"] = json!("application/vnd.oci.image.layer.v1.tar+gzip+encrypted"),
            "of the kind",
        ),
        (
            |_, layers| layers[0]["mediaType"] = json!("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
            "of the kind",
        ),
        (|_, layers| layers[0]["mediaType"] = json!("application/vnd.oci.image.layer.v1.tar"), "names other layers"),
        (|ids, layers| (ids.clear(), layers.clear()).0, "it has 0 layers; 1 to 125"),
        (|_, layers| *layers = vec![layers[0].clone(); 126], "it has 126 layers"),
    ] {
        let refused = changed(change);
        assert!(refused.contains(why), "{why}: {refused}");
    }
}

#[test]
fn a_layer_that_is_only_called_compressed_is_compressed_on_its_way() {
    let mut sample = SampleBase { blobs: [].into(), manifest: Value::Null };
    let plain = sample.add("application/vnd.oci.image.layer.v1.tar+gzip", b"a tar".to_vec());
    let packed = sample.add("application/vnd.oci.image.layer.v1.tar+gzip", b"packed".to_vec());
    sample.close("amd64", &[digest(b"a tar"), digest(b"unpacked")], &[plain, packed]);
    let base = layout(&sample, std::slice::from_ref(&sample.manifest), "").unwrap();
    let [BaseLayer::Unpacked(plain), BaseLayer::Kept(packed)] = base.layers.layers() else { panic!("one of each") };
    assert_eq!((plain, &packed.digest), (&digest(b"a tar"), &digest(b"packed")));
}

#[test]
fn documents_that_are_not_what_their_digest_says_are_refused() {
    let sample = SampleBase::new("amd64");
    for digest in sample.blobs.keys() {
        let folder = tempfile::tempdir().unwrap();
        sample.write(folder.path(), std::slice::from_ref(&sample.manifest));
        let path = folder.path().join("blobs").join(digest.replace(':', "/"));
        let mut bytes = fs::read(&path).unwrap();
        let is_document = bytes.starts_with(b"{");
        bytes[3] ^= 1;
        fs::write(&path, bytes).unwrap();
        let outcome = Base::in_layout(&folder.path().display().to_string(), &amd64());
        assert_eq!(outcome.is_err(), is_document, "layers are looked at when they are sent");
        if is_document {
            assert!(refusal(outcome).contains(&format!("is not what its digest says: {digest}")));
        }
    }
    let repository = FakeRepository::new("rootfs");
    sample.put(&repository, "1");
    let other = format!("{HOST}/rootfs@sha256:{}", "0".repeat(64));
    let manifest = repository.manifest("1").unwrap().unwrap();
    let name = ("rootfs".to_owned(), format!("sha256:{}", "0".repeat(64)));
    repository.state().manifests.insert(name, manifest);
    let outcome = Base::in_registry(&Reference::pulled(&other).unwrap(), Box::new(repository), &amd64());
    assert!(refusal(outcome).contains("is not what its digest says"));
}

#[test]
fn what_is_no_image_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = refusal(Base::in_layout(&folder.path().display().to_string(), &amd64()));
    assert!(nothing.ends_with("the folder is no OCI layout"), "{nothing}");
    let sample = SampleBase::new("amd64");
    let mut both = sample.manifest.clone();
    both["layers"] = json!([]);
    for (index, why) in [
        (json!({ "manifests": [] }), "names no image"),
        (json!([]), "cannot be read"),
        (json!({ "manifests": [sample.manifest], "layers": [] }), "an index and a manifest at once"),
        (json!({ "config": null }), "names no images"),
    ] {
        sample.write(folder.path(), &[]);
        fs::write(folder.path().join("index.json"), index.to_string()).unwrap();
        let refused = refusal(Base::in_layout(&folder.path().display().to_string(), &amd64()));
        assert!(refused.contains(why), "{why}: {refused}");
    }
    let repository = FakeRepository::new("rootfs");
    repository.add_manifest("1", "x", br#"{"schemaVersion":1,"fsLayers":[]}"#);
    let remote = |tag: &str| {
        let reference = Reference::pulled(&format!("{HOST}/rootfs:{tag}")).unwrap();
        refusal(Base::in_registry(&reference, Box::new(repository.clone()), &amd64()))
    };
    assert!(remote("1").ends_with("it may be of a form that is out of use"));
    assert_eq!(remote("2"), "image r.io:5000/rootfs:2 cannot be used: r.io:5000 has no such image");
}

#[test]
fn a_pipe_in_a_layout_is_not_waited_for() {
    let sample = SampleBase::new("amd64");
    let folder = tempfile::tempdir().unwrap();
    sample.write(folder.path(), std::slice::from_ref(&sample.manifest));
    let manifest = folder.path().join("blobs").join(sample.digest().replace(':', "/"));
    fs::remove_file(&manifest).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &manifest, rustix::fs::Mode::RUSR).unwrap();
    let refused = refusal(Base::in_layout(&folder.path().display().to_string(), &amd64()));
    assert!(refused.ends_with("it is not a file"), "{refused}");
}
