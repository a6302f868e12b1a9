//! What can go wrong in an action tree, as values. The words for people are in [`crate::failure`]; here is what Diego
//! would say, because requests quote it (`emit_progress`) and Cloud Controller reads it (`--report`).

use crate::build::process::RunError;
use crate::build::user::UserError;
use crate::causes::with_causes;
use crate::dependencies::Missing;
use crate::fetch::{ChecksumError, FetchError};
use crate::session::scope::Stopped;
use crate::upload::UploadError;
use shared_model::size;
use std::io;
use std::time::Duration;

/// Which limit of the container a program passed. Its words are those that Diego puts behind a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LimitExceeded {
    /// `memory_mb`.
    Memory,
    /// `disk_mb`.
    Disk,
}

impl LimitExceeded {
    /// ` (out of memory)`; empty for none.
    pub(crate) const fn behind_status(limit: Option<Self>) -> &'static str {
        match limit {
            Some(Self::Memory) => " (out of memory)",
            Some(Self::Disk) => " (disk quota exceeded)",
            None => "",
        }
    }
}

/// Why an action did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActionError {
    /// It had to end early.
    #[error("cancelled")]
    Stopped(Stopped),
    /// Its `timeout` ran out; `during` is what it ended with, where that was a failure.
    #[error("{}", timed_out(*limit, during.as_ref().map(ToString::to_string)))]
    TimedOut { limit: Duration, during: Option<Box<ActionError>> },
    /// A member of its `codependent` group ended, though without a failure.
    #[error("Codependent step exited")]
    CodependentEnded,
    /// Whoever asks the system for nothing but a thread and its rights fails so.
    #[error("cannot start a thread for an action: {0}")]
    NoThread(#[from] io::Error),
    /// Actions side by side failed; never empty, in the request's order.
    #[error("{}", joined(.0, "; "))]
    Several(Vec<ActionError>),
    #[error("Exited with status {status}{}", LimitExceeded::behind_status(*exceeded))]
    Exited { path: String, status: i32, exceeded: Option<LimitExceeded> },
    #[error("{}", with_causes(.0))]
    Run(RunError),
    #[error("{}", with_causes(.0))]
    User(UserError),
    #[error("{what}: {source}")]
    Checksum { what: String, source: ChecksumError },
    /// Archives can no longer be had; never empty, in the request's order.
    #[error("expired: {}", joined(.0.iter().map(|missing| &missing.from), ", "))]
    Expired(Vec<Missing>),
    #[error("the cache cannot keep it")]
    NotKept,
    #[error("{}", with_causes(.0))]
    Fetch(FetchError),
    #[error("{}", with_causes(.0))]
    Upload(UploadError),
}

impl ActionError {
    /// `what`, which is where it appears, wants a checksum that cannot be.
    pub(crate) fn bad_checksum(what: &str) -> impl FnOnce(ChecksumError) -> Self {
        |source| Self::Checksum { what: what.to_owned(), source }
    }

    /// What Diego says of it behind an `emit_progress` prefix; `None` where it says nothing.
    pub(crate) fn emittable(&self) -> Option<String> {
        match self {
            Self::Exited { .. } => Some(self.to_string()),
            Self::TimedOut { limit, during } => {
                Some(timed_out(*limit, during.as_ref().and_then(|error| error.emittable())))
            }
            Self::Fetch(_) => Some("Downloading failed".to_owned()),
            _ => None,
        }
    }

    /// The one that counts: the first that is not merely the end of everything.
    pub(crate) fn first_cause(&self) -> &Self {
        let Self::Several(errors) = self else { return self };
        let mut causes = errors.iter().map(Self::first_cause);
        let first = causes.clone().next().unwrap_or(self);
        causes.find(|error| !matches!(error, Self::Stopped(_))).unwrap_or(first)
    }
}

impl From<FetchError> for ActionError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Stopped { why, from: _ } => Self::Stopped(why),
            error => Self::Fetch(error),
        }
    }
}

impl From<UploadError> for ActionError {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Stopped { why, .. } => Self::Stopped(why),
            error => Self::Upload(error),
        }
    }
}

fn joined<T: ToString>(all: impl IntoIterator<Item = T>, between: &str) -> String {
    all.into_iter().map(|one| one.to_string()).collect::<Vec<_>>().join(between)
}

fn timed_out(limit: Duration, inner: Option<String>) -> String {
    let text = format!("exceeded {} timeout", size::go_duration(limit));
    if let Some(inner) = inner { format!("{text}; {inner}") } else { text }
}
