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
use std::fmt;
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
#[derive(Debug)]
pub(crate) enum ActionError {
    /// It had to end early.
    Stopped(Stopped),
    /// Its `timeout` ran out; `during` is what it ended with, where that was a failure.
    TimedOut { limit: Duration, during: Option<Box<ActionError>> },
    /// A member of its `codependent` group ended, though without a failure.
    CodependentEnded,
    /// The system gave no thread for one of several actions.
    NoThread(io::Error),
    /// Actions side by side failed; never empty, in the request's order.
    Several(Vec<ActionError>),
    /// A program ended with another status than 0.
    Exited { path: String, status: i32, exceeded: Option<LimitExceeded> },
    /// A program could not be run at all.
    Run(RunError),
    /// The request names a user that cannot be had.
    User(UserError),
    /// The request wants a checksum that cannot be.
    Checksum { what: String, source: ChecksumError },
    /// Archives can no longer be had; never empty, in the request's order.
    Expired(Vec<Missing>),
    /// What was fetched for the cache is not in it.
    NotKept,
    /// An archive did not arrive.
    Fetch(FetchError),
    /// A file was not taken.
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
            Self::Exited { status, exceeded, path: _ } => {
                Some(format!("Exited with status {status}{}", LimitExceeded::behind_status(*exceeded)))
            }
            Self::TimedOut { limit, during } => {
                let inner = during.as_ref().and_then(|error| error.emittable());
                Some(timed_out(*limit, inner.as_deref()))
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

impl From<io::Error> for ActionError {
    /// Whoever asks the system for nothing but a thread and its rights fails so.
    fn from(error: io::Error) -> Self {
        Self::NoThread(error)
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

impl fmt::Display for ActionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped(_) => f.write_str("cancelled"),
            Self::TimedOut { limit, during } => {
                f.write_str(&timed_out(*limit, during.as_ref().map(ToString::to_string).as_deref()))
            }
            Self::CodependentEnded => f.write_str("Codependent step exited"),
            Self::NoThread(error) => write!(f, "no thread for an action: {error}"),
            Self::Several(errors) => {
                f.write_str(&errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
            }
            Self::Exited { status, exceeded, path: _ } => {
                write!(f, "Exited with status {status}{}", LimitExceeded::behind_status(*exceeded))
            }
            Self::Checksum { what, source } => write!(f, "{what}: {source}"),
            Self::Run(error) => f.write_str(&with_causes(error)),
            Self::User(error) => f.write_str(&with_causes(error)),
            Self::Expired(missing) => {
                let names = missing.iter().map(|missing| missing.from.to_string());
                write!(f, "expired: {}", names.collect::<Vec<_>>().join(", "))
            }
            Self::NotKept => f.write_str("the cache did not keep it"),
            Self::Fetch(error) => f.write_str(&with_causes(error)),
            Self::Upload(error) => f.write_str(&with_causes(error)),
        }
    }
}

fn timed_out(limit: Duration, inner: Option<&str>) -> String {
    let text = format!("exceeded {} timeout", size::go_duration(limit));
    inner.map_or(text.clone(), |inner| format!("{text}; {inner}"))
}
