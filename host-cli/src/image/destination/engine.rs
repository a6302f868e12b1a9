//! Into an engine: as an archive of the layers that it has not got, as an OCI layout, or by a build.

use super::import_method::{ImageBy, ImportMethod, import_order, reason};
use super::{Destination, FinishedImage};
use crate::engine::{Engine, EngineError, Image, ImageId};
use crate::image::ImageError;
use crate::image::app_image;
use crate::image::archive::{Archive, Parts};
use crate::image::base_layers::base_layers;
use crate::image::compressed_ahead::CompressedAhead;
use crate::image::config::NewLayer;
use crate::image::growing::Content;
use crate::image::records::Records;
use crate::image::stop::Stop;
use crate::image::tar_stream::TarStream;
use shared_model::event::{Event, EventSink};
use std::io::Read;

/// The most images that are looked at for layers that the engine need not be sent again.
const MOST_LOOKED_AT: usize = 20;

/// Where it is written down, for those who find it half done, that an image is being made.
pub(crate) trait Journal {
    /// An image of this build key begins on `base`.
    fn image_begins(&self, base: &str, build_key: &str);
}

/// The images of an engine.
pub(crate) struct EngineDestination<'a> {
    /// The engine.
    pub(crate) engine: &'a dyn Engine,
    /// Told before anything of an image is there.
    pub(crate) journal: &'a dyn Journal,
    /// How images go in.
    pub(crate) by: ImageBy,
    /// Whether to say why they go so.
    pub(crate) verbose: bool,
}

impl Destination for EngineDestination<'_> {
    fn base(&self, name: &str) -> Result<Option<Image>, ImageError> {
        Ok(self.engine.image(name)?)
    }

    // An image that only says so may be anybody's: it is made again, of the layers that are here already.
    fn find(&self, build_key: &str) -> Result<Option<Image>, ImageError> {
        match Records::open(self.engine).made_of(build_key) {
            Some(ImageId(id)) => Ok(self.engine.image(&id)?),
            None => Ok(None),
        }
    }

    fn begin(&self, base: &ImageId, build_key: &str) {
        self.journal.image_begins(&base.0, build_key);
    }

    // Engines take layers as they are, each when it is whole.
    fn ahead(&self, _: Content) -> Option<CompressedAhead> {
        None
    }

    /// By the first of the methods that the engine takes.
    fn put(&self, image: &FinishedImage<'_>, stop: &Stop, events: &dyn EventSink) -> Result<ImageId, ImageError> {
        let note = |text: String| events.emit(Event::Note { text });
        let info = self.engine.info()?;
        let (first, others) = import_order(self.by, &info.store);
        if self.verbose {
            let why = reason(self.by, &info.store);
            note(format!("The image goes into engine {} by {}: {why}", info.version, first.name()));
        }
        let import = Import { engine: self.engine, image, stop };
        let mut outcome = import.by(first);
        for next in others {
            let Err(ImageError::Engine(refused @ EngineError::Refused { .. })) = &outcome else { break };
            if stop.is_stopped() || refused.is_full_disk() {
                break;
            }
            note(format!("{refused}; trying it by {}", next.name()));
            outcome = import.by(*next);
        }
        let id = outcome?;
        Records::open(self.engine).remember(&image.build_key, &id);
        Ok(id)
    }
}

/// One image on its way into one engine.
struct Import<'a> {
    engine: &'a dyn Engine,
    image: &'a FinishedImage<'a>,
    stop: &'a Stop,
}

impl Import<'_> {
    fn by(&self, method: ImportMethod) -> Result<ImageId, ImageError> {
        let FinishedImage { config, lifecycle, droplet, .. } = self.image;
        let base = config.base;
        let config = config.config(&[
            NewLayer { name: "lifecycle", sha256: &lifecycle.sha256 },
            NewLayer { name: "droplet", sha256: &droplet.sha256 },
        ]);
        let parts = Parts { config: &config, layers: &[lifecycle, droplet] };
        match method {
            ImportMethod::Load => self.load(&Archive::docker(&parts, &base.details.layers)),
            ImportMethod::Oci => self.load(&Archive::oci(&parts, &base_layers(self.engine, base)?)),
            ImportMethod::Build => Ok(self.engine.build(Box::new(self.stop.over(self.context()?)))?),
        }
    }

    /// The build context: the Dockerfile and the two layers.
    fn context(&self) -> Result<Box<dyn Read + Send>, ImageError> {
        let stream = TarStream::new()
            .file("Dockerfile", self.image.config.dockerfile())?
            .layer("lifecycle.tar", &self.image.lifecycle)?
            .layer("droplet.tar", &self.image.droplet)?;
        Ok(stream.end())
    }

    fn load(&self, archive: &Archive<'_>) -> Result<ImageId, ImageError> {
        let Self { engine, stop, .. } = *self;
        let known = self.known_layers()?;
        let send = |known| Ok::<_, ImageError>(engine.load(Box::new(stop.over(archive.stream(known)?))));
        let mut outcome = send(known)?;
        if known > 0 && matches!(outcome, Err(EngineError::Refused { .. })) {
            outcome = send(0)?; // Somebody has removed the image that had them.
        }
        if let Err(refused) = outcome {
            // Containerd's store keeps an image that it cannot unpack. Why it was refused is worth more than what comes now.
            for id in &archive.ids {
                let _ = engine.remove_dangling(&ImageId(id.clone()));
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
    fn known_layers(&self) -> Result<usize, EngineError> {
        let FinishedImage { config, lifecycle, droplet, .. } = self.image;
        let ours = [lifecycle, droplet].map(|layer| format!("sha256:{}", layer.sha256));
        let wanted: Vec<&String> = config.base.details.layers.iter().chain(&ours).collect();
        let has = |image: &Image, count: usize| {
            let layers = &image.details.layers;
            layers.len() >= count && layers.iter().zip(&wanted[..count]).all(|(layer, wanted)| layer == *wanted)
        };
        let labels = &config.labels;
        for (known, label) in [(2, app_image::DROPLET), (1, app_image::LIFECYCLE)] {
            let Some(value) = labels.get(label) else { continue };
            for listed in self.engine.images_labelled(label, value)?.iter().take(MOST_LOOKED_AT) {
                let image = self.engine.image(&listed.id.0)?;
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
