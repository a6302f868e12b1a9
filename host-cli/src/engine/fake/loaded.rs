//! What an engine makes of an archive of images.

use crate::engine::{Image, ImageDetails, ImageId, Store};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read;

#[derive(Deserialize)]
struct Document {
    config: Config,
    rootfs: RootFs,
}

#[derive(Deserialize)]
struct Config {
    #[serde(rename = "Labels")]
    labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct RootFs {
    diff_ids: Vec<String>,
}

/// Name and content of a tar's entries.
pub(crate) fn entries(tar: &[u8]) -> Vec<(String, Vec<u8>)> {
    let entry = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.path().unwrap().display().to_string(), bytes)
    };
    tar::Archive::new(tar).entries().unwrap().map(entry).collect()
}

/// The image in an archive: named by its config in one of Docker's and by Podman, by its manifest in an OCI layout.
pub(super) fn image(archive: &[u8], store: Option<&Store>) -> Image {
    let entries: BTreeMap<String, Vec<u8>> = entries(archive).into_iter().collect();
    let (config, id) = if let Some(config) = entries.get("config.json") {
        (config, digest(config))
    } else {
        let document = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
        let blob = |named: &serde_json::Value| {
            &entries[&format!("blobs/{}", named["digest"].as_str().unwrap().replace(':', "/"))]
        };
        let manifest = blob(&document(&entries["index.json"])["manifests"][0]);
        let config = blob(&document(manifest)["config"]);
        (config, digest(if matches!(store, Some(Store::Podman(_))) { config } else { manifest }))
    };
    let document: Document = serde_json::from_slice(config).unwrap();
    let details = ImageDetails { layers: document.rootfs.diff_ids, ..ImageDetails::default() };
    let bytes = archive.len() as u64;
    Image { id: ImageId(id), labels: document.config.labels, bytes, details, ..Image::default() }
}

fn digest(bytes: &[u8]) -> String {
    let mut text = "sha256:".to_owned();
    Sha256::digest(bytes).iter().for_each(|byte| write!(text, "{byte:02x}").unwrap());
    text
}
