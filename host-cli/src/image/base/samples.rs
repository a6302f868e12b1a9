//! Images of others, for tests: as an OCI layout in a folder, and in a registry.

use crate::engine::Platform;
use crate::image::sha256::sha256_of_bytes;
use crate::registry::fake::FakeRepository;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A base of two layers, and what leads to it.
pub(in crate::image) struct SampleBase {
    /// Blobs by digest.
    pub(in crate::image) blobs: BTreeMap<String, Vec<u8>>,
    /// The descriptor of the manifest.
    pub(in crate::image) manifest: Value,
}

/// What apps run on in these tests.
pub(in crate::image) fn amd64() -> Platform {
    Platform { architecture: "amd64".into(), os: "linux".into(), variant: String::new() }
}

/// As a digest names bytes.
pub(in crate::image) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", sha256_of_bytes(bytes))
}

impl SampleBase {
    /// One for this processor, with a layer that is kept packed, in Docker's words, and one that is not.
    pub(in crate::image) fn new(architecture: &str) -> Self {
        let plain: Vec<u8> = (0..300_000_u32).flat_map(|number| (number / 7).to_le_bytes()).collect();
        let mut base = Self { blobs: BTreeMap::new(), manifest: Value::Null };
        let packed = base.add("application/vnd.docker.image.rootfs.diff.tar.gzip", b"packed in some way".to_vec());
        let unpacked = base.add("application/vnd.oci.image.layer.v1.tar", plain);
        base.close(
            architecture,
            &[digest(b"unpacked"), unpacked["digest"].as_str().unwrap().to_owned()],
            &[packed, unpacked],
        );
        base
    }

    /// The manifest of these layers, with a config that names those.
    pub(in crate::image) fn close(&mut self, architecture: &str, diff_ids: &[String], layers: &[Value]) {
        let config = json!({
            "architecture": architecture, "os": "linux", "config": { "Env": ["PATH=/bin", "TOKEN=s3cret"] },
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        let config = self.add_json("application/vnd.docker.container.image.v1+json", &config);
        let manifest = json!({ "schemaVersion": 2, "config": config, "layers": layers });
        self.manifest = self.add_json("application/vnd.oci.image.manifest.v1+json", &manifest);
        self.manifest["platform"] = json!({ "architecture": architecture, "os": "linux" });
    }

    /// Adds a blob, and gives its descriptor.
    pub(in crate::image) fn add(&mut self, media_type: &str, bytes: Vec<u8>) -> Value {
        let (digest, size) = (digest(&bytes), bytes.len());
        self.blobs.insert(digest.clone(), bytes);
        json!({ "mediaType": media_type, "digest": digest, "size": size })
    }

    /// Adds a document, and gives its descriptor.
    pub(in crate::image) fn add_json(&mut self, media_type: &str, document: &Value) -> Value {
        self.add(media_type, document.to_string().into_bytes())
    }

    /// The manifest's digest.
    pub(in crate::image) fn digest(&self) -> &str {
        self.manifest["digest"].as_str().unwrap()
    }

    /// Fills `folder` with a layout whose index names these.
    pub(in crate::image) fn write(&self, folder: &Path, manifests: &[Value]) {
        fs::create_dir_all(folder.join("blobs/sha256")).unwrap();
        fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        let index = json!({ "schemaVersion": 2, "manifests": manifests }).to_string();
        fs::write(folder.join("index.json"), index).unwrap();
        for (digest, bytes) in &self.blobs {
            fs::write(folder.join("blobs").join(digest.replace(':', "/")), bytes).unwrap();
        }
    }

    /// Puts it into a repository, under this tag.
    pub(in crate::image) fn put(&self, repository: &FakeRepository, tag: &str) {
        for bytes in self.blobs.values() {
            repository.add(bytes);
        }
        repository.add_manifest(tag, "application/vnd.oci.image.manifest.v1+json", &self.blobs[self.digest()]);
    }
}
