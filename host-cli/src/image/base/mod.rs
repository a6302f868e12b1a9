//! The root file system of an image that goes straight to a registry: of an OCI layout, of a registry, or of the engine.
//! Each says what the app image's config needs, and has its layers: as they are kept, or unpacked.
//!
//! A base's identity stands in the app image. So it is the same wherever the image is made: of a layout and a registry the
//! manifest's digest; of an engine, whose own id depends on how it keeps images, the chain id of the layers.

mod documents;
mod engine;
mod found;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzed;
mod layout;
mod remote;

use super::ImageError;
use super::provenance::{Foreign, foreign_in_registry};
use crate::engine::{Engine, Image, Platform};
use crate::labels::ROOTFS;
use crate::registry::reference::Reference;
use crate::registry::repository::Repository;
pub(crate) use engine::EngineConfig;
pub(crate) use found::Base;
pub(super) use found::{BaseLayer, BaseLayers, OpenLayer};
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
    /// What was typed. A name without a registry in it is an engine's; so is one below Podman's `localhost`, and one that a request's
    /// stack is a part of: that may be anything.
    pub(crate) fn parse(typed: &str) -> Self {
        if typed.starts_with(ROOTFS) {
            return Self::Engine(typed.to_owned());
        }
        if let Some(layout) = typed.strip_prefix(LAYOUT) {
            return Self::Layout(layout.to_owned());
        }
        match Reference::pulled(typed) {
            Some(name) if name.names_a_registry() && name.registry() != LOCAL => Self::Registry(name),
            _ => Self::Engine(typed.to_owned()),
        }
    }
}

impl Base {
    /// What it is, with its identity as the id.
    pub(crate) fn image(&self) -> &Image {
        &self.image
    }

    /// What it is called wherever it is; `None` where that differs from machine to machine.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What contradicts that it is an app's image of ours.
    pub(crate) fn foreign(&self) -> Option<Foreign> {
        foreign_in_registry(&self.image, &self.history)
    }

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

    /// An image of the engine, which is to go into a registry as it is, and its config.
    pub(crate) fn itself_on_engine(image: &Image, engine: Arc<dyn Engine>) -> (Self, EngineConfig) {
        engine::itself(image, engine)
    }
}

#[cfg(test)]
pub(super) mod samples;
#[cfg(test)]
mod tests;
