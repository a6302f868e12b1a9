//! Fetches the dependencies of one or more requests into the cache, makes the views of them, and shows them nowhere.

use super::wanted::{Collection, Wanted};
use crate::actions::{ActionError, parallel};
use crate::arguments::Arguments;
use crate::cache::{Cache, Identity};
use crate::dependencies::{self, Caches, Dependency, DependencyInstaller};
use crate::failure::{Failure, NotFetched};
use crate::fetch::{FetchError, Http};
use crate::plan::{self, StagingPlan};
use crate::session::lease::Lease;
use crate::session::scope::Scope;
use crate::session::steps::Steps;
use crate::{clock, request};
use http_client::{ClientError, Verify};
use shared_model::dependency::CachedDependency;
use shared_model::event::{Event, Step};
use shared_model::validate;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;
use std::rc::Rc;

/// Reads requests on standard input, or from the file that `--request` names, and fetches what they want into `cache` in
/// `root`. What fails does not keep the rest from being fetched.
///
/// # Errors
/// All that failed, at once.
pub(super) fn fill(
    root: &Path,
    cache: Cache,
    arguments: &Arguments,
    lease: &Lease,
    scope: &Scope,
) -> Result<(), Failure> {
    let Collected { collection, views, mut failed } = collect(arguments, lease)?;
    let (now, mut all) = (clock::now(), failed.len());
    lease.watch().map_err(|error| Failure::from_system(&error))?;
    if collection.without_key > 0 {
        let text = format!("{} without a cache key: such a dependency is never kept", collection.without_key);
        scope.emit(Event::Note { text });
    }
    let caches = Caches::with_volume(root, cache);
    let steps = Steps::default();
    steps.enter(Step::Fetch, scope);
    for turn in collection.in_turns() {
        let clients = clients(&turn, arguments, scope)?;
        let jobs: Vec<(&Wanted, &Http)> = turn.iter().zip(&clients).map(|(wanted, http)| (wanted, &**http)).collect();
        let provided = parallel(&jobs, |(wanted, http)| {
            let installer =
                DependencyInstaller { http, limits: &arguments.limits(), caches: &caches, app: &wanted.app };
            let mut urls = wanted.in_order(now.as_second());
            let mut outcome = urls.next().map_or(Err(ActionError::NotKept), |first| keep(&installer, first, scope));
            for other in urls {
                if !matches!(&outcome, Err(ActionError::Fetch(error)) if is_refusal(error)) {
                    break;
                }
                outcome = keep(&installer, other, scope);
            }
            outcome
        });
        all += turn.len();
        for (wanted, result) in turn.iter().zip(provided) {
            if let Err(error) = result {
                let CachedDependency { name, cache_key, .. } = &wanted.dependency;
                failed.push(NotFetched::Dependency { name: name.clone(), key: cache_key.clone(), error });
            }
        }
        scope.go_on().map_err(Failure::from_stop)?;
    }
    // Nobody need make them who stages; and an image can hold no others.
    for view in &views {
        caches.prepare_view(view, scope);
    }
    if failed.is_empty() {
        steps.finish(scope);
        return Ok(());
    }
    Err(Failure::from_cache_up(&failed, all, now))
}

/// Fetches one file into the cache.
fn keep(installer: &DependencyInstaller<'_>, wanted: &CachedDependency, scope: &Scope) -> Result<(), ActionError> {
    let dependency = Dependency::parse(wanted).map_err(ActionError::bad_checksum(&wanted.to))?;
    if installer.cache_only(&dependency, scope)? { Ok(()) } else { Err(ActionError::NotKept) }
}

/// Whether another URL of the same file may do: it is this one that the server refuses.
fn is_refusal(error: &FetchError) -> bool {
    matches!(error, FetchError::Transfer { cause, .. } if cause.withholds())
}

/// What was read.
struct Collected {
    /// What the requests want.
    collection: Collection,
    /// What they are shown together, each once: names and what is there.
    views: Vec<Vec<(String, Identity)>>,
    /// Those that cannot be used.
    failed: Vec<NotFetched>,
}

fn collect(arguments: &Arguments, lease: &Lease) -> Result<Collected, Failure> {
    let (mut collection, mut views, mut failed) = (Collection::default(), Vec::new(), Vec::new());
    let mut read = 0;
    for (index, text) in request::read_several(arguments.request.as_deref(), lease)?.enumerate() {
        read += 1;
        match text.map_err(Failure::from).and_then(|text| read_plan(text.reveal())) {
            Ok(plan) => {
                collection.add(&plan);
                let new = dependencies::views(&plan.dependencies);
                let new: Vec<_> = new.into_iter().filter(|view| !views.contains(view)).collect();
                views.extend(new);
            }
            Err(failure) => failed.push(NotFetched::Request { number: index + 1, failure }),
        }
    }
    if read == 0 {
        validate::task("")?;
    }
    Ok(Collected { collection, views, failed })
}

fn read_plan(text: &str) -> Result<StagingPlan, Failure> {
    Ok(plan::plan(validate::task(text)?)?)
}

/// The client for each of `wanted`; those that trust the same share one.
fn clients(wanted: &[Wanted], arguments: &Arguments, scope: &Scope) -> Result<Vec<Rc<Http>>, Failure> {
    let mut known: HashMap<(Option<&Path>, bool), Rc<Http>> = HashMap::new();
    let client = |wanted: &Wanted| -> Result<_, Failure> {
        let verify = if wanted.skips_verification { Verify::Skip } else { Verify::Yes };
        let trust = arguments.trust(wanted.certificates.clone(), verify);
        for text in trust.left_out().map_err(ClientError::from)? {
            scope.emit(Event::Warning { text });
        }
        Ok(Rc::new(Http::new(&trust, arguments.timeouts())?))
    };
    let mut clients = Vec::new();
    for wanted in wanted {
        let key = (wanted.certificates.as_deref(), wanted.skips_verification);
        let http = match known.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(client(wanted)?),
        };
        clients.push(Rc::clone(http));
    }
    Ok(clients)
}
