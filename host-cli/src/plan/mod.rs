//! Decides; touches nothing. Requests and options in, specifications out.

mod app_container;
pub(crate) mod apps;
pub(crate) mod architecture;
pub(crate) mod cache;
pub(crate) mod error;
pub(crate) mod fetching;
pub(crate) mod filled_folder;
#[cfg(test)]
pub(crate) mod golden;
pub(crate) mod guard;
pub(crate) mod health;
pub(crate) mod image_source;
mod instance;
pub(crate) mod launch;
pub(crate) mod launch_rootfs;
pub(crate) mod lifecycle;
mod limits;
pub(crate) mod name_resolution;
pub(crate) mod not_done;
pub(crate) mod orchestration;
pub(crate) mod orphans;
pub(crate) mod ports;
pub(crate) mod process;
pub(crate) mod rebase;
pub(crate) mod restage;
mod sidecars;
pub(crate) mod staged_files;
pub(crate) mod staging_container;
pub(crate) mod supervisor;
pub(crate) mod upload;
pub(crate) mod volumes;
