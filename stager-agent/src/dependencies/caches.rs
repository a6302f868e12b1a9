//! The caches that a staging has: the volume, which it reads and fills, and what the image holds, which it reads.

#![expect(clippy::disallowed_methods, reason = "asks the system what is mounted")]

use crate::cache::{Baked, Cache, CacheEntry, CacheError, Identity, Lookup, View};
use crate::causes::with_causes;
use crate::session::scope::Scope;
use shared_model::cache::{BAKED, MOUNTED};
use shared_model::event::Event;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// What the kernel lists mounts in, and which of its fields is the place.
const MOUNTS: (&str, usize) = ("/proc/self/mountinfo", 4);

/// The caches of a staging; by default none. What was found in them stays there until this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Caches {
    volume: Option<(PathBuf, Cache)>,
    baked: Option<(PathBuf, Baked)>,
    in_use: Mutex<(Vec<CacheEntry>, Vec<View>)>,
}

impl Caches {
    /// Opens the cache in `volume`, to keep up to `limit` bytes in it, and the one in `baked`. What cannot be opened is
    /// left out, and `scope` hears why; a staging can do without.
    pub(crate) fn open(volume: Option<&Path>, limit: u64, baked: &Path, scope: &Scope) -> Self {
        let volume = volume.and_then(|root| match Cache::open(root, limit) {
            Ok(cache) => Some((cache.root().to_owned(), cache)),
            Err(error @ CacheError::NotOurs { .. }) => {
                scope.emit(Event::Note { text: format!("The cache is not used: {error}") });
                None
            }
            Err(error) => {
                warn(&error, scope);
                None
            }
        });
        let baked = match Baked::open(baked) {
            Ok(found) => found.map(|cache| (baked.to_owned(), cache)),
            // Only root may read it; then there is a note of the volume already, or nobody thinks of a cache.
            Err(CacheError::NotOurs { .. }) => None,
            Err(error) => {
                warn(&error, scope);
                None
            }
        };
        Self { volume, baked, in_use: Mutex::default() }
    }

    /// The one cache that is to be filled.
    pub(crate) fn with_volume(root: &Path, cache: Cache) -> Self {
        Self { volume: Some((root.to_owned(), cache)), ..Self::default() }
    }

    /// The cache that can be filled.
    pub(crate) fn cache(&self) -> Option<&Cache> {
        self.volume.as_ref().map(|(_, cache)| cache)
    }

    /// True where there is nothing to look into.
    pub(super) fn is_none(&self) -> bool {
        self.volume.is_none() && self.baked.is_none()
    }

    /// The directories of the caches, and where caches may be that are not used now: nothing is unpacked there.
    pub(super) fn roots(&self) -> Vec<&Path> {
        let volume = self.volume.as_ref().map(|(root, _)| root.as_path());
        let baked = self.baked.as_ref().map(|(root, _)| root.as_path());
        volume.into_iter().chain(baked).chain([Path::new(MOUNTED), Path::new(BAKED)]).collect()
    }

    /// What the volume has of `identity`, else what the image has. A damaged entry is said and is none.
    pub(super) fn find(&self, identity: &Identity, scope: &Scope) -> Option<CacheEntry> {
        let volume = self.volume.as_ref().map(|(_, cache)| cache.find(identity));
        let baked = || self.baked.as_ref().map(|(_, cache)| cache.find(identity));
        volume.and_then(|found| whole(found, identity, scope)).or_else(|| whole(baked()?, identity, scope))
    }

    /// Holds `entry`: somebody has been shown where it is.
    pub(super) fn hold(&self, entry: CacheEntry) {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner).0.push(entry);
    }

    /// Holds `view`, as [`Self::hold`] does an entry.
    pub(super) fn hold_view(&self, view: View) {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner).1.push(view);
    }

    /// Makes the view of `wanted`, names and what is there, where the volume has all of it.
    pub(crate) fn prepare_view(&self, wanted: &[(String, Identity)], scope: &Scope) {
        let found = |(name, identity): &(String, Identity)| Some((name.clone(), self.find(identity, scope)?));
        if let Some(found) = wanted.iter().map(found).collect::<Option<Vec<_>>>() {
            self.view(&found.iter().map(|(name, entry)| (name.as_str(), entry)).collect::<Vec<_>>(), scope);
        }
    }

    /// A view of `shown`, names and entries. `None` where there is none: some are the volume's and some the image's, or the
    /// image was baked without it, or the volume makes trouble, which `scope` hears.
    pub(super) fn view(&self, shown: &[(&str, &CacheEntry)], scope: &Scope) -> Option<View> {
        let baked = shown.iter().filter(|(_, entry)| entry.is_baked()).count();
        let viewed = match (&self.volume, &self.baked) {
            (Some((_, cache)), _) if baked == 0 => cache.view(shown).map(Some),
            (_, Some((_, cache))) if baked == shown.len() => cache.view(shown),
            _ => Ok(None),
        };
        viewed.unwrap_or_else(|error| {
            let text = format!("buildpacks are copied from the cache, not linked: {}", with_causes(&error));
            scope.emit(Event::Warning { text });
            None
        })
    }
}

/// Whether something is mounted at [`MOUNTED`], so that whatever is kept there survives the container.
pub(crate) fn volume_is_mounted() -> bool {
    let (file, field) = MOUNTS;
    let mounts = fs::read_to_string(file).unwrap_or_default();
    mounts.lines().any(|mount| mount.split(' ').nth(field) == Some(MOUNTED))
}

fn whole(found: Result<Lookup, CacheError>, identity: &Identity, scope: &Scope) -> Option<CacheEntry> {
    match found {
        Ok(Lookup::Found(entry)) => Some(*entry),
        Ok(Lookup::Nothing) => None,
        Ok(Lookup::Damaged(why)) => {
            let text = format!("what the cache has of {} is damaged and is not used: {why}", identity.origin);
            scope.emit(Event::Warning { text });
            None
        }
        Err(error) => {
            warn(&error, scope);
            None
        }
    }
}

/// Says that the cache is in trouble; the staging goes on.
pub(super) fn warn(error: &CacheError, scope: &Scope) {
    match error {
        CacheError::TooLarge { .. } => scope.emit(Event::Warning { text: error.to_string() }),
        error => go_on_without(error, scope),
    }
}

/// Says that something is not kept, and why.
pub(super) fn go_on_without(error: &(dyn Error + 'static), scope: &Scope) {
    scope.emit(Event::Warning { text: format!("continuing without the cache: {}", with_causes(error)) });
}
