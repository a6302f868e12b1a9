//! What OCI's image specification names: media types, descriptors, and the documents of an image layout. Pure.

use super::sha256::sha256_of_bytes;
use crate::engine::ImageId;
use crate::registry::repository::BlobDigest;
use serde::{Deserialize, Serialize};
use serde_json::json;

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// Names bytes by their digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Descriptor {
    #[serde(rename = "mediaType")]
    pub(super) media_type: String,
    /// `sha256:…`
    pub(super) digest: String,
    /// Bytes.
    pub(super) size: u64,
}

impl Descriptor {
    pub(super) fn from_bytes(media_type: &str, bytes: &[u8]) -> Self {
        let digest = format!("sha256:{}", sha256_of_bytes(bytes));
        Self { media_type: media_type.to_owned(), digest, size: bytes.len() as u64 }
    }

    /// Of an uncompressed layer.
    pub(super) fn layer(digest: String, size: u64) -> Self {
        Self { media_type: LAYER.to_owned(), digest, size }
    }

    /// Of a layer that was compressed with gzip.
    pub(super) fn gzipped_layer(digest: String, size: u64) -> Self {
        Self { media_type: format!("{LAYER}+gzip"), digest, size }
    }

    /// Whether it is a layer's, and how that is kept; `None` for one that is encrypted, that must be got elsewhere, or that nobody
    /// knows here. In OCI's words only.
    pub(super) fn packing(&self) -> Option<Packing> {
        match self.media_type.strip_prefix(LAYER)? {
            "" => Some(Packing::Unpacked),
            "+gzip" | "+zstd" => Some(Packing::Packed),
            _ => None,
        }
    }

    /// The same layer, known not to be compressed, whatever it is called: skopeo calls each layer of a layout compressed.
    pub(super) fn unpacked(self) -> Self {
        Self { media_type: LAYER.to_owned(), ..self }
    }

    /// By what a registry knows it.
    pub(super) fn blob(&self) -> BlobDigest {
        BlobDigest { digest: self.digest.clone(), size: self.size }
    }

    /// Docker's names for kinds of layers, as OCI has them: one manifest should not mix both.
    pub(super) fn in_words_of_oci(self) -> Self {
        let media_type = match self.media_type.as_str() {
            "application/vnd.docker.image.rootfs.diff.tar" => LAYER.to_owned(),
            "application/vnd.docker.image.rootfs.diff.tar.gzip" => format!("{LAYER}+gzip"),
            "application/vnd.docker.image.rootfs.diff.tar.zstd" => format!("{LAYER}+zstd"),
            _ => self.media_type,
        };
        Self { media_type, ..self }
    }
}

/// How a layer's bytes are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// As the tar that it is.
    Unpacked,
    /// Compressed.
    Packed,
}

/// The manifest of an image with this config and these layers, the lowest first: descriptors of config and manifest, and the
/// manifest's bytes. The same things give the same bytes.
pub(super) fn manifest(config: &[u8], layers: &[Descriptor]) -> (Descriptor, Descriptor, Vec<u8>) {
    let of_config = Descriptor::from_bytes(CONFIG, config);
    let manifest: Vec<u8> =
        json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": of_config, "layers": layers }).to_string().into();
    (of_config, Descriptor::from_bytes(MANIFEST, &manifest), manifest)
}

/// Where a layout keeps the bytes of this digest, with or without its algorithm.
pub(super) fn blob(digest: &str) -> String {
    format!("blobs/sha256/{}", digest.trim_start_matches("sha256:"))
}

/// All of a layout of one image but its layers.
pub(super) struct LayoutDocuments {
    /// The manifest, by which containerd calls the image.
    pub(super) manifest: Descriptor,
    /// The config, by which Podman calls it.
    pub(super) config: Descriptor,
    /// Each document with its path in the layout.
    pub(super) documents: Vec<(String, Vec<u8>)>,
}

impl LayoutDocuments {
    /// Of an image with these layers, the lowest first, and its name within the layout, should it have one. The same things
    /// give the same bytes.
    pub(super) fn new(config: &[u8], layers: &[Descriptor], name: Option<&str>) -> Self {
        let (of_config, of_manifest, manifest) = manifest(config, layers);
        let mut named = json!(of_manifest);
        if let Some(name) = name {
            named["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
        }
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [named] }).to_string();
        let documents = vec![
            ("oci-layout".to_owned(), r#"{"imageLayoutVersion":"1.0.0"}"#.into()),
            ("index.json".to_owned(), index.into()),
            (blob(&of_manifest.digest), manifest),
            (blob(&of_config.digest), config.to_vec()),
        ];
        Self { manifest: of_manifest, config: of_config, documents }
    }
}

/// Whether it names bytes as we do: `sha256:` and 64 digits.
pub(super) fn is_digest(text: &str) -> bool {
    ImageId(text.to_owned()).is_whole()
}

/// What OCI's image specification calls the layers one upon the other, whoever keeps them: of one it is its own digest.
pub(super) fn chain_id(diff_ids: &[String]) -> String {
    let above = |below: String, layer: &String| {
        if below.is_empty() {
            layer.clone()
        } else {
            format!("sha256:{}", sha256_of_bytes(format!("{below} {layer}").as_bytes()))
        }
    };
    diff_ids.iter().fold(String::new(), above)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_id_is_that_of_the_specification() {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        assert_eq!(chain_id(&[]), "");
        assert_eq!(chain_id(&ids(&["sha256:aa"])), "sha256:aa");
        let two = format!("sha256:{}", sha256_of_bytes(b"sha256:aa sha256:bb"));
        assert_eq!(chain_id(&ids(&["sha256:aa", "sha256:bb"])), two);
        let three = format!("sha256:{}", sha256_of_bytes(format!("{two} sha256:cc").as_bytes()));
        assert_eq!(chain_id(&ids(&["sha256:aa", "sha256:bb", "sha256:cc"])), three);
    }
}
