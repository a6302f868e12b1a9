//! Words for what `cache up` could not fetch: all of it at once.

use super::from_action;
use super::unhappy_end::Failure;
use crate::actions::ActionError;
use jiff::Timestamp;
use shared_model::exit_code::ExitCode;

/// Something that is not in the cache afterwards.
#[derive(Debug)]
pub(crate) enum NotFetched {
    Dependency {
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
    /// `failed` is not empty; `now` tells whether a signature has expired. The advice is the first one's.
    pub(crate) fn from_cache_up(failed: &[NotFetched], now: Timestamp) -> Self {
        let each: Vec<(String, Self)> = failed.iter().map(|one| named(one, now)).collect();
        let code = each.iter().map(|(_, failure)| failure.code).find(|code| *code != ExitCode::Request);
        let lines: Vec<String> = each.iter().map(|(name, failure)| format!("\n{name}: {}", failure.text)).collect();
        let advice = each.first().map_or("", |(_, failure)| failure.advice.as_str());
        let text = format!("not everything is in the cache now{}", lines.concat());
        Self::new(code.unwrap_or(ExitCode::Request), text, advice)
    }
}

fn named(one: &NotFetched, now: Timestamp) -> (String, Failure) {
    match one {
        NotFetched::Dependency { key, error } => (key.clone(), from_action(error.first_cause(), now)),
        NotFetched::Request { number, failure } => (format!("request {number}"), failure.clone()),
    }
}
