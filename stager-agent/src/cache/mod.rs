//! Keeps what was fetched, unpacked, for the next staging: on a disk that many stagings share at once. No HTTP here.
//! Start with [`Cache`].
//!
//! Two rules hold it together. *A record changes only under the lock of its identity*, which whoever fetches holds
//! alone. *What has a random name changes only under the lock of that name*, which whoever uses it holds with others,
//! and whoever fills it too. There is no lock over all, so nobody waits for a staging that was paused in the middle.
//! An entry is there as soon as its record is: one rename. What no record leads to and nobody holds is garbage,
//! whoever left it, and the next one to open the cache removes it.

mod baked;
mod claim;
mod clear;
mod disk;
mod entry;
mod error;
mod evict;
mod gc;
mod identity;
mod index;
mod layout;
mod list;
mod lock;
mod manifest;
mod record;
mod remove;
mod store;
mod verify;
mod view;

#[cfg(test)]
mod tests;

pub(crate) use baked::Baked;
pub(crate) use claim::Claim;
pub(crate) use entry::{CacheEntry, Lookup};
pub(crate) use error::CacheError;
pub(crate) use evict::Removal;
pub(crate) use identity::{EntryKind, Identity};
pub(crate) use list::Listed;
pub(crate) use record::{Facts, Record};
pub(crate) use store::Cache;
pub(crate) use verify::Checked;
pub(crate) use view::View;
