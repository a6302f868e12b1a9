//! What an engine makes of an archive of images.

use crate::engine::{Image, ImageDetails, ImageId, ImageSettings, Store};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use shared_model::hex::hex;
use shared_model::secret::Secret;
use std::collections::BTreeMap;
use std::io::Read;

#[derive(Deserialize)]
struct LoadedConfig {
    created: String,
    config: LoadedSettings,
    rootfs: LoadedRootFs,
    #[serde(default)]
    history: Vec<HistoryStep>,
}

#[derive(Deserialize)]
struct HistoryStep {
    created_by: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LoadedSettings {
    labels: BTreeMap<String, String>,
    user: String,
    working_dir: String,
    entrypoint: Vec<String>,
    #[serde(default)]
    cmd: Vec<String>,
    env: Vec<String>,
}

#[derive(Deserialize)]
struct LoadedRootFs {
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

/// The image in an archive and its history: named by its config in one of Docker's and by Podman, by its manifest in an OCI
/// layout.
pub(super) fn image(archive: &[u8], store: Option<&Store>) -> (Image, Vec<String>) {
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
    let document: LoadedConfig = serde_json::from_slice(config).unwrap();
    let LoadedSettings { labels, user, working_dir, entrypoint, cmd, env } = document.config;
    let settings = ImageSettings {
        user,
        working_directory: working_dir,
        entrypoint,
        command: cmd,
        environment: Secret::new(env),
        others: Vec::new(),
    };
    let details = ImageDetails { layers: document.rootfs.diff_ids, settings, ..ImageDetails::default() };
    let bytes = archive.len() as u64;
    let history = document.history.into_iter().map(|step| step.created_by).collect();
    let created = document.created.parse::<jiff::Timestamp>().unwrap().as_second();
    (Image { id: ImageId(id), labels, bytes, created, details, ..Image::default() }, history)
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}
