//! The root file system of an image that goes straight to a registry: of an OCI layout, of a registry, or of the engine.
//! Each says what the app image's config needs, and has its layers: as they are kept, or unpacked.
//!
//! A base's identity stands in the app image. So it is the same wherever the image is made: of a layout and a registry the
//! manifest's digest; of an engine, whose own id depends on how it keeps images, the chain id of the layers.

mod documents;
mod engine;
mod layout;
mod remote;

use super::ImageError;
use super::oci::Descriptor;
use super::stop::Stop;
use crate::engine::{Engine, Image, Platform};
use crate::registry::reference::Reference;
use crate::registry::repository::Repository;
use std::io::Read;
use std::sync::Arc;

/// What stands in front of the folder of a layout.
const LAYOUT: &str = "oci:";
/// Podman's word for images that are nowhere but on its engine.
const LOCAL: &str = "localhost";

/// Where a base is, as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BaseSource {
    /// `oci:DIR[:TAG]`: an OCI layout, without the word in front.
    Layout(String),
    /// `REGISTRY/REPO[:TAG]`, or with a digest.
    Registry(Reference),
    /// An engine's name or id.
    Engine(String),
}

impl BaseSource {
    /// What was typed. A name without a registry in it is an engine's; so is one below Podman's `localhost`.
    pub(crate) fn parse(typed: &str) -> Self {
        if let Some(layout) = typed.strip_prefix(LAYOUT) {
            return Self::Layout(layout.to_owned());
        }
        match Reference::pulled(typed) {
            Some(name) if name.names_a_registry() && name.registry() != LOCAL => Self::Registry(name),
            _ => Self::Engine(typed.to_owned()),
        }
    }
}

/// A base that was found and judged.
pub(crate) struct Base {
    /// Its identity as the id, its layers unpacked, platform and variables.
    pub(super) image: Image,
    /// What it is called wherever it is; `None` where that differs from machine to machine.
    pub(super) name: Option<String>,
    /// Its layers.
    pub(super) layers: Box<dyn BaseLayers>,
}

impl Base {
    /// That of an OCI layout, `DIR[:TAG]`, for this platform.
    pub(crate) fn in_layout(typed: &str, platform: &Platform) -> Result<Self, ImageError> {
        layout::open(typed, platform)
    }

    /// That of a registry, for this platform; `repository` is the one that `reference` names.
    pub(crate) fn in_registry(
        reference: &Reference,
        repository: Box<dyn Repository + Send>,
        platform: &Platform,
    ) -> Result<Self, ImageError> {
        remote::open(reference, repository, platform)
    }

    /// The engine's of this name or id.
    pub(crate) fn on_engine(name: &str, engine: Arc<dyn Engine>) -> Result<Self, ImageError> {
        engine::open(name, engine)
    }
}

/// One layer of a base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BaseLayer {
    /// It is kept compressed, and goes on as it is.
    Kept(Descriptor),
    /// It can be had unpacked, with this digest: `sha256:…`.
    Unpacked(String),
}

impl BaseLayer {
    /// By which bytes of the layer are known that [`BaseLayers::open`] gives.
    pub(super) fn digest(&self) -> &str {
        match self {
            Self::Kept(descriptor) => &descriptor.digest,
            Self::Unpacked(digest) => digest,
        }
    }
}

/// The layers of a base. Several threads may ask at once.
pub(super) trait BaseLayers: Send + Sync {
    /// What they are, from the lowest on.
    fn layers(&self) -> &[BaseLayer];

    /// The registry in which they are, and the repository there.
    fn place(&self) -> Option<(&str, &str)>;

    /// Makes ready the layers of these digests; the first call may take long, and others wait for it.
    fn fetch(&self, digests: &[&str], stop: &Stop) -> Result<(), ImageError>;

    /// The bytes of a layer that was fetched, from the start, as often as it takes. Nobody has looked at them yet.
    fn open(&self, layer: &BaseLayer) -> Result<OpenLayer<'_>, ImageError>;
}

/// A layer's bytes.
pub(super) struct OpenLayer<'a> {
    /// From the first to the last.
    pub(super) content: Box<dyn Read + Send + 'a>,
    /// How many there are.
    pub(super) bytes: u64,
}

#[cfg(test)]
pub(super) mod samples;
#[cfg(test)]
mod tests;
