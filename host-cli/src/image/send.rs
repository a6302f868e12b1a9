//! A finished image on its way into an engine. Nothing gets a name here, and what is refused leaves nothing behind.

use super::ImageError;
use super::archive::{Archive, Parts};
use super::base_layers::base_layers;
use super::layer::Layer;
use super::stop::Stop;
use super::tar_stream::TarStream;
use super::way::{ImageBy, Way, reason, ways};
use crate::engine::{Engine, EngineError, Image, ImageId};
use crate::image::app_image;
use crate::image::config::{ImagePlan, NewLayer};
use shared_model::event::{Event, EventSink};
use std::io::Read;

/// The most images that are looked at for layers that the engine need not be sent again.
const MOST_LOOKED_AT: usize = 20;

/// An image with its layers, ready to be sent.
pub(super) struct Finished<'a> {
    pub(super) plan: ImagePlan<'a>,
    pub(super) lifecycle: Layer,
    pub(super) droplet: Layer,
}

/// How an image is to be sent.
pub(super) struct Sending<'a> {
    pub(super) by: ImageBy,
    /// Whether to say why it is sent so.
    pub(super) verbose: bool,
    pub(super) stop: &'a Stop,
    pub(super) events: &'a dyn EventSink,
}

impl Finished<'_> {
    /// Brings the image into the engine, by the first of the ways that it takes.
    pub(super) fn send(&self, engine: &dyn Engine, sending: &Sending<'_>) -> Result<ImageId, ImageError> {
        let note = |text: String| sending.events.emit(Event::Note { text });
        let facts = engine.facts()?;
        let (first, others) = ways(sending.by, &facts.store);
        if sending.verbose {
            let why = reason(sending.by, &facts.store);
            note(format!("The image goes into engine {} by {}: {why}", facts.version, first.name()));
        }
        let mut outcome = self.by(first, engine, sending.stop);
        for next in others {
            let Err(ImageError::Engine(refused @ EngineError::Refused { .. })) = &outcome else { break };
            if sending.stop.is_stopped() || refused.is_full_disk() {
                break;
            }
            note(format!("{refused}; trying it by {}", next.name()));
            outcome = self.by(*next, engine, sending.stop);
        }
        outcome
    }

    fn by(&self, way: Way, engine: &dyn Engine, stop: &Stop) -> Result<ImageId, ImageError> {
        let config = self.plan.config(&[
            NewLayer { name: "lifecycle", sha256: &self.lifecycle.sha256 },
            NewLayer { name: "droplet", sha256: &self.droplet.sha256 },
        ]);
        let parts = Parts { config: &config, layers: &[&self.lifecycle, &self.droplet] };
        let base = self.plan.base;
        match way {
            Way::Load => self.load(engine, &Archive::of_docker(&parts, &base.details.layers), stop),
            Way::Oci => self.load(engine, &Archive::of_oci(&parts, &base_layers(engine, base)?), stop),
            Way::Build => Ok(engine.build(Box::new(stop.over(self.context()?)))?),
        }
    }

    /// The build context: the Dockerfile and the two layers.
    fn context(&self) -> Result<Box<dyn Read + Send>, ImageError> {
        let stream = TarStream::new()
            .file("Dockerfile", self.plan.dockerfile())?
            .layer("lifecycle.tar", &self.lifecycle)?
            .layer("droplet.tar", &self.droplet)?;
        Ok(stream.end())
    }

    fn load(&self, engine: &dyn Engine, archive: &Archive<'_>, stop: &Stop) -> Result<ImageId, ImageError> {
        let known = self.known_layers(engine)?;
        let send = |known| Ok::<_, ImageError>(engine.load(Box::new(stop.over(archive.stream(known)?))));
        let mut outcome = send(known)?;
        if known > 0 && matches!(outcome, Err(EngineError::Refused { .. })) {
            outcome = send(0)?; // Somebody has removed the image that had them.
        }
        if let Err(refused) = outcome {
            // Containerd's store keeps an image that it cannot unpack. Why it was refused is worth more than what comes now.
            for id in &archive.ids {
                let _ = engine.remove_nameless(&ImageId(id.clone()));
            }
            return Err(refused.into());
        }
        for id in &archive.ids {
            if let Some(image) = engine.image(id)? {
                return Ok(image.id);
            }
        }
        let reason = format!("the engine took it, but has no image {}", archive.ids.join(" or "));
        Err(EngineError::Refused { doing: "loading an image".to_owned(), reason }.into())
    }

    /// How many of our layers, from the lowest on, the engine has on this base.
    fn known_layers(&self, engine: &dyn Engine) -> Result<usize, EngineError> {
        let ours = [&self.lifecycle, &self.droplet].map(|layer| format!("sha256:{}", layer.sha256));
        let wanted: Vec<&String> = self.plan.base.details.layers.iter().chain(&ours).collect();
        let has = |image: &Image, count: usize| {
            let layers = &image.details.layers;
            layers.len() >= count && layers.iter().zip(&wanted[..count]).all(|(layer, wanted)| layer == *wanted)
        };
        let labels = &self.plan.labels;
        for (known, label) in [(2, app_image::DROPLET), (1, app_image::LIFECYCLE)] {
            let Some(value) = labels.get(label) else { continue };
            for listed in engine.images_labelled(label, value)?.iter().take(MOST_LOOKED_AT) {
                let image = engine.image(&listed.id.0)?;
                if image.is_some_and(|image| has(&image, wanted.len() - 2 + known)) {
                    return Ok(known);
                }
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests;
