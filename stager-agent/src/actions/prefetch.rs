//! What is fetched before the action begins, all at once: the dependencies, which it takes for granted, and the downloads
//! that it begins with.

use super::StagingRunner;
use super::early::{EarlyDownload, early};
use super::error::ActionError;
use super::parallel::parallel;
use crate::build::user::User;
use crate::clock;
use crate::dependencies::{self, Dependency, Needed, Obtained, indispensable};
use crate::session::scope::{Scope, Stop, Stopped};
use shared_model::action::{Action, DownloadAction};
use shared_model::event::Step;
use std::path::PathBuf;
use std::ptr;
use std::sync::PoisonError;

/// One of the things that are fetched at once.
enum PrefetchJob<'d, 'a> {
    /// A dependency, and whether it may come from the cache.
    Dependency(&'d Dependency<'a>, bool),
    /// A download that the action begins with.
    Download(EarlyDownload<'a>),
}

/// Which places of a request overlap with no other one: nothing else is unpacked there, above or below.
struct Alone<'a> {
    dependencies: Vec<bool>,
    /// Which dependencies share their parent with no other thing than dependencies.
    together: Vec<bool>,
    downloads: Vec<(&'a DownloadAction, bool)>,
}

impl<'a> Alone<'a> {
    fn new(dependencies: &[Dependency], action: &'a Action) -> Self {
        // One for a user who is not there fails before it unpacks anything.
        let place = |download: &DownloadAction| Some(User::named(&download.user).ok()?.home.join(&download.to));
        let downloads = action.downloads().filter_map(|download| Some((download, place(download)?)));
        let downloads: Vec<(&DownloadAction, PathBuf)> = downloads.collect();
        let places = dependencies.iter().map(|dependency| dependency.to);
        let places: Vec<_> = places.chain(downloads.iter().map(|(_, to)| to.as_path())).collect();
        let (mut alone, together) = (dependencies::alone(&places), dependencies::together(&places, dependencies.len()));
        let of_downloads = alone.split_off(dependencies.len());
        let downloads = downloads.into_iter().zip(of_downloads).map(|((download, _), alone)| (download, alone));
        Self { dependencies: alone, together, downloads: downloads.collect() }
    }

    fn has(&self, download: &DownloadAction) -> bool {
        self.downloads.iter().any(|(known, alone)| *alone && ptr::eq(*known, download))
    }
}

impl<'a> StagingRunner<'a> {
    /// Sees to it that all is there that the action takes for granted, and fetches what it begins with, at once. The first
    /// to fail ends the others: nothing could be made of them.
    ///
    /// # Errors
    /// [`ActionError::Expired`] before anything is done; else what came of the dependencies. What came of a download is
    /// told where the action arrives at it.
    pub(crate) fn prefetch(&self, scope: &Scope) -> Result<(), ActionError> {
        let needed = indispensable(&self.plan.action);
        if !self.plan.dependencies.is_empty() || !needed.is_empty() {
            self.steps.enter(Step::Fetch, scope);
        }
        let dependencies = self.plan.dependencies.iter();
        let dependencies = dependencies.map(|it| Dependency::parse(it).map_err(ActionError::bad_checksum(&it.to)));
        let dependencies: Vec<Dependency> = dependencies.collect::<Result<_, _>>()?;
        let alone = Alone::new(&dependencies, &self.plan.action);
        let linked = || dependencies.iter().zip(alone.dependencies.iter().copied());
        let all = linked().map(|(dependency, linked)| Needed::Dependency(dependency, linked));
        let all: Vec<_> = all.chain(needed.into_iter().map(Needed::Download)).collect();
        let missing = self.installer.missing(&all, clock::now().as_second(), scope);
        if !missing.is_empty() {
            return Err(ActionError::Expired(missing));
        }

        let downloads = early(&self.plan.action).into_iter().filter(|(action, _)| alone.has(action));
        let jobs = linked().map(|(dependency, linked)| PrefetchJob::Dependency(dependency, linked));
        let jobs: Vec<PrefetchJob> = jobs.chain(downloads.map(PrefetchJob::Download)).collect();
        let group = Stop::default();
        let group_scope = scope.stoppable_by(&group);
        let results = parallel(&jobs, |job| match job {
            PrefetchJob::Dependency(dependency, linked) => {
                let scope = group_scope.named(dependency.log_source);
                let provided = self.installer.install(dependency, *linked, &scope);
                provided.map_err(ActionError::from).inspect_err(|_| group.ask(Stopped::Codependent))
            }
            PrefetchJob::Download(early) => {
                self.prefetch_download(early, &group_scope, &group);
                Ok(None)
            }
        });
        let (entries, errors): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        if errors.is_empty() {
            let entries = entries.into_iter().zip(&dependencies).zip(alone.together);
            let obtained = entries.filter_map(|((entry, dependency), together)| {
                Some(Obtained { dependency, entry: entry.ok().flatten()?, together })
            });
            return Ok(self.installer.show(obtained.collect(), scope)?);
        }
        let errors: Vec<ActionError> = errors.into_iter().filter_map(Result::err).collect();
        let only_ended = |error: &ActionError| matches!(error, ActionError::Stopped(Stopped::Codependent));
        // Where a download has ended the others, the action says so before it runs anything.
        if errors.iter().all(only_ended) { Ok(()) } else { Err(ActionError::Several(errors)) }
    }

    /// Does a download before the action arrives at it, and keeps what came of it.
    fn prefetch_download(&self, (action, place): &EarlyDownload<'a>, scope: &Scope, group: &Stop) {
        let scope = scope.named(place.log_source);
        let limited = place.limit.map(|limit| scope.limited(limit));
        let result = self.fetch_package(&self.installer, action, limited.as_ref().unwrap_or(&scope));
        // Whoever was only stopped has its own time again when its turn comes.
        if matches!(result, Err(ActionError::Stopped(_))) {
            return;
        }
        if result.is_err() && place.indispensable {
            group.ask(Stopped::Codependent);
        }
        self.prefetched.lock().unwrap_or_else(PoisonError::into_inner).push((*action, result));
    }

    /// What came of `action` when it was done ahead; `None`: it was not.
    pub(super) fn prefetched(&self, action: &DownloadAction) -> Option<Result<(), ActionError>> {
        let mut prefetched = self.prefetched.lock().unwrap_or_else(PoisonError::into_inner);
        let at = prefetched.iter().position(|(known, _)| ptr::eq(*known, action))?;
        Some(prefetched.swap_remove(at).1)
    }
}
