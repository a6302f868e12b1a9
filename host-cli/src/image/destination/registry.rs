//! Into a registry, without an engine: each layer that the registry lacks, side by side, then the config; the manifest is for
//! the caller to send, under a tag, once the image is wanted. Until then nobody sees it.
//!
//! A layer of ours is compressed while it is sent, to the same bytes on any number of cores; what it is called then is
//! remembered. A base's layer goes as it is kept.

mod layers;
mod parallel;
mod progress;
mod source;

use super::{Destination, FinishedImage};
use crate::engine::{Image, ImageId};
use crate::image::ImageError;
use crate::image::app_image;
use crate::image::base::{Base, BaseLayers, EngineConfig};
use crate::image::compressed_ahead::CompressedAhead;
use crate::image::compressed_layers::CompressedLayers;
use crate::image::config::NewLayer;
use crate::image::growing::Content;
use crate::image::oci::{self, Descriptor};
use crate::image::rebase_plan::RebasePlan;
use crate::image::stop::Stop;
use crate::labels::APP_NAME;
use crate::registry::reference::Reference;
use crate::registry::repository::{RemoteManifest, Repository};
use layers::{Place, SentLayers};
use shared_model::event::{Event, EventSink};
use source::Bytes;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

/// Threads that compress one layer at most: each takes about 1 MiB.
const MOST_CORES: usize = 8;

/// A repository of a registry, in which all will be of an image but its name.
pub(crate) struct RegistryDestination<'a> {
    /// The repository.
    pub(crate) repository: &'a dyn Repository,
    /// Its name, with the tag that the image will get.
    pub(crate) reference: &'a Reference,
    /// What the image stands on.
    pub(crate) base: &'a Base,
    /// What layers are called when compressed.
    pub(crate) records: &'a CompressedLayers,
    /// Threads that compress one layer.
    cores: NonZeroUsize,
    /// What was brought there.
    publication: Mutex<Option<Publication>>,
}

/// An image whose blobs are in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Publication {
    manifest: RemoteManifest,
    /// Bytes of its layers that were sent, compressed.
    pub(crate) bytes: u64,
    /// How many were sent.
    pub(crate) sent: u64,
    /// How many were there already, or in another repository of the registry.
    pub(crate) known: u64,
}

impl Publication {
    /// `sha256:…` of the manifest.
    pub(crate) fn digest(&self) -> &str {
        &self.manifest.digest
    }

    /// Gives it its name: the tag of `reference`, in the repository where its blobs are.
    pub(crate) fn tag(&self, repository: &dyn Repository, reference: &Reference) -> Result<(), ImageError> {
        Ok(repository.put_manifest(reference.parts().1, &self.manifest)?)
    }
}

impl<'a> RegistryDestination<'a> {
    /// Nothing was brought there yet.
    pub(crate) fn new(
        (repository, reference): (&'a dyn Repository, &'a Reference),
        base: &'a Base,
        records: &'a CompressedLayers,
        cores: NonZeroUsize,
    ) -> Self {
        let cores = cores.min(NonZeroUsize::new(MOST_CORES).unwrap_or(cores));
        Self { repository, reference, base, records, cores, publication: Mutex::default() }
    }

    /// What was brought there; `None`: nothing was.
    pub(crate) fn publication(self) -> Option<Publication> {
        self.publication.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings `app`, an app's image in a registry, there on our base, as `plan` has it. Of what the registry has no byte is moved.
    pub(crate) fn rebase(
        &self,
        app: &Base,
        plan: &RebasePlan,
        stop: &Stop,
        events: &dyn EventSink,
    ) -> Result<(), ImageError> {
        events.emit(Event::Pushing { image: shown(&app.image.labels), reference: self.reference.name().to_owned() });
        let place = Place { repository: self.repository, reference: self.reference, records: self.records };
        let send = |layers: &dyn BaseLayers| layers::send(&place, layers, &[], self.cores, stop, events);
        let below = send(&*self.base.layers)?;
        let above = send(&app.uppermost(app_image::LAYERS))?;
        self.finish(&plan.document(), below.and(above)).map(drop)
    }

    /// Brings the base itself there, with its own config.
    pub(crate) fn whole(&self, config: &EngineConfig, stop: &Stop, events: &dyn EventSink) -> Result<(), ImageError> {
        let place = Place { repository: self.repository, reference: self.reference, records: self.records };
        let layers = layers::send(&place, &*self.base.layers, &[], self.cores, stop, events)?;
        self.finish(&config.bytes(stop)?, layers).map(drop)
    }

    /// Sends the config of these layers, and keeps the manifest for its time.
    fn finish(&self, config: &[u8], layers: SentLayers) -> Result<ImageId, ImageError> {
        let SentLayers { descriptors, bytes, sent, known } = layers;
        let (of_config, of_manifest, manifest) = oci::manifest(config, &descriptors);
        self.send_config(config, &of_config)?;
        let digest = of_manifest.digest;
        let manifest = RemoteManifest { media_type: oci::MANIFEST.to_owned(), digest: digest.clone(), bytes: manifest };
        let publication = Publication { manifest, bytes, sent, known };
        *self.publication.lock().unwrap_or_else(PoisonError::into_inner) = Some(publication);
        Ok(ImageId(digest))
    }

    /// The config, unless it is there.
    fn send_config(&self, config: &[u8], descriptor: &Descriptor) -> Result<(), ImageError> {
        if !self.repository.has_blob(&descriptor.digest)? {
            self.repository.upload(&Bytes { bytes: config, name: descriptor.blob() })?;
        }
        Ok(())
    }
}

impl Destination for RegistryDestination<'_> {
    fn base(&self, _: &str) -> Result<Option<Image>, ImageError> {
        Ok(Some(self.base.image.clone()))
    }

    fn base_name(&self, _: &str) -> Option<String> {
        self.base.name.clone()
    }

    // A registry is asked for each layer, and that is quick.
    fn find(&self, _: &str) -> Result<Option<Image>, ImageError> {
        Ok(None)
    }

    // What is never named the registry removes by itself.
    fn begin(&self, _: &ImageId, _: &str) {}

    fn ahead(&self, layer: Content) -> Option<CompressedAhead> {
        CompressedAhead::begin(layer, self.cores)
    }

    /// All but the manifest.
    fn put(&self, image: &FinishedImage<'_>, stop: &Stop, events: &dyn EventSink) -> Result<ImageId, ImageError> {
        let FinishedImage { config, lifecycle, droplet, .. } = image;
        let document = config.config(&[
            NewLayer { name: "lifecycle", sha256: &lifecycle.sha256 },
            NewLayer { name: "droplet", sha256: &droplet.sha256 },
        ]);
        events.emit(Event::Pushing { image: shown(config.labels), reference: self.reference.name().to_owned() });
        let place = Place { repository: self.repository, reference: self.reference, records: self.records };
        let layers = layers::send(&place, &*self.base.layers, &[lifecycle, droplet], self.cores, stop, events)?;
        self.finish(&document, layers)
    }
}

/// What people call an image that has no name here: the app and its droplet.
fn shown(labels: &BTreeMap<String, String>) -> String {
    const DIGITS: usize = 12; // as in the names of images
    let label = |name: &str| labels.get(name).map_or("", String::as_str);
    let droplet: String = label(app_image::DROPLET).chars().take(DIGITS).collect();
    let app = label(APP_NAME);
    if app.is_empty() { format!("droplet-{droplet}") } else { format!("{app}:droplet-{droplet}") }
}

#[cfg(test)]
mod tests;
