//! What installs dependencies and packages: its parts, and what the ways to install share.

use super::caches::{self, Caches};
use super::link;
use crate::cache::{CacheEntry, Claim, Facts, Identity};
use crate::fetch::{Archive, Checksum, FetchError, Fetched, Http};
use crate::session::scope::Scope;
use crate::unpack::{Limits, UnpackError};
use jiff::Timestamp;
use shared_model::event::Event;
use shared_model::safe_url::SafeUrl;
use std::io;
use std::path::Path;
use std::time::Duration;

/// How long is waited in silence for another staging that fetches the same.
const SILENCE: Duration = Duration::from_secs(1);

/// Sees to it that what a staging needs is there.
#[derive(Clone, Copy)]
pub(crate) struct DependencyInstaller<'a> {
    pub(crate) http: &'a Http,
    pub(crate) limits: &'a Limits,
    pub(crate) caches: &'a Caches,
    /// Whom it is for: the app's guid; may be empty.
    pub(crate) app: &'a str,
}

impl DependencyInstaller<'_> {
    /// The right to fetch `identity` into the cache; `None` where there is none that can be filled. Waits for whoever
    /// has it, and says so when that takes long; not longer than a transfer may take, for that one may be paused.
    pub(super) fn claim(&self, identity: &Identity, to: &Path, scope: &Scope) -> Option<Claim<'_>> {
        let cache = self.caches.cache()?;
        let soon = cache.claim(identity, &scope.limited(SILENCE));
        let claimed = match soon {
            Err(crate::cache::CacheError::Stopped(_)) if scope.stopped().is_none() => {
                let text = format!("Waiting for another staging that fetches {}", to.display());
                scope.emit(Event::Note { text });
                cache.claim(identity, &scope.limited(self.http.timeouts().total))
            }
            claimed => claimed,
        };
        claimed.map_err(|error| caches::warn(&error, scope)).ok()
    }

    /// Refuses to unpack where a link leads into a cache: that would change what others rely on.
    pub(super) fn spare_the_cache(&self, archive: &Archive) -> Result<(), FetchError> {
        if link::leads_into(archive.to, &self.caches.roots()) {
            return Err(unwritable(archive, io::Error::other("it leads into the cache")));
        }
        Ok(())
    }

    /// What is to be remembered of a fetch; `name` is what the request calls it.
    pub(super) fn facts(&self, name: &str, fetched: &Fetched, checksum: Option<&Checksum>) -> Facts {
        let checksums = checksum.map(|checksum| (checksum.algorithm().to_owned(), checksum.value().to_owned()));
        Facts {
            name: Some(name).filter(|name| !name.is_empty()).map(str::to_owned),
            app: Some(self.app).filter(|app| !app.is_empty()).map(str::to_owned),
            packed_bytes: fetched.bytes,
            entries: fetched.entries,
            sha256: fetched.sha256.clone(),
            checksums: checksums.into_iter().collect(),
            etag: fetched.validators.etag.clone(),
            last_modified: fetched.validators.last_modified.clone(),
            // Whoever wrote the request has said what it is, if not who sends it.
            verified: fetched.verified || checksum.is_some(),
            address: fetched.peer.map(|peer| peer.to_string()),
        }
    }
}

pub(super) fn unwritable(archive: &Archive, cause: io::Error) -> FetchError {
    let (from, to) = (archive.from.clone(), archive.to.to_owned());
    FetchError::Unpack { from, cause: UnpackError::Disk { path: to.clone(), cause }, to }
}

/// Says that `to` comes from the cache.
pub(super) fn cached(name: &str, to: &Path, from: &SafeUrl, entry: &CacheEntry) -> Event {
    from_cache(name, to, from, entry, None)
}

/// Says that the server refuses `from` because of `reason`, that the copy is used, and whether nobody vouched for it.
pub(super) fn cached_copy(name: &str, to: &Path, from: &SafeUrl, entry: &CacheEntry, mut reason: String) -> Event {
    if !entry.record().facts.verified {
        reason.push_str("; the cached copy is unverified");
    }
    from_cache(name, to, from, entry, Some(reason))
}

fn from_cache(name: &str, to: &Path, from: &SafeUrl, entry: &CacheEntry, reason: Option<String>) -> Event {
    Event::Cached {
        name: name.to_owned(),
        to: shown(to),
        from: from.to_string(),
        bytes: entry.record().facts.packed_bytes,
        fetched: fetched(entry),
        reason,
    }
}

pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// When the entry was fetched: `2016-06-15T18:57:23Z`.
fn fetched(entry: &CacheEntry) -> String {
    let seconds = i64::try_from(entry.record().fetched).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX).to_string()
}
