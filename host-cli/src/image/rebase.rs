//! An app image comes to be on another root file system of its engine, without a staging, as [`super::rebase_plan`] has it: its two
//! layers come out of an export and go where the image is to be. Whether the image is ours is for [`super::provenance`] to tell, before.

use super::ImageError;
use super::destination::{Destination, FinishedImage};
use super::export;
use super::rebase_plan::RebasePlan;
use super::stop::Stop;
use crate::engine::{ImageId, ImageTransfer};
use shared_model::event::EventSink;

/// Carries a rebase out.
pub(crate) struct Rebase<'a> {
    /// Where the image is.
    pub(crate) source: &'a dyn ImageTransfer,
    /// Where it comes to be on the other root file system.
    pub(crate) destination: &'a dyn Destination,
    /// Whether it is still wanted.
    pub(crate) stop: &'a Stop,
    /// Told warnings and notes only.
    pub(crate) events: &'a dyn EventSink,
}

impl Rebase<'_> {
    /// Makes the image, or finds one that was made of the same things. It gets no name.
    pub(crate) fn make(&self, image: &ImageId, plan: &RebasePlan) -> Result<ImageId, ImageError> {
        let Self { source, destination, stop, events } = *self;
        let found = destination.find(&plan.build_key)?;
        if found.as_ref().is_none_or(|found| found.tags.is_empty()) {
            destination.begin(&plan.base.id, &plan.build_key);
        }
        if let Some(found) = found {
            return Ok(found.id);
        }
        let export = stop.over(source.save(image)?);
        let layers = export::layers(export, &plan.layers.each_ref().map(String::as_str), &plan.below)?;
        let Ok([lifecycle, droplet]) = <[_; 2]>::try_from(layers) else {
            return Err(ImageError::NoDropletLayer);
        };
        let image = FinishedImage { config: plan.config(), lifecycle, droplet, build_key: plan.build_key.clone() };
        destination.put(&image, stop, events)
    }
}

#[cfg(test)]
mod tests;
