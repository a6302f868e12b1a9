//! A base in an OCI image layout on the disk.

#![expect(clippy::disallowed_methods, reason = "the one place that reads a layout")]

use super::documents::{Documents, Reader};
use super::found::{Base, BaseLayer, BaseLayers, OpenLayer};
use crate::engine::{Image, ImageId, Platform};
use crate::image::ImageError;
use crate::image::oci::{self, Descriptor, Packing};
use crate::image::stop::Stop;
use crate::registry::repository::LARGEST_MANIFEST;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The file that makes a folder a layout.
const MARK: &str = "oci-layout";
/// The most images that a question back names.
const MOST_NAMED: usize = 8;

/// The base that was typed as `DIR[:TAG]`.
pub(super) fn open(typed: &str, platform: &Platform) -> Result<Base, ImageError> {
    let called = format!("oci:{typed}");
    let (folder, tag) = folder_and_tag(typed);
    let layout = Layout { folder, called: called.clone() };
    let reader = Reader { called: &called, platform, documents: &layout };
    if !layout.folder.join(MARK).is_file() {
        return Err(reader.refused("the folder is no OCI layout"));
    }
    let entries = reader.index(&layout.read("index.json", LARGEST_MANIFEST)?)?;
    let names: Vec<&str> = entries.iter().filter_map(|entry| entry.name()).take(MOST_NAMED).collect();
    let names = names.join(", ");
    let tagged: Vec<_> = match tag {
        Some(tag) => entries.iter().filter(|entry| entry.name() == Some(tag)).cloned().collect(),
        None if entries.iter().filter(|entry| entry.name().is_some()).count() > 1 => {
            return Err(reader.refused(&format!("it holds several images, name one with oci:DIR:TAG: {names}")));
        }
        None => entries.clone(),
    };
    if let (Some(tag), true) = (tag, tagged.is_empty()) {
        return Err(reader.refused(&format!("it holds no image {tag}, but: {names}")));
    }
    let described = reader.describe(&reader.chosen(&tagged)?)?;
    let layers = described.layers.iter().map(|layer| match layer.packing() {
        Some(Packing::Unpacked) => BaseLayer::Unpacked(layer.digest.clone()),
        _ => BaseLayer::Kept(layer.clone()),
    });
    let layers = LayoutLayers { layers: layers.collect(), layout };
    let image = Image { id: ImageId(described.digest), ..described.image };
    // Its folder is called so on this machine.
    Ok(Base { image, history: described.history, name: None, layers: Box::new(layers) })
}

/// A folder may have a colon in its name; a tag has none.
fn folder_and_tag(typed: &str) -> (PathBuf, Option<&str>) {
    match typed.rsplit_once(':') {
        Some((folder, tag)) if !Path::new(typed).is_dir() => (folder.into(), Some(tag)),
        _ => (typed.into(), None),
    }
}

struct Layout {
    folder: PathBuf,
    called: String,
}

impl Layout {
    /// A file of at most so many bytes.
    fn read(&self, path: &str, most: u64) -> Result<Vec<u8>, ImageError> {
        let mut bytes = Vec::new();
        let (file, _) = self.open(path)?;
        file.take(most + 1).read_to_end(&mut bytes).map_err(|error| self.unreadable(path, &error))?;
        if bytes.len() as u64 > most {
            return Err(self.unreadable(path, &io::Error::other("it is too large")));
        }
        Ok(bytes)
    }

    /// A file and its size; a pipe that somebody put there would be waited for.
    fn open(&self, path: &str) -> Result<(File, u64), ImageError> {
        let whole = self.folder.join(path);
        let opened = fs::symlink_metadata(&whole).and_then(|metadata| {
            if metadata.is_file() {
                Ok((File::open(&whole)?, metadata.len()))
            } else {
                Err(io::Error::other("it is not a file"))
            }
        });
        opened.map_err(|error| self.unreadable(path, &error))
    }

    fn unreadable(&self, path: &str, error: &io::Error) -> ImageError {
        ImageError::Unreadable { what: format!("{path} of {}", self.called), reason: error.to_string() }
    }
}

impl Documents for Layout {
    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ImageError> {
        self.read(&oci::blob(&descriptor.digest), descriptor.size)
    }

    fn config(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ImageError> {
        self.read(&oci::blob(&descriptor.digest), descriptor.size)
    }
}

struct LayoutLayers {
    layout: Layout,
    layers: Vec<BaseLayer>,
}

impl BaseLayers for LayoutLayers {
    fn layers(&self) -> &[BaseLayer] {
        &self.layers
    }

    fn place(&self) -> Option<(&str, &str)> {
        None
    }

    fn fetch(&self, _: &[&str], _: &Stop) -> Result<(), ImageError> {
        Ok(())
    }

    fn open(&self, layer: &BaseLayer) -> Result<OpenLayer<'_>, ImageError> {
        let (file, bytes) = self.layout.open(&oci::blob(layer.digest()))?;
        Ok(OpenLayer { content: Box::new(file.take(bytes)), bytes })
    }
}
