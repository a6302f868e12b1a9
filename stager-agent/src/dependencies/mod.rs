//! What a staging needs, from the cache or from the network. Start with [`DependencyInstaller`].
//!
//! A dependency is shown where the request wants it, in a view of the cache or as a copy; a hit whose checksum the request knows
//! costs no question at all. A package is always fetched, and its copy is there for the day when its URL has expired.
//! The cache is a help and never a condition: whatever is wrong with it is said, and the network serves.

mod caches;
mod choose;
mod install;
mod installer;
mod link;
mod missing;
mod package;
mod show;

#[cfg(test)]
mod tests;

pub(crate) use caches::{Caches, volume_is_mounted};
pub(crate) use install::Dependency;
pub(crate) use installer::DependencyInstaller;
pub(crate) use link::{alone, meets, together};
pub(crate) use missing::{Missing, Needed, indispensable};
pub(crate) use show::{Obtained, views};
