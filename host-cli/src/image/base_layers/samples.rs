//! Exports of a base, for tests.

use super::Descriptor;
use serde_json::{Value, json};

/// An export whose manifest lies in an index of two platforms.
pub(in crate::image) fn export(diff_ids: &Value) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |name: &str, document: &Value| {
        let text = document.to_string();
        let digest = Descriptor::from_bytes("m", text.as_bytes());
        let name = if name.is_empty() { format!("blobs/{}", digest.digest.replace(':', "/")) } else { name.to_owned() };
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o444);
        tar.append_data(&mut header, name, text.as_bytes()).unwrap();
        json!(digest)
    };
    let manifest = |config: &Value, layer: &str| {
        let kind = "application/vnd.docker.image.rootfs.diff.tar.gzip";
        json!({ "config": config, "layers": [{ "mediaType": kind, "digest": layer, "size": 7 }] })
    };
    let other = add("", &json!({ "config": { "User": "" }, "rootfs": { "diff_ids": ["sha256:other"] } }));
    let config = add("", &json!({ "config": { "User": "" }, "rootfs": { "diff_ids": diff_ids } }));
    let other = add("", &manifest(&other, "sha256:wrong"));
    let manifest = add("", &manifest(&config, "sha256:packed"));
    let platforms = add("", &json!({ "manifests": [other, manifest] }));
    add("index.json", &json!({ "manifests": [platforms] }));
    tar.into_inner().unwrap()
}

/// An export in Docker's older form; every layer has 2 MiB.
pub(in crate::image) fn older_export(diff_ids: &[String]) -> Vec<u8> {
    let layer = "x".repeat(2 << 20);
    let layers: Vec<String> = (0..diff_ids.len()).map(|number| format!("{number}/layer.tar")).collect();
    let config = json!({ "rootfs": { "diff_ids": diff_ids } }).to_string();
    let manifest = json!([{ "Config": "c.json", "Layers": layers }]).to_string();
    let files = layers.iter().map(|name| (name.as_str(), &layer));
    let mut tar = tar::Builder::new(Vec::new());
    for (name, text) in files.chain([("c.json", &config), ("manifest.json", &manifest)]) {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        tar.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap()
}
