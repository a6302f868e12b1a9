//! The right to fetch an identity, which one process at a time has. It is given back when dropped or killed, and then
//! nothing is left of what was fetched so far.
#![expect(clippy::disallowed_methods, reason = "makes the place that is filled")]

use super::entry::{CacheEntry, EntryGuard, PendingEntry};
use super::error::CacheError;
use super::identity::{EntryKind, Identity};
use super::lock::Lock;
use super::record::{Facts, Record};
use super::store::Cache;
use crate::session::scope::Scope;
use crate::tree_digest::{Digest, Structure};
use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

/// Between two looks at whether another is done: short against a download.
const NAP: Duration = Duration::from_millis(20);
/// Of a tree: everybody who knows its name may read it.
const TREE: u32 = 0o755;
/// Of a package, which is somebody's source code.
const PACKAGE: u32 = 0o600;

/// The right to fetch one identity. Dropped unpublished, it removes what was filled in.
#[derive(Debug)]
pub(crate) struct Claim<'c> {
    cache: &'c Cache,
    identity: Identity,
    path: PathBuf,
    pending: PendingEntry,
    _turn: Lock,
}

impl Cache {
    /// The right to fetch `identity`: waits until nobody else does, or `scope` is stopped. Look again with
    /// [`Cache::find`] when you have it: whoever had it before may have brought what you want.
    ///
    /// # Errors
    /// [`CacheError::Stopped`], [`CacheError::Io`].
    pub(crate) fn claim(&self, identity: &Identity, scope: &Scope) -> Result<Claim<'_>, CacheError> {
        let turn = loop {
            if let Some(turn) = self.layout.lock_alone(&identity.id())? {
                break turn;
            }
            scope.go_on().map_err(CacheError::Stopped)?;
            thread::sleep(NAP);
        };
        let pending = PendingEntry::new(&self.layout)?;
        let path = pending.path(identity.kind);
        match identity.kind {
            // Whatever the umask is: builders must get in.
            EntryKind::Tree => {
                fs::create_dir(&path).and_then(|()| fs::set_permissions(&path, Permissions::from_mode(TREE)))
            }
            EntryKind::Package => OpenOptions::new().write(true).create_new(true).mode(PACKAGE).open(&path).map(drop),
        }
        .map_err(CacheError::io("make", &path))?;
        Ok(Claim { cache: self, identity: identity.clone(), path, pending, _turn: turn })
    }
}

impl Claim<'_> {
    /// What to fill: an empty directory for a tree, an empty file for a package. Absolute.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file of a package, to write it, and to unpack what was written.
    ///
    /// # Errors
    /// [`CacheError::Io`]; also for a tree, which is no file.
    pub(crate) fn file(&self) -> Result<File, CacheError> {
        OpenOptions::new().read(true).write(true).open(&self.path).map_err(CacheError::io("write", &self.path))
    }

    /// Makes an entry of what was filled in, in the place of what the identity had; then removes what the limit does not
    /// allow. `contents` is what the unpacker gathered; `None`: the tree is read for it.
    ///
    /// # Errors
    /// [`CacheError::Io`]: what was filled in cannot be read, and is gone.
    pub(crate) fn publish(self, facts: Facts, contents: Option<Digest>) -> Result<Published, CacheError> {
        let record = self.record(facts, contents)?;
        let Self { cache, identity, path, pending, _turn: turn } = self;
        match cache.put(&identity.id(), &record) {
            Err(why) => {
                Ok(Published { entry: CacheEntry::new(path, record, EntryGuard::Unkept(pending)), warning: Some(why) })
            }
            Ok(before) => {
                let guard = pending.publish();
                let replaced = before.map_or(Ok(()), |before| cache.remove_unused(&before));
                drop(turn);
                let warning = replaced.and(cache.evict()).err();
                Ok(Published { entry: CacheEntry::new(path, record, guard), warning })
            }
        }
    }

    fn record(&self, facts: Facts, contents: Option<Digest>) -> Result<Record, CacheError> {
        let structure = Structure::read(&self.path).map_err(CacheError::io("look at", &self.path))?;
        let contents = match (self.identity.kind, contents) {
            (EntryKind::Package, _) => String::new(), // its sha256 serves
            (EntryKind::Tree, Some(contents)) => contents.to_string(),
            (EntryKind::Tree, None) => {
                let read = Digest::of_files(&self.path, &|| Ok(()));
                read.map_err(CacheError::io("read", &self.path))?.to_string()
            }
        };
        let now = self.cache.clock.now().duration_since(SystemTime::UNIX_EPOCH);
        Ok(Record {
            kind: self.identity.kind,
            key: self.identity.key.clone(),
            origin: self.identity.origin.clone(),
            fetched: now.map_or(0, |since| since.as_secs()),
            bytes: structure.bytes,
            facts,
            name: self.pending.name().clone(),
            structure: structure.digest.to_string(),
            contents,
        })
    }
}

/// What came of publishing.
#[derive(Debug)]
pub(crate) struct Published {
    /// Whole, and there as long as this lives.
    pub(crate) entry: CacheEntry,
    /// Why the next staging will not find it, or why something else that should have gone is still there.
    pub(crate) warning: Option<CacheError>,
}
