//! An app's package, and its build-artifacts cache: always fetched, for under the same URL there is another one after
//! the next push. A copy is kept as it came, for the day when the URL's signature has expired.

#![expect(clippy::disallowed_methods, reason = "opens the copy")]

use super::caches;
use super::choose::{is_trusted, known};
use super::installer::{DependencyInstaller, cached_copy};
use crate::cache::{CacheEntry, Claim, EntryKind, Identity};
use crate::fetch::{self, Archive, CachedCopy, Checksum, FetchError};
use crate::session::scope::Scope;
use shared_model::event::Event;
use shared_model::safe_url::SafeUrl;
use std::fs::File;
use std::time::Duration;

/// How long is waited for another staging that copies the same: one copy is enough.
const GLANCE: Duration = Duration::from_millis(1);

impl DependencyInstaller<'_> {
    /// Fetches `archive`, keeps a copy where it can, and uses that copy where the server refuses.
    pub(crate) fn install_package(&self, archive: &Archive, scope: &Scope) -> Result<(), FetchError> {
        self.spare_the_cache(archive)?;
        let Some(identity) = Identity::new(EntryKind::Package, self.app, archive.from) else {
            return fetch::fetch(self.http, archive, scope).map(drop);
        };
        match self.fetch_and_copy(&identity, archive, scope) {
            Err(error) if is_refusal(&error) => self.unpack_copy(&identity, archive, error, scope),
            fetched => fetched,
        }
    }

    /// Whether there is a copy that would do when the server refuses. Its bytes are not looked at.
    pub(super) fn has_copy(&self, from: &SafeUrl, checksum: Option<&Checksum>, scope: &Scope) -> bool {
        let identity = Identity::new(EntryKind::Package, self.app, from);
        identity.is_some_and(|identity| self.copy(&identity, checksum, scope).is_some())
    }

    /// The copy, unless it is known to be another than `checksum` says, or was sent by who knows whom.
    fn copy(&self, identity: &Identity, checksum: Option<&Checksum>, scope: &Scope) -> Option<CacheEntry> {
        let entry = self.caches.find(identity, scope)?;
        let facts = &entry.record().facts;
        let will_do = match checksum {
            // One of another algorithm shows when the copy is read.
            Some(wanted) => known(facts, wanted).is_none_or(|known| known == wanted.value()),
            None => is_trusted(facts, &entry.record().origin, self.http.verify()),
        };
        will_do.then_some(entry)
    }

    fn fetch_and_copy(&self, identity: &Identity, archive: &Archive, scope: &Scope) -> Result<(), FetchError> {
        let claim = self.caches.cache().and_then(|cache| cache.claim(identity, &scope.limited(GLANCE)).ok());
        let Some((claim, copy)) = claim.and_then(|claim| opened(claim, scope)) else {
            return fetch::fetch(self.http, archive, scope).map(drop);
        };
        match fetch::fetch(self.http, &Archive { copy: Some(&copy), ..archive.clone() }, scope) {
            Ok(Some(fetched)) => {
                let published = claim.publish(self.facts(archive.name, &fetched, archive.checksum.as_ref()), None);
                if let Some(error) = published.map_or_else(Some, |published| published.warning) {
                    caches::warn(&error, scope);
                }
                Ok(())
            }
            Ok(None) => Ok(()), // nobody asked
            Err(FetchError::Copy { cause, .. }) => {
                caches::go_on_without(&cause, scope);
                drop(claim);
                fetch::fetch(self.http, archive, scope).map(drop)
            }
            Err(error) => Err(error),
        }
    }

    /// Unpacks the copy, where there is a good one; else `refusal` is what is wrong.
    fn unpack_copy(
        &self,
        identity: &Identity,
        archive: &Archive,
        refusal: FetchError,
        scope: &Scope,
    ) -> Result<(), FetchError> {
        let Some(entry) = self.copy(identity, archive.checksum.as_ref(), scope) else { return Err(refusal) };
        let Ok(file) = File::open(entry.path()) else { return Err(refusal) };
        match fetch::unpack_cached_copy(archive, &file, &entry.record().facts.sha256, scope)? {
            CachedCopy::Unpacked => {
                let reason = match &refusal {
                    FetchError::Transfer { cause, .. } => cause.to_string(),
                    other => other.to_string(),
                };
                scope.emit(cached_copy(archive.name, archive.to, archive.from, &entry, reason));
                Ok(())
            }
            CachedCopy::Damaged => {
                let text = format!("the copy of {} in the cache is damaged and was removed", archive.from);
                scope.emit(Event::Warning { text });
                if let Some(Err(error)) = self.caches.cache().map(|cache| cache.discard(entry)) {
                    caches::warn(&error, scope);
                }
                Err(refusal)
            }
            CachedCopy::Another => Err(refusal),
        }
    }
}

fn opened<'c>(claim: Claim<'c>, scope: &Scope) -> Option<(Claim<'c>, File)> {
    match claim.file() {
        Ok(file) => Some((claim, file)),
        Err(error) => {
            caches::warn(&error, scope);
            None
        }
    }
}

fn is_refusal(error: &FetchError) -> bool {
    matches!(error, FetchError::Transfer { cause, .. } if cause.is_refusal())
}
