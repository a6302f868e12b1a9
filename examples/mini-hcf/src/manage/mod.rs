//! The manager on the host: makes and removes the containers, fills the blobstore, writes the logs.

pub(crate) mod archive;
pub(crate) mod bbs;
pub(crate) mod certificates;
pub(crate) mod choose;
pub(crate) mod describe;
pub(crate) mod docker;
pub(crate) mod down;
pub(crate) mod image;
pub(crate) mod install;
pub(crate) mod log;
pub(crate) mod network;
pub(crate) mod nginx_base;
pub(crate) mod now;
pub(crate) mod placeholder;
pub(crate) mod programs;
pub(crate) mod push;
pub(crate) mod replay;
pub(crate) mod up;
