//! The app image: base root file system, a layer with the lifecycle, a layer with the droplet. One way so far, a streamed
//! build of ready layers, which every engine can.
//!
//! The layers are written to files that have no name, on disk and not in memory: a tar in a tar must tell its size
//! before its bytes. An image of the same recipe that is there already is only given its names.

pub(crate) mod command;
mod context;
mod droplet;
mod entries;
mod error;
mod layer;
mod lifecycle;
mod make;
mod sha256;
pub(crate) mod taken_out;

pub(crate) use error::{ImageError, checked_names};
pub(crate) use lifecycle::Lifecycle;
pub(crate) use make::{ImageOrder, MadeImage, Names, make};

#[cfg(test)]
mod samples;
