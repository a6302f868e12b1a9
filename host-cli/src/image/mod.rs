//! The app image: base root file system, a layer with the lifecycle, a layer with the droplet. The same things make the
//! same image, to the byte.
//!
//! The layers are written to files that have no name, on disk and not in memory: a tar in a tar must tell its size
//! before its bytes. An image of the same build key that is there already is only given its names. How an image gets into
//! an engine depends on the engine: see `destination/`. The way back is `export/`.

mod admission;
pub(crate) mod app_image;
mod archive;
mod attributes;
pub(crate) mod base;
mod base_layers;
mod bound;
mod build_key;
mod compressed_ahead;
mod compressed_layers;
pub(crate) mod config;
pub(crate) mod copied_file;
pub(crate) mod created;
pub(crate) mod destination;
mod droplet;
mod droplet_folders;
mod entries;
mod error;
pub(crate) mod export;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzed;
mod growing;
mod handover;
mod layer;
mod layer_tree;
mod lifecycle;
mod make;
mod oci;
pub(crate) mod provenance;
mod read_ahead;
pub(crate) mod rebase;
pub(crate) mod rebase_plan;
mod records;
mod sha256;
mod stop;
mod tar_stream;

pub(crate) use bound::{Bound, GENEROUS};
pub(crate) use compressed_layers::CompressedLayers;
pub(crate) use destination::{
    EngineDestination, ImageBy, Journal, MadeImage, Publication, RegistryDestination, UntaggedImage, tag,
};
pub(crate) use error::{ImageError, checked_names};
pub(crate) use handover::HandedOver;
pub(crate) use lifecycle::LifecycleSource;
pub(crate) use make::{ImageMaker, ImageNames, ImageOptions, ImageParts, ImagePlan};
pub(crate) use records::Records;
pub(crate) use stop::Stop;

#[cfg(test)]
mod samples;
