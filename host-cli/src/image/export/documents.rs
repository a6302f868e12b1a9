//! The documents among an engine's export: which of them is the image's config, whatever the form of the export.

use super::engine_export::{each_file, unusable};
use crate::engine::Image;
use crate::image::ImageError;
use crate::image::entries::Entry;
use crate::image::oci::Descriptor;
use crate::image::sha256::sha256_of_bytes;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};

/// The most bytes of a file that may be a document; the longest are configs, with their history.
const LONGEST_DOCUMENT: u64 = 1 << 20;
/// The most bytes of all documents of an export.
const ALL_DOCUMENTS: u64 = 16 << 20;
/// Documents that name documents that … are followed so far.
const DEEPEST: usize = 6;

/// The config of the image, to the byte, out of what an engine exports of it.
pub(in crate::image) fn config_of(export: impl Read + Send, image: &Image) -> Result<Vec<u8>, ImageError> {
    let mut documents = Documents::default();
    each_file::<ImageError>(export, |entry, content| documents.beside(entry, content, |_| Ok(())))?;
    documents.config_of(image).map(<[u8]>::to_vec)
}

/// The small files of an export, as far as there is room for them.
#[derive(Default)]
pub(super) struct Documents {
    by_name: BTreeMap<String, Vec<u8>>,
    /// Names by digest.
    names: BTreeMap<String, String>,
    bytes: u64,
}

/// What a manifest or an index names, and what tells a config.
#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    manifests: Vec<Descriptor>,
    /// A manifest's is a descriptor; a config has one of its own kind.
    #[serde(default)]
    config: Value,
    #[serde(default)]
    rootfs: RootFs,
}

#[derive(Default, Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Vec<String>,
}

impl Documents {
    /// Keeps what is small of an export's file, if there is room, and shows all of it to `visit`.
    pub(super) fn beside<T>(
        &mut self,
        entry: &Entry,
        content: &mut dyn Read,
        visit: impl FnOnce(&mut dyn Read) -> Result<T, ImageError>,
    ) -> Result<T, ImageError> {
        if entry.size > LONGEST_DOCUMENT {
            return visit(content);
        }
        let (name, mut bytes) = (String::from_utf8_lossy(&entry.path).into_owned(), Vec::new());
        content.read_to_end(&mut bytes).map_err(|error| unusable(error.to_string()))?;
        self.bytes += bytes.len() as u64;
        if self.bytes <= ALL_DOCUMENTS {
            self.names.insert(format!("sha256:{}", sha256_of_bytes(&bytes)), name.clone());
            self.by_name.insert(name, bytes.clone());
        }
        visit(&mut Cursor::new(bytes))
    }

    /// The config of the image, to the byte.
    pub(super) fn config_of(&self, image: &Image) -> Result<&[u8], ImageError> {
        let found = self.config(&image.id.0, &image.details.layers);
        found.ok_or_else(|| unusable("it does not hold the image's config".to_owned()))
    }

    /// The config of the image of this id, which has these layers. The id is the digest of the config, or of what leads
    /// to it. Where an engine has written the config anew for its export, it is what its list of images names.
    fn config(&self, id: &str, layers: &[String]) -> Option<&[u8]> {
        let listed = || {
            let images: Value = serde_json::from_slice(self.by_name.get("manifest.json")?).ok()?;
            let bytes = self.by_name.get(images.get(0)?.get("Config")?.as_str()?)?;
            Self::is_config(bytes, layers).then_some(bytes.as_slice())
        };
        self.config_below(id, layers, DEEPEST).or_else(listed)
    }

    fn config_below(&self, digest: &str, layers: &[String], depth: usize) -> Option<&[u8]> {
        let bytes = self.by_name.get(self.names.get(digest)?)?;
        if Self::is_config(bytes, layers) {
            return Some(bytes);
        }
        let document: Document = serde_json::from_slice(bytes).ok().filter(|_| depth > 0)?;
        let below: BTreeSet<&str> = document.manifests.iter().map(|manifest| manifest.digest.as_str()).collect();
        let mut below = below.into_iter().chain(document.config["digest"].as_str());
        below.find_map(|digest| self.config_below(digest, layers, depth - 1))
    }

    fn is_config(bytes: &[u8], layers: &[String]) -> bool {
        serde_json::from_slice::<Document>(bytes).is_ok_and(|document| document.rootfs.diff_ids == layers)
    }
}
