//! An entry that is used, and one that is being filled.

use super::error::{CacheError, is_damage};
use super::identity::EntryKind;
use super::layout::{Layout, Name};
use super::lock::{Hold, Lock};
use super::record::Record;
use super::remove::remove_entry;
use crate::tree_digest::Structure;
use std::path::{Path, PathBuf};

/// A whole entry. While this lives, nobody removes it.
#[derive(Debug)]
pub(crate) struct CacheEntry {
    path: PathBuf,
    record: Record,
    guard: EntryGuard,
}

/// What keeps an entry from being removed.
#[derive(Debug)]
pub(super) enum EntryGuard {
    /// It is published; its lock is held with others.
    InUse(#[expect(dead_code, reason = "held, and dropped")] Option<Lock>),
    /// It is not kept: it goes when the last one who uses it does.
    Unkept(#[expect(dead_code, reason = "held, and dropped")] PendingEntry),
    /// It lies in an image, where nobody removes anything.
    Baked,
}

impl CacheEntry {
    pub(super) fn new(path: PathBuf, record: Record, guard: EntryGuard) -> Self {
        Self { path, record, guard }
    }

    /// The unpacked tree, or the archive of a package; absolute.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    /// Whether the next staging will find it.
    pub(crate) fn is_kept(&self) -> bool {
        !matches!(self.guard, EntryGuard::Unkept(_))
    }

    /// Whether a look at `place` tells that it is what this is.
    pub(crate) fn is_copied_at(&self, place: &Path) -> bool {
        damage(place, &self.record).is_ok_and(|damage| damage.is_none())
    }

    /// Whether it lies in an image.
    pub(crate) fn is_baked(&self) -> bool {
        matches!(self.guard, EntryGuard::Baked)
    }
}

/// A place under a new random name that no record leads to yet; removed when dropped.
#[derive(Debug)]
pub(super) struct PendingEntry {
    layout: Layout,
    name: Name,
    lock: Option<Lock>,
}

impl PendingEntry {
    /// Takes a new name. Nothing is made yet.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn new(layout: &Layout) -> Result<Self, CacheError> {
        loop {
            let name = Name::random().map_err(CacheError::io("name something in", layout.root()))?;
            let lock = layout.lock(name.as_str(), Hold::Shared)?;
            // Whoever collects garbage may have seen the new lock first.
            if lock.is_some() {
                return Ok(Self { layout: layout.clone(), name, lock });
            }
        }
    }

    pub(super) fn name(&self) -> &Name {
        &self.name
    }

    /// Its place: a directory, or the file of a package.
    pub(super) fn path(&self, kind: EntryKind) -> PathBuf {
        self.layout.place(kind, &self.name)
    }

    /// Lets it stay; the lock goes on being held.
    pub(super) fn publish(mut self) -> EntryGuard {
        EntryGuard::InUse(self.lock.take())
    }
}

impl Drop for PendingEntry {
    fn drop(&mut self) {
        if self.lock.take().is_none() {
            return; // published
        }
        // What cannot be removed now is garbage for the next one.
        if let Ok(Some(alone)) = self.layout.lock_alone(self.name.as_str()) {
            let _ = remove_entry(&self.layout, &self.name, &alone);
        }
    }
}

/// What a cache has of an identity.
#[derive(Debug)]
pub(crate) enum Lookup {
    Nothing,
    /// Something that cannot be used, and why. It was removed; where it is being fetched again, by whoever does that.
    Damaged(String),
    /// A whole entry.
    Found(Box<CacheEntry>),
}

/// What is wrong with an entry; `None`: nothing that a look can tell.
pub(super) fn damage(path: &Path, record: &Record) -> Result<Option<String>, CacheError> {
    match Structure::read(path) {
        Ok(structure) if record.has(&structure) => Ok(None),
        Ok(_) => Ok(Some("something in it is missing, was added or has changed".to_owned())),
        Err(error) if is_damage(&error) => Ok(Some(format!("it cannot be looked at: {error}"))),
        Err(error) => Err(CacheError::io("look at", path)(error)),
    }
}
