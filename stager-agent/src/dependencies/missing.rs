//! Before anything else: is everything still to be had? Signed URLs die after an hour. What has expired by our clock and
//! is not in the cache is asked for, all at once; the list of what the servers really refuse is one failure, so that
//! nobody learns of one after the other.

use super::install::Dependency;
use super::installer::DependencyInstaller;
use crate::fetch::{self, Checksum, FetchError, Known};
use crate::session::scope::Scope;
use shared_model::action::{Action, DownloadAction};
use shared_model::safe_url::SafeUrl;
use std::panic;
use std::thread::{self, Builder};

/// Something that is neither in the cache nor given by its server any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    /// For people: `nodejs_buildpack`; may be empty.
    pub(crate) name: String,
    /// The cache key; empty for what has none.
    pub(crate) key: String,
    /// Where it would have come from.
    pub(crate) from: SafeUrl,
    /// When its signature expired: seconds since 1970.
    pub(crate) expired: i64,
}

/// Something that a staging cannot do without.
pub(crate) enum Needed<'a> {
    /// A dependency, its cache key, and whether it can be shown from the cache.
    Dependency(&'a Dependency<'a>, bool),
    Download(&'a DownloadAction),
}

impl Needed<'_> {
    fn from(&self) -> &SafeUrl {
        match self {
            Self::Dependency(dependency, _) => dependency.from,
            Self::Download(action) => &action.from,
        }
    }

    fn missing(&self, expired: i64) -> Missing {
        let (name, key) = match self {
            Self::Dependency(dependency, _) => {
                (dependency.name, dependency.identity.as_ref().map_or("", |identity| &identity.key))
            }
            Self::Download(action) => (action.artifact.as_deref().unwrap_or_default(), ""),
        };
        Missing { name: name.to_owned(), key: key.to_owned(), from: self.from().clone(), expired }
    }
}

/// The downloads of `action` whose failure would be one of the staging: not those in a `try`.
pub(crate) fn indispensable(action: &Action) -> Vec<&DownloadAction> {
    match action {
        Action::Download(download) => vec![download],
        Action::Try(_) => Vec::new(),
        other => other.children().iter().flat_map(indispensable).collect(),
    }
}

impl DependencyInstaller<'_> {
    /// What of `needed` has expired at `now` (seconds since 1970), is not in the cache, and is refused when asked for; in
    /// their order. Whatever else a server says is left for whoever fetches it.
    pub(crate) fn missing(&self, needed: &[Needed], now: i64, scope: &Scope) -> Vec<Missing> {
        let expired = |needed: &Needed| needed.from().expires().filter(|at| *at <= now);
        let is_refused = |needed: &Needed| {
            let asked = || fetch::probe(self.http, needed.from(), &Known::Nothing, scope);
            let refusal = |error| matches!(error, FetchError::Transfer { cause, .. } if cause.is_refusal());
            !self.has(needed, scope) && asked().is_err_and(refusal)
        };
        let is_refused = &is_refused;
        thread::scope(|threads| {
            let doubtful = needed.iter().filter_map(|needed| Some((needed, expired(needed)?)));
            // Where the system gives no thread nobody asks, and whoever fetches it will see.
            let probe = |needed| Builder::new().spawn_scoped(threads, move || is_refused(needed)).ok();
            let asked: Vec<_> = doubtful.map(|(needed, at)| (needed.missing(at), probe(needed))).collect();
            let refused = asked.into_iter().filter_map(|(missing, answer)| {
                answer?.join().unwrap_or_else(|bug| panic::resume_unwind(bug)).then_some(missing)
            });
            refused.collect()
        })
    }

    fn has(&self, needed: &Needed, scope: &Scope) -> bool {
        match needed {
            Needed::Dependency(dependency, linked) => *linked && self.would_do(dependency, scope),
            Needed::Download(action) => {
                let (algorithm, value) = (action.checksum_algorithm.as_deref(), action.checksum_value.as_deref());
                // One that cannot be meant is complained about by whoever fetches.
                let checksum = Checksum::parse(algorithm, value).ok().flatten();
                self.has_copy(&action.from, checksum.as_ref(), scope)
            }
        }
    }
}
