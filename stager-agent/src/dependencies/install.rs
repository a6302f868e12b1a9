//! A cached dependency: in the cache, or fetched into it; then shown where the request wants it.

use super::caches;
use super::choose::{Choice, choose};
use super::installer::{DependencyInstaller, cached, cached_copy, shown, unwritable};
use super::link;
use crate::cache::{CacheEntry, Claim, EntryKind, Identity};
use crate::causes::with_causes;
use crate::fetch::{self, Archive, Checksum, ChecksumError, FetchError, Known, Probed};
use crate::session::scope::Scope;
use crate::unpack::UnpackError;
use shared_model::dependency::CachedDependency;
use shared_model::event::Event;
use shared_model::safe_url::SafeUrl;
use std::path::Path;

/// A dependency as the request has it, read.
#[derive(Clone, Debug)]
pub(crate) struct Dependency<'a> {
    /// For people; may be empty.
    pub(crate) name: &'a str,
    pub(crate) from: &'a SafeUrl,
    /// Where it appears.
    pub(crate) to: &'a Path,
    /// What it must hash to.
    pub(crate) checksum: Option<Checksum>,
    /// In whose name to speak; `None`: the task's.
    pub(crate) log_source: Option<&'a str>,
    /// In the cache; `None` for one without a key, which is never kept.
    pub(crate) identity: Option<Identity>,
}

/// An entry that would do.
struct Usable {
    entry: CacheEntry,
    /// What to ask the server about before; `None`: nobody need be asked.
    known: Option<Known>,
}

impl<'a> Dependency<'a> {
    /// Reads `dependency`.
    ///
    /// # Errors
    /// The request wants a checksum that cannot be.
    pub(crate) fn parse(dependency: &'a CachedDependency) -> Result<Self, ChecksumError> {
        let CachedDependency { name, from, to, cache_key, log_source, checksum_algorithm, checksum_value } = dependency;
        Ok(Self {
            name,
            from,
            // Without a slash at its end, with which a link would be what it leads to.
            to: Path::new(to).components().as_path(),
            checksum: Checksum::parse(checksum_algorithm.as_deref(), checksum_value.as_deref())?,
            log_source: Some(log_source.as_str()).filter(|source| !source.is_empty()),
            identity: Identity::new(EntryKind::Tree, cache_key, from),
        })
    }
}

impl DependencyInstaller<'_> {
    /// Gives what the cache has of `dependency`, which is then to be shown ([`Self::show`]); `None`: it was unpacked where it
    /// should be. `alone`: nothing else of the request is to be unpacked at, above or below that place.
    pub(crate) fn install(
        &self,
        dependency: &Dependency,
        alone: bool,
        scope: &Scope,
    ) -> Result<Option<CacheEntry>, FetchError> {
        if let Some(why) = self.obstacle(dependency, alone, scope) {
            if !why.is_empty() {
                let text = format!("{} is not taken from the cache: {why}", shown(dependency.to));
                scope.emit(Event::Note { text });
            }
            return self.in_place(dependency, scope).map(|()| None);
        }
        let entry = self.obtain(dependency, scope)?;
        if entry.is_none() {
            self.in_place(dependency, scope)?;
        }
        Ok(entry)
    }

    /// Sees to it that `dependency` is in the cache, and shows it nowhere. False where it cannot be kept.
    pub(crate) fn cache_only(&self, dependency: &Dependency, scope: &Scope) -> Result<bool, FetchError> {
        Ok(self.obtain(dependency, scope)?.is_some_and(|entry| entry.is_kept()))
    }

    /// What the cache has that would do for `dependency`, at the latest when its server refuses it.
    pub(super) fn would_do(&self, dependency: &Dependency, scope: &Scope) -> bool {
        self.usable(dependency, scope).is_some()
    }

    /// Why `dependency` cannot come from the cache; empty where nobody would have expected it to.
    fn obstacle(&self, dependency: &Dependency, alone: bool, scope: &Scope) -> Option<&'static str> {
        if self.caches.is_none() || dependency.identity.is_none() {
            return Some("");
        }
        if !alone {
            return Some("something else is unpacked at the same place, above or below it");
        }
        let is_copy = || self.usable(dependency, scope).is_some_and(|usable| usable.entry.is_copied_at(dependency.to));
        let gives_way = link::is_free(dependency.to, &self.caches.roots()) || is_copy();
        (!gives_way).then_some("there is something already")
    }

    fn in_place(&self, dependency: &Dependency, scope: &Scope) -> Result<(), FetchError> {
        let archive = self.archive(dependency);
        link::unlink(dependency.to, &self.caches.roots()).map_err(|cause| unwritable(&archive, cause))?;
        self.spare_the_cache(&archive)?;
        fetch::fetch(self.http, &archive, scope).map(drop)
    }

    pub(super) fn archive<'a>(&'a self, dependency: &'a Dependency) -> Archive<'a> {
        Archive {
            name: dependency.name,
            from: dependency.from,
            to: dependency.to,
            into: None,
            checksum: dependency.checksum.clone(),
            // Nobody's but ours: a buildpack cannot write to itself, as in Diego, where they are mounted read-only.
            owner: None,
            known: None,
            copy: None,
            limits: self.limits,
            // In Diego it is a mount, which the container's quota does not count.
            disk: None,
        }
    }

    fn usable(&self, dependency: &Dependency, scope: &Scope) -> Option<Usable> {
        let entry = self.caches.find(dependency.identity.as_ref()?, scope)?;
        let record = entry.record();
        match choose(&record.facts, &record.origin, dependency.checksum.as_ref(), self.http.verify()) {
            Choice::Use => Some(Usable { entry, known: None }),
            Choice::Ask(known) => Some(Usable { entry, known: Some(known) }),
            Choice::Fetch => None,
        }
    }

    /// The entry of `dependency`: the one that is there, or a new one. `None`: the cache cannot help, for there is none,
    /// or it is full, or broken.
    fn obtain(&self, dependency: &Dependency, scope: &Scope) -> Result<Option<CacheEntry>, FetchError> {
        let Some(identity) = &dependency.identity else { return Ok(None) };
        let mut former = None;
        if let Some(usable) = self.usable(dependency, scope) {
            former = Some(usable.entry.path().to_owned());
            match &usable.known {
                None => return Ok(Some(used(usable, dependency, scope))),
                // A server that gives no validators gives the whole body again: that is not asked for twice.
                Some(known) if known.validators().is_none() => {}
                Some(known) => match fetch::probe(self.http, dependency.from, known, scope) {
                    Ok(Probed::Unchanged) => return Ok(Some(used(usable, dependency, scope))),
                    Ok(Probed::There) => {}
                    Err(error) => return fall_back_to_cached(Some(usable), error, dependency, scope),
                },
            }
        }
        let Some(claim) = self.claim(identity, dependency.to, scope) else {
            let from = || dependency.from.clone();
            return scope.stopped().map_or(Ok(None), |why| Err(FetchError::Stopped { from: from(), why }));
        };
        match self.usable(dependency, scope) {
            // Whoever had the right before us has brought it.
            Some(usable) if former.is_none_or(|former| former != usable.entry.path()) => {
                Ok(Some(used(usable, dependency, scope)))
            }
            usable => self.fill(claim, usable, dependency, scope),
        }
    }

    /// Fetches into the cache. `usable` is what it has already.
    fn fill(
        &self,
        claim: Claim,
        usable: Option<Usable>,
        dependency: &Dependency,
        scope: &Scope,
    ) -> Result<Option<CacheEntry>, FetchError> {
        let known = usable.as_ref().and_then(|usable| usable.known.as_ref()).map(Known::condition);
        let archive = Archive { into: Some(claim.path()), known: known.as_ref(), ..self.archive(dependency) };
        let fetched = match fetch::fetch(self.http, &archive, scope) {
            Ok(Some(fetched)) => fetched,
            Ok(None) => return Ok(usable.map(|usable| used(usable, dependency, scope))),
            Err(FetchError::Unpack { cause: cause @ UnpackError::Disk { .. }, .. }) => {
                caches::go_on_without(&cause, scope);
                return Ok(None);
            }
            Err(error) => return fall_back_to_cached(usable, error, dependency, scope),
        };
        match claim.publish(self.facts(dependency.name, &fetched, dependency.checksum.as_ref()), fetched.contents) {
            Ok(published) => {
                if let Some(warning) = published.warning {
                    caches::warn(&warning, scope);
                }
                Ok(Some(published.entry))
            }
            Err(error) => {
                caches::warn(&error, scope);
                Ok(None)
            }
        }
    }
}

fn used(usable: Usable, dependency: &Dependency, scope: &Scope) -> CacheEntry {
    scope.emit(cached(dependency.name, dependency.to, dependency.from, &usable.entry));
    usable.entry
}

/// The server does not say whether it has another one. What the cache has will do, where the reason is that a signature
/// has expired, or a mood of the network; that somebody else answers, or has nothing, is a failure.
fn fall_back_to_cached(
    usable: Option<Usable>,
    error: FetchError,
    dependency: &Dependency,
    scope: &Scope,
) -> Result<Option<CacheEntry>, FetchError> {
    let (Some(usable), FetchError::Transfer { cause, .. }) = (usable, &error) else { return Err(error) };
    let Dependency { name, from, to, .. } = dependency;
    match cause {
        cause if cause.is_refusal() => {
            scope.emit(cached_copy(name, to, from, &usable.entry, cause.to_string()));
            Ok(Some(usable.entry))
        }
        cause if cause.is_transient() => {
            let whose =
                if usable.entry.record().facts.verified { "the cache's" } else { "the cache's unverified copy" };
            let text = format!("{whose} is used for {from}, although it may have changed: {}", with_causes(cause));
            scope.emit(Event::Warning { text });
            Ok(Some(used(usable, dependency, scope)))
        }
        _ => Err(error),
    }
}
