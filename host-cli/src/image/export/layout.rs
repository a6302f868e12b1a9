//! Image → OCI image layout. Layers are stored without compression, under the digests that the image's config names
//! them by, and the manifest is made of nothing but that config and them: the same image has the same manifest whatever
//! the engine that exports it, and however it keeps layers. Who copies a layout to a registry compresses on the way.

#![expect(clippy::disallowed_methods, reason = "the one place that fills a layout")]

use super::super::ImageError;
use super::super::oci::{self, Descriptor};
use super::super::sha256::{Hashing, sha256_of_bytes};
use super::engine_export::{each_file, inflated, unusable};
use super::target::Exported;
use crate::engine::Image;
use crate::image::entries::Entry;
use crate::image::stop::Stop;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Cursor, Read, Write};
use std::path::{Path, PathBuf};

/// The name of the image within its layout: what skopeo and umoci call one that nobody named.
const LAYOUT_NAME: &str = "latest";

/// The most bytes of a file that may be a document; the longest are configs, with their history.
const LONGEST_DOCUMENT: u64 = 1 << 20;
/// The most bytes of all documents of an export.
const ALL_DOCUMENTS: u64 = 16 << 20;
/// Documents that name documents that … are followed so far.
const DEEPEST: usize = 6;

/// Fills `folder`, which is empty, with the layout of the image; errors call it `called`.
pub(super) fn layout(
    export: impl Read + Send,
    image: &Image,
    folder: &Path,
    called: &str,
) -> Result<Exported, ImageError> {
    let mut layout = Layout::begin(folder, called, &image.details.layers)?;
    let mut documents = Documents::default();
    each_file::<ImageError>(export, |entry, content| {
        if entry.size > LONGEST_DOCUMENT {
            return layout.layer(content);
        }
        layout.layer(&mut Cursor::new(documents.read(entry, content)?))
    })?;
    layout.end(documents.config(&image.id.0, &image.details.layers).ok_or_else(no_config)?)
}

/// The config of the image, to the byte, out of what an engine exports of it.
pub(crate) fn config_of(export: impl Read + Send, image: &Image, stop: &Stop) -> Result<Vec<u8>, ImageError> {
    let mut documents = Documents::default();
    each_file::<ImageError>(stop.over(export), |entry, content| {
        if entry.size <= LONGEST_DOCUMENT {
            documents.read(entry, content)?;
        }
        Ok(())
    })?;
    documents.config(&image.id.0, &image.details.layers).map(<[u8]>::to_vec).ok_or_else(no_config)
}

fn no_config() -> ImageError {
    unusable("it does not hold the image's config".to_owned())
}

/// A layout that is being filled.
struct Layout {
    folder: PathBuf,
    called: String,
    /// Digests of the layers from the lowest on.
    layers: Vec<String>,
    /// Bytes of those that are there.
    written: BTreeMap<String, u64>,
    /// Some layer could not be read.
    unread: bool,
}

impl Layout {
    fn begin(folder: &Path, called: &str, layers: &[String]) -> Result<Self, ImageError> {
        let (folder, called, layers) = (folder.to_owned(), called.to_owned(), layers.to_owned());
        let layout = Self { folder, called, layers, written: BTreeMap::new(), unread: false };
        fs::create_dir_all(layout.blobs()).map_err(|error| layout.unwritable(&error))?;
        Ok(layout)
    }

    /// Keeps what is one of the layers, by its digest; anything else is forgotten.
    fn layer(&mut self, content: &mut dyn Read) -> Result<(), ImageError> {
        let broken = |error: io::Error| unusable(error.to_string());
        let Some(mut content) = inflated(content).map_err(broken)? else {
            self.unread = true;
            return Ok(());
        };
        let part = self.blobs().join("part");
        let file = File::create(&part).map_err(|error| self.unwritable(&error))?;
        let mut blob = Hashing::new(BufWriter::with_capacity(256 << 10, file));
        let mut buffer = vec![0; 256 << 10];
        loop {
            match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => blob.write_all(&buffer[..length]).map_err(|error| self.unwritable(&error))?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Compressed, but not as a whole: no layer of anybody.
                Err(_) => break,
            }
        }
        let (mut buffer, sha256, bytes) = blob.finish();
        buffer.flush().map_err(|error| self.unwritable(&error))?;
        let digest = format!("sha256:{sha256}");
        let kept = if self.layers.contains(&digest) {
            self.written.insert(digest, bytes);
            fs::rename(&part, self.blobs().join(sha256))
        } else {
            fs::remove_file(&part)
        };
        kept.map_err(|error| self.unwritable(&error))
    }

    /// All that is not a layer.
    fn end(self, config: &[u8]) -> Result<Exported, ImageError> {
        let descriptor = |digest: &String| match self.written.get(digest) {
            Some(size) => Ok(Descriptor::layer(digest.clone(), *size)),
            None if self.unread => {
                Err(unusable(format!("layer {digest} is compressed in a way that cannot be undone here")))
            }
            None => Err(unusable(format!("no layer in it has the digest {digest}"))),
        };
        let layers = self.layers.iter().map(descriptor).collect::<Result<Vec<_>, _>>()?;
        let layout = oci::LayoutDocuments::new(config, &layers, Some(LAYOUT_NAME));
        for (path, document) in &layout.documents {
            fs::write(self.folder.join(path), document).map_err(|error| self.unwritable(&error))?;
        }
        let bytes = self.written.values().sum::<u64>() + layout.config.size + layout.manifest.size;
        Ok(Exported { digest: layout.manifest.digest, bytes })
    }

    fn blobs(&self) -> PathBuf {
        self.folder.join("blobs/sha256")
    }

    fn unwritable(&self, error: &io::Error) -> ImageError {
        ImageError::unwritable(&self.called, error)
    }
}

/// The small files of an export, as far as there is room for them.
#[derive(Default)]
struct Documents {
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
    /// Keeps a small file, if there is room; its bytes.
    fn read(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<Vec<u8>, ImageError> {
        let (name, mut bytes) = (String::from_utf8_lossy(&entry.path).into_owned(), Vec::new());
        content.read_to_end(&mut bytes).map_err(|error| unusable(error.to_string()))?;
        self.bytes += bytes.len() as u64;
        if self.bytes <= ALL_DOCUMENTS {
            self.names.insert(format!("sha256:{}", sha256_of_bytes(&bytes)), name.clone());
            self.by_name.insert(name, bytes.clone());
        }
        Ok(bytes)
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
