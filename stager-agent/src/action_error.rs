//! What can go wrong in an action tree, as values. The words for people are in [`crate::failure`]; here is only what
//! Diego would say, because requests quote it (`emit_progress`) and Cloud Controller reads it (`--report`).

use crate::build::run_process::RunError;
use crate::scope::Stopped;
use shared_model::size;
use std::fmt;
use std::io;
use std::time::Duration;

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
    Exited { path: String, status: i32 },
    /// A program could not be run at all.
    Run(RunError),
}

impl ActionError {
    /// What Diego says of it behind an `emit_progress` prefix; `None` where it says nothing.
    pub(crate) fn emittable(&self) -> Option<String> {
        match self {
            Self::Exited { .. } => Some(self.to_string()),
            Self::TimedOut { limit, during } => {
                let inner = during.as_ref().and_then(|error| error.emittable());
                Some(timed_out(*limit, inner.as_deref()))
            }
            Self::Stopped(_) | Self::CodependentEnded | Self::NoThread(_) | Self::Several(_) | Self::Run(_) => None,
        }
    }

    /// The one that counts: the first that is not merely the end of everything.
    pub(crate) fn first_cause(&self) -> &Self {
        match self {
            Self::Several(errors) => {
                let causes = errors.iter().map(Self::first_cause);
                causes
                    .clone()
                    .find(|error| !matches!(error, Self::Stopped(_)))
                    .or(causes.clone().next())
                    .unwrap_or(self)
            }
            _ => self,
        }
    }
}

fn timed_out(limit: Duration, inner: Option<&str>) -> String {
    let text = format!("exceeded {} timeout", size::go_duration(limit));
    inner.map_or(text.clone(), |inner| format!("{text}; {inner}"))
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
            Self::Exited { status, path: _ } => write!(f, "Exited with status {status}"),
            Self::Run(error) => error.fmt(f),
        }
    }
}
