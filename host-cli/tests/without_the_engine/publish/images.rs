//! What is published: a droplet, a lifecycle and a base as an OCI layout. And whether it arrived whole.

use super::misbehaving::store::{Manifest, digest};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Bytes of a droplet's file that no compression makes smaller: enough for several chunks, and for being cut off in the middle.
pub(crate) const NOISE: usize = 2 << 20;

/// A tar of `(path, content, mode)`; a path that ends in `/` is a folder.
fn tar(entries: &[(&str, &[u8], u32)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, content, mode) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_mode(*mode);
        header.set_size(content.len() as u64);
        if path.ends_with('/') {
            header.set_entry_type(tar::EntryType::Directory);
        }
        tar.append_data(&mut header, path, *content).unwrap();
    }
    tar.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// The same for the same seed, and nothing that compresses.
fn noise(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(NOISE);
    while bytes.len() < NOISE {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes
}

/// A droplet that differs from that of another seed.
pub(crate) fn droplet(seed: u64) -> Vec<u8> {
    let info = br#"{"detected_buildpack":"test","start_command":"exec ./app"}"#;
    gzip(&tar(&[
        ("./", b"", 0o700),
        ("./app/", b"", 0o755),
        ("./app/noise", &noise(seed), 0o600),
        ("./staging_info.yml", info, 0o644),
    ]))
}

/// An image as documents and blobs.
pub(crate) struct Base {
    pub(crate) manifest: Vec<u8>,
    pub(crate) blobs: HashMap<String, Vec<u8>>,
}

impl Base {
    /// One of two layers: the lower packed, the upper not.
    pub(crate) fn new(architecture: &str) -> Self {
        Self::with_release(architecture, "1")
    }

    /// The same in another release, with other bytes in the upper layer.
    pub(crate) fn with_release(architecture: &str, release: &str) -> Self {
        let lower = tar(&[("etc/", b"", 0o755), ("etc/passwd", b"vcap:x:2000:2000::/home/vcap:/bin/sh\n", 0o644)]);
        let upper = tar(&[("home/", b"", 0o755), ("home/vcap/", b"", 0o755), ("release", release.as_bytes(), 0o644)]);
        let mut blobs = HashMap::new();
        let mut keep = |media_type: &str, bytes: Vec<u8>| {
            let descriptor = json!({ "mediaType": media_type, "digest": digest(&bytes), "size": bytes.len() });
            blobs.insert(digest(&bytes), bytes);
            descriptor
        };
        let config = json!({
            "architecture": architecture, "os": "linux", "config": { "Env": ["PATH=/usr/bin:/bin"] },
            "rootfs": { "type": "layers", "diff_ids": [digest(&lower), digest(&upper)] },
        });
        let layers = [keep(&format!("{LAYER}+gzip"), gzip(&lower)), keep(LAYER, upper)];
        let config = keep(CONFIG, config.to_string().into());
        let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers });
        Self { manifest: manifest.to_string().into(), blobs }
    }

    /// Writes it as a layout.
    pub(crate) fn write(&self, folder: &Path) {
        let blobs = folder.join("blobs/sha256");
        fs::create_dir_all(&blobs).unwrap();
        let own = (digest(&self.manifest), self.manifest.clone());
        for (digest, bytes) in self.blobs.iter().map(|(name, bytes)| (name.clone(), bytes.clone())).chain([own]) {
            fs::write(blobs.join(digest.trim_start_matches("sha256:")), bytes).unwrap();
        }
        let manifest = json!({
            "mediaType": MANIFEST, "digest": digest(&self.manifest), "size": self.manifest.len(),
            "annotations": { "org.opencontainers.image.ref.name": "latest" },
        });
        let index = json!({ "schemaVersion": 2, "manifests": [manifest] });
        fs::write(folder.join("index.json"), index.to_string()).unwrap();
        fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    }
}

/// An image stands on a base, has two layers more, and all that it names is what its digests say.
#[track_caller]
pub(crate) fn assert_whole((_, manifest): &Manifest, blob: impl Fn(&str) -> Option<Vec<u8>>) {
    let manifest: Value = serde_json::from_slice(manifest).unwrap();
    let fetch = |descriptor: &Value| {
        let name = descriptor["digest"].as_str().unwrap();
        let bytes = blob(name).unwrap_or_else(|| panic!("{name} is not there"));
        assert_eq!((digest(&bytes).as_str(), bytes.len() as u64), (name, descriptor["size"].as_u64().unwrap()));
        bytes
    };
    let config: Value = serde_json::from_slice(&fetch(&manifest["config"])).unwrap();
    let layers = manifest["layers"].as_array().unwrap();
    let diff_ids = config["rootfs"]["diff_ids"].as_array().unwrap();
    assert_eq!((layers.len(), diff_ids.len()), (4, 4), "{manifest}");
    for (layer, diff_id) in layers.iter().zip(diff_ids) {
        let bytes = fetch(layer);
        let mut unpacked = Vec::new();
        match layer["mediaType"].as_str().unwrap().strip_prefix(LAYER) {
            Some("+gzip") => drop(GzDecoder::new(&bytes[..]).read_to_end(&mut unpacked).unwrap()),
            Some("") => unpacked = bytes,
            other => panic!("{other:?}"),
        }
        assert_eq!(digest(&unpacked), diff_id.as_str().unwrap());
    }
}
