//! One Docker Engine.
//!
//! - Staging: `preflight`, `mounts`, `stage` (with the `stream` of what the agent says), `image_build` and `extract`.
//! - Images: `ours`, `resolve_image`, `old_images`, `push`.
//! - Launching: `free_ports`, `start`.

pub(crate) mod extract;
pub(crate) mod free_ports;
pub(crate) mod image_build;
pub(crate) mod mounts;
pub(crate) mod old_images;
pub(crate) mod ours;
pub(crate) mod preflight;
pub(crate) mod push;
pub(crate) mod resolve_image;
pub(crate) mod stage;
pub(crate) mod start;
pub(crate) mod stream;
