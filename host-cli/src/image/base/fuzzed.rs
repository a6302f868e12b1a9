//! What has to hold of another's image, whatever its documents say. For the targets of `ci/fuzz`, and for the replay of what they found.
#![allow(clippy::missing_panics_doc, reason = "a panic is how a target tells")]

use super::documents::{Documents, Reader};
use crate::engine::Platform;
use crate::image::ImageError;
use crate::image::oci::{Descriptor, is_digest};
use crate::image::sha256::sha256_of_bytes;

/// Up to a zero byte the layers of a manifest, as JSON, and behind it the config: a fuzzer cannot guess what names a config.
pub fn base_documents(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let (layers, config) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let of_config =
        format!(r#"{{"mediaType":"c","digest":"sha256:{}","size":{}}}"#, sha256_of_bytes(config), config.len());
    let manifest = [br#"{"config":"#, of_config.as_bytes(), br#","layers":"#, layers, b"}"].concat();
    let platform = Platform { architecture: "amd64".into(), os: "linux".into(), variant: String::new() };
    let reader = Reader { called: "a", platform: &platform, documents: &Given { config } };
    for document in [manifest, bytes.to_vec()] {
        let Ok(found) = reader.describe(&document) else { continue };
        assert_eq!(found.layers.len(), found.image.details.layers.len(), "a layer has no name, or a name no layer");
        assert!((1..=125).contains(&found.layers.len()), "nobody can run so many layers, or so few");
        let named = found.layers.iter().map(|layer| &layer.digest).chain(&found.image.details.layers);
        assert!(named.into_iter().all(|digest| is_digest(digest)), "a name that leads elsewhere");
        assert_eq!(
            (&*found.image.details.platform.os, &*found.image.details.platform.architecture),
            ("linux", "amd64")
        );
    }
}

struct Given<'a> {
    config: &'a [u8],
}

impl Documents for Given<'_> {
    fn manifest(&self, _: &Descriptor) -> Result<Vec<u8>, ImageError> {
        Ok(self.config.to_vec())
    }

    fn config(&self, _: &Descriptor) -> Result<Vec<u8>, ImageError> {
        Ok(self.config.to_vec())
    }
}
