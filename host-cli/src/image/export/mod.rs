//! The way back: image → droplet file, or image → OCI layout. Both are made while the engine exports the image, in one
//! pass and in bounded memory, and appear whole or not at all.
//!
//! Engines export in different forms: as Docker did before 25, as an OCI layout, with layers compressed or not, under
//! whatever names. None of that is relied on. A layer is known by the digest of its uncompressed bytes, which the image's
//! config names, and so what is made of an image is the same on every engine.

mod atomic_output;
mod documents;
mod droplet;
pub(super) mod engine_export;
mod layers;
mod layout;
mod target;

use super::ImageError;
use super::stop::Stop;
use crate::engine::Image;
pub(super) use documents::config_of;
pub(super) use layers::{layers, layers_and_config};
use shared_model::event::EventSink;
use std::io::Read;
pub(crate) use target::{Exported, Target};

/// An image on its way out of an engine.
pub(crate) struct Exporting<'a> {
    /// It, as a look at it told: with its layers.
    pub(crate) image: &'a Image,
    /// What the engine exports of it.
    pub(crate) export: Box<dyn Read + Send>,
    /// Whether it is still wanted.
    pub(crate) stop: &'a Stop,
    /// Who is told how far it is.
    pub(crate) events: &'a dyn EventSink,
}

/// Brings the image to `target`. Nothing is left where that fails.
pub(crate) fn export(exporting: Exporting<'_>, target: &Target) -> Result<Exported, ImageError> {
    let Exporting { image, export, stop, events } = exporting;
    let told = engine_export::Progress::new(export, events, target.path(), image.bytes);
    let export = stop.over(told);
    match target {
        Target::Droplet(path) => {
            let mut whole = atomic_output::File::begin(path)?;
            let exported = droplet::droplet(export, image, whole.file(), &target.path())?;
            whole.keep(stop)?;
            Ok(exported)
        }
        Target::DropletToStandardOutput => {
            let mut spool = tempfile::tempfile().map_err(|error| ImageError::spool(&error))?;
            let exported = droplet::droplet(export, image, &mut spool, "a temporary file (TMPDIR says where)")?;
            atomic_output::to_standard_output(spool, stop)?;
            Ok(exported)
        }
        Target::Layout(path) => {
            let whole = atomic_output::Folder::begin(path)?;
            let exported = layout::layout(export, image, whole.path(), &target.path())?;
            whole.keep(stop)?;
            Ok(exported)
        }
    }
}

#[cfg(test)]
mod tests;
