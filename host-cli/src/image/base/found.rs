//! A base that was found, whatever the place, and its layers.

use crate::engine::Image;
use crate::image::ImageError;
use crate::image::oci::Descriptor;
use crate::image::stop::Stop;
use std::io::Read;

/// A base that was found and judged.
pub(crate) struct Base {
    /// Its identity as the id, its layers unpacked, platform and variables.
    pub(in crate::image) image: Image,
    /// How each layer was made, the lowest first; empty of an engine's.
    pub(in crate::image) history: Vec<String>,
    /// What it is called wherever it is; `None` where that differs from machine to machine.
    pub(in crate::image) name: Option<String>,
    /// Its layers.
    pub(in crate::image) layers: Box<dyn BaseLayers>,
}

impl Base {
    /// Its uppermost layers alone.
    pub(in crate::image) fn uppermost(&self, count: usize) -> impl BaseLayers + '_ {
        Uppermost { layers: &*self.layers, count }
    }
}

struct Uppermost<'a> {
    layers: &'a dyn BaseLayers,
    count: usize,
}

impl BaseLayers for Uppermost<'_> {
    fn layers(&self) -> &[BaseLayer] {
        let all = self.layers.layers();
        &all[all.len().saturating_sub(self.count)..]
    }

    fn place(&self) -> Option<(&str, &str)> {
        self.layers.place()
    }

    fn fetch(&self, digests: &[&str], stop: &Stop) -> Result<(), ImageError> {
        self.layers.fetch(digests, stop)
    }

    fn open(&self, layer: &BaseLayer) -> Result<OpenLayer<'_>, ImageError> {
        self.layers.open(layer)
    }
}

/// One layer of a base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::image) enum BaseLayer {
    /// It is kept compressed, and goes on as it is.
    Kept(Descriptor),
    /// It can be had unpacked, with this digest: `sha256:…`.
    Unpacked(String),
}

impl BaseLayer {
    /// By which bytes of the layer are known that [`BaseLayers::open`] gives.
    pub(in crate::image) fn digest(&self) -> &str {
        match self {
            Self::Kept(descriptor) => &descriptor.digest,
            Self::Unpacked(digest) => digest,
        }
    }
}

/// The layers of a base. Several threads may ask at once.
pub(in crate::image) trait BaseLayers: Send + Sync {
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
pub(in crate::image) struct OpenLayer<'a> {
    /// From the first to the last.
    pub(in crate::image) content: Box<dyn Read + Send + 'a>,
    /// How many there are.
    pub(in crate::image) bytes: u64,
}
