//! The lifecycle of docker apps: its builder asks a registry how the image is started, its launcher starts it so. There is
//! no droplet: the image is the app.

mod builder;
mod launcher;
mod metadata;

pub use builder::{Settings, stage};
pub use launcher::{Launch, Process};
