//! Image → OCI image layout. Layers are stored without compression, under the digests that the image's config names
//! them by, and the manifest is made of nothing but that config and them: the same image has the same manifest whatever
//! the engine that exports it, and however it keeps layers. Who copies a layout to a registry compresses on the way.

#![expect(clippy::disallowed_methods, reason = "the one place that fills a layout")]

use super::super::ImageError;
use super::super::oci::{self, Descriptor};
use super::super::sha256::Hashing;
use super::documents::Documents;
use super::engine_export::{each_file, inflated, unusable};
use super::target::Exported;
use crate::engine::Image;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// The name of the image within its layout: what skopeo and umoci call one that nobody named.
const LAYOUT_NAME: &str = "latest";

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
        documents.beside(entry, content, |content| layout.layer(content))
    })?;
    layout.end(documents.config_of(image)?)
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
