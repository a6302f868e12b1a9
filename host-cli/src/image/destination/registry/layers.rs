//! The layers of an image on their way to a registry: which it has, which it can take from another repository of its own, and the
//! rest is sent.

use super::parallel::parallel;
use super::progress::Progress;
use super::source::{Form, LayerSource};
use crate::image::ImageError;
use crate::image::base::{BaseLayer, BaseLayers, OpenLayer};
use crate::image::compressed_layers::{CompressedLayers, LayerKey};
use crate::image::layer::Layer;
use crate::image::oci::Descriptor;
use crate::image::stop::Stop;
use crate::registry::reference::Reference;
use crate::registry::repository::{BlobDigest, Repository};
use shared_model::event::EventSink;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Mutex;

/// Layers that are on their way at once: enough that a small one waits for no large one, and few enough for memory.
const AT_ONCE: usize = 3;
/// Questions that are under way at once; each is small.
const QUESTIONS: usize = 6;

/// Where layers go.
pub(super) struct Place<'a> {
    pub(super) repository: &'a dyn Repository,
    pub(super) reference: &'a Reference,
    pub(super) records: &'a CompressedLayers,
}

/// Layers that are there.
pub(super) struct SentLayers {
    /// What they are called there, from the lowest on.
    pub(super) descriptors: Vec<Descriptor>,
    /// Bytes that were sent.
    pub(super) bytes: u64,
    /// Layers that were sent.
    pub(super) sent: u64,
    /// Layers that were there.
    pub(super) known: u64,
}

impl SentLayers {
    /// These, and others above them.
    pub(super) fn and(mut self, above: Self) -> Self {
        self.descriptors.extend(above.descriptors);
        let (bytes, sent, known) = (self.bytes + above.bytes, self.sent + above.sent, self.known + above.known);
        Self { bytes, sent, known, ..self }
    }
}

/// A layer, by where its bytes are.
enum Wanted<'a> {
    /// Of the base.
    OfBase(&'a BaseLayer),
    /// Ours, with its digest.
    Ours(&'a Layer, String),
}

impl Wanted<'_> {
    fn digest(&self) -> &str {
        match self {
            Self::OfBase(layer) => layer.digest(),
            Self::Ours(_, digest) => digest,
        }
    }

    /// By which records know it.
    fn key(&self) -> LayerKey<'_> {
        match self.kept() {
            Some(kept) => LayerKey::Kept(&kept.digest),
            None => LayerKey::Unpacked(self.digest()),
        }
    }

    /// What it is called as it is kept; `None`: it is to be compressed.
    fn kept(&self) -> Option<&Descriptor> {
        match self {
            Self::OfBase(BaseLayer::Kept(descriptor)) => Some(descriptor),
            Self::OfBase(BaseLayer::Unpacked(_)) | Self::Ours(..) => None,
        }
    }
}

/// Brings the base's layers and `ours` above them there, as far as they are not there.
pub(super) fn send(
    place: &Place<'_>,
    base: &dyn BaseLayers,
    ours: &[&Layer],
    cores: NonZeroUsize,
    stop: &Stop,
    events: &dyn EventSink,
) -> Result<SentLayers, ImageError> {
    let of_base = base.layers().iter().map(Wanted::OfBase);
    let ours = ours.iter().map(|layer| Wanted::Ours(layer, format!("sha256:{}", layer.sha256)));
    let all: Vec<Wanted<'_>> = of_base.chain(ours).collect();
    let mut seen = BTreeSet::new();
    // The droplet first: it is mostly the largest that is new. An empty layer may be there many times.
    let wanted: Vec<&Wanted<'_>> = all.iter().rev().filter(|layer| seen.insert(layer.digest().to_owned())).collect();
    let way = Way {
        place,
        base,
        cores,
        stop,
        halt: Stop::default(),
        progress: Progress::new(events, place.reference.name()),
    };
    let found = parallel(&wanted, QUESTIONS, &way.halt, |layer| way.find(layer))?;
    let lacking: Vec<&Wanted<'_>> =
        wanted.iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(layer, _)| *layer).collect();
    let of_base: Vec<&str> =
        lacking.iter().filter(|layer| matches!(layer, Wanted::OfBase(_))).map(|layer| layer.digest()).collect();
    let sent = parallel(&lacking, AT_ONCE, &way.halt, |layer| way.send(layer, &of_base))?;
    let (bytes, count) = (sent.iter().map(|layer| layer.size).sum(), sent.len());
    let known = wanted.len() - count;
    let known_there = wanted.iter().zip(found).filter_map(|(layer, found)| Some((layer.digest(), found?)));
    let there: BTreeMap<&str, Descriptor> =
        known_there.chain(lacking.iter().map(|layer| layer.digest()).zip(sent)).collect();
    // Where something was ended early, not all of them are.
    let descriptors: Vec<Descriptor> = all.iter().filter_map(|layer| there.get(layer.digest()).cloned()).collect();
    if stop.is_stopped() || descriptors.len() != all.len() {
        let (what, reason) = ("the image".to_owned(), "it was ended early".to_owned());
        return Err(ImageError::Unreadable { what, reason });
    }
    Ok(SentLayers { descriptors, bytes, sent: count as u64, known: known as u64 })
}

/// What all layers of one image have in common on their way.
struct Way<'a> {
    place: &'a Place<'a>,
    base: &'a dyn BaseLayers,
    cores: NonZeroUsize,
    /// Whether the image is still wanted.
    stop: &'a Stop,
    /// Whether something went wrong with another layer.
    halt: Stop,
    progress: Progress<'a>,
}

impl Way<'_> {
    /// What the layer is called where it is there, or is now, without having been sent.
    fn find(&self, layer: &Wanted<'_>) -> Result<Option<Descriptor>, ImageError> {
        if self.stop.is_stopped() {
            return Ok(None);
        }
        let known = self.place.records.of(layer.key());
        let descriptor = match (layer.kept(), &known) {
            (Some(kept), _) => kept.clone(),
            (None, Some(known)) => {
                let BlobDigest { digest, size } = known.blob();
                Descriptor::gzipped_layer(digest, size)
            }
            (None, None) => return Ok(None),
        };
        let registry = self.place.repository.registry();
        let of_base = self.base.place().filter(|(of_base, _)| layer.kept().is_some() && *of_base == registry);
        let seen = || known.as_ref().and_then(|known| known.seen_in(registry));
        let neighbour = of_base.map(|(_, path)| path).or_else(seen);
        let name = descriptor.blob();
        if !self.is_there(&name)? && !self.is_mounted(&name, neighbour)? {
            return Ok(None);
        }
        self.remember(layer, &name);
        Ok(Some(descriptor))
    }

    fn is_there(&self, name: &BlobDigest) -> Result<bool, ImageError> {
        Ok(self.place.repository.has_blob(&name.digest)?)
    }

    fn is_mounted(&self, name: &BlobDigest, neighbour: Option<&str>) -> Result<bool, ImageError> {
        let repository = self.place.repository;
        match neighbour.filter(|path| *path != repository.path()) {
            Some(path) => Ok(repository.mount(&name.digest, path)?),
            None => Ok(false),
        }
    }

    /// Sends it; `of_base` are the digests of all of the base's that will be sent.
    fn send(&self, layer: &Wanted<'_>, of_base: &[&str]) -> Result<Descriptor, ImageError> {
        if let Wanted::OfBase(_) = layer {
            self.base.fetch(of_base, self.stop)?;
        }
        let form = match (layer, layer.kept()) {
            (_, Some(kept)) => Form::AsTheyAre(kept.blob()),
            (Wanted::Ours(Layer { ahead: Some(ahead), .. }, _), None) => Form::Ahead(ahead),
            (_, None) => Form::Compressed(self.cores),
        };
        let open = || match layer {
            Wanted::OfBase(layer) => self.base.open(layer),
            Wanted::Ours(layer, _) => Ok(OpenLayer { content: Box::new(layer.content()), bytes: layer.bytes }),
        };
        let source = LayerSource {
            open: &open,
            digest: layer.digest(),
            form,
            stops: [self.stop, &self.halt],
            progress: &self.progress,
            wrong: Mutex::default(),
        };
        let uploaded = self.place.repository.upload(&source);
        let name = uploaded.map_err(|error| source.wrong().unwrap_or(ImageError::Registry(error)))?;
        match layer.kept() {
            Some(kept) if kept.blob() != name => {
                let what = format!("what {} took for a layer", self.place.repository.registry());
                Err(ImageError::OtherBytes { what, digest: kept.digest.clone() })
            }
            kept => {
                self.remember(layer, &name);
                Ok(kept.cloned().unwrap_or_else(|| Descriptor::gzipped_layer(name.digest, name.size)))
            }
        }
    }

    /// Writes down where the layer is, and what it is called there.
    fn remember(&self, layer: &Wanted<'_>, name: &BlobDigest) {
        let Place { repository, records, .. } = self.place;
        records.remember(layer.key(), name, repository.registry(), repository.path());
    }
}
