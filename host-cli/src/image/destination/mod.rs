//! Where an app image goes. Its layers are made here, whatever the place; what a place has and takes is its own matter.

mod engine;
mod import_method;
mod registry;
mod tags;

use super::ImageError;
use super::compressed_ahead::CompressedAhead;
use super::config::AppImageConfig;
use super::growing::Content;
use super::layer::Layer;
use super::stop::Stop;
use crate::engine::{Image, ImageId};
pub(crate) use engine::{EngineDestination, Journal};
pub(crate) use import_method::ImageBy;
pub(crate) use registry::{Publication, RegistryDestination};
use shared_model::event::EventSink;
pub(crate) use tags::{MadeImage, UntaggedImage, tag};

/// A place for images. Nothing gets a name here, and what is refused leaves nothing behind.
pub(crate) trait Destination {
    /// The image of this name or id there, to build on; `None`: it is not there.
    fn base(&self, name: &str) -> Result<Option<Image>, ImageError>;

    /// What the base of this name or id is called wherever the image is made; `None`: that differs from machine to machine.
    fn base_name(&self, name: &str) -> Option<String> {
        Some(name.to_owned())
    }

    /// The image of this build key that is there already, as far as it is remembered to be ours.
    fn find(&self, build_key: &str) -> Result<Option<Image>, ImageError>;

    /// Leaves word that an image of this build key is being made on `base`, before anything of it is there.
    fn begin(&self, base: &ImageId, build_key: &str);

    /// Begins what can be made of the droplet's layer while it is written; `None`: it goes as it is.
    fn ahead(&self, layer: Content) -> Option<CompressedAhead>;

    /// Brings the image there, and remembers it.
    fn put(&self, image: &FinishedImage<'_>, stop: &Stop, events: &dyn EventSink) -> Result<ImageId, ImageError>;
}

/// An image with its new layers, ready to be sent.
pub(crate) struct FinishedImage<'a> {
    /// All but its layers.
    pub(crate) config: AppImageConfig<'a>,
    /// The layer upon the base.
    pub(crate) lifecycle: Layer,
    /// The layer upon that.
    pub(crate) droplet: Layer,
    /// What it was made of and how; see [`super::app_image::BUILD_KEY`].
    pub(crate) build_key: String,
}
