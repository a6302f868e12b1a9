//! Words for what `cache up` could not fetch: all of it at once.

use super::from_action;
use super::unhappy_end::Failure;
use crate::actions::ActionError;
use crate::causes::with_causes;
use crate::fetch::FetchError;
use jiff::Timestamp;
use shared_model::exit_code::ExitCode;
use shared_model::lifecycle::Lifecycle;

/// Something that is not in the cache afterwards.
#[derive(Debug)]
pub(crate) enum NotFetched {
    Dependency {
        /// What its request calls it; may be empty.
        name: String,
        /// Its cache key.
        key: String,
        error: ActionError,
    },
    /// All that a request may want: it cannot be read.
    Request {
        /// Which, from 1.
        number: usize,
        failure: Failure,
    },
}

impl Failure {
    /// `failed` is not empty, and of `all` files and requests; `now` tells whether a signature has expired. What failed for
    /// the same cause is named together, and the advice is that for the first cause.
    pub(crate) fn from_cache_up(failed: &[NotFetched], all: usize, now: Timestamp) -> Self {
        let mut code = ExitCode::Request;
        let mut causes: Vec<(String, String, Vec<String>)> = Vec::new();
        for one in failed {
            let (name, failure) = named(one, now);
            if failure.code != ExitCode::Request {
                code = failure.code;
            }
            match causes.iter_mut().find(|(text, ..)| *text == failure.text) {
                Some((.., names)) => names.push(name),
                None => causes.push((failure.text, failure.advice, vec![name])),
            }
        }
        let lines: Vec<String> = causes.iter().map(|(text, _, names)| format!("\n{}: {text}", listed(names))).collect();
        let advice = causes.first().map_or("", |(_, advice, _)| advice.as_str());
        Self::new(code, format!("{} of {all} files could not be cached{}", failed.len(), lines.concat()), advice)
    }
}

fn listed(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What failed, and why. The URL is left out where the server cannot be spoken to: that is said once of all its files.
fn named(one: &NotFetched, now: Timestamp) -> (String, Failure) {
    match one {
        NotFetched::Dependency { name, key, error } => {
            let error = error.first_cause();
            // Of any lifecycle: no builder runs.
            let mut failure = from_action(error, Lifecycle::Buildpack, now);
            if let ActionError::Fetch(FetchError::Transfer { cause, .. }) = error
                && cause.is_about_the_server()
            {
                failure.text = with_causes(cause);
            }
            (if name.is_empty() { key.clone() } else { name.clone() }, failure)
        }
        NotFetched::Request { number, failure } => (format!("request {number}"), failure.clone()),
    }
}
