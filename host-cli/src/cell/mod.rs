//! The cell: what keeps apps running on an engine, as Diego's cells and its BBS do. It looks at what is wanted and at what is
//! there, decides, and acts; then it waits until something happens or is due.
//!
//! - `view`: what is wanted, and what is seen. `decide`: the two and the crashes so far → what is to be done. Pure.
//! - `records`: the crashes so far, and `record_file`, where they are kept. `exit_words`: how an instance ended, for people.
//! - `keep`: the loop. It knows nobody's engine: who looks and acts for it is behind [`Lives`].
//! - `status`: what it says of itself. `app_events`, `app_notes`: what happened to an app, and what
//!   becomes of its instances, for those who ask.
//!
//! Nothing is remembered but crashes: a cell that is killed anywhere looks again and goes on.

pub(crate) mod app_events;
pub(crate) mod app_notes;
pub(crate) mod decide;
pub(crate) mod exit_words;
#[cfg(test)]
mod fake;
pub(crate) mod keep;
pub(crate) mod record_file;
pub(crate) mod records;
pub(crate) mod status;
pub(crate) mod view;
mod words;

use crate::engine::{ContainerId, EngineError};
use jiff::Timestamp;
use records::Crash;
use std::time::Duration;
use view::{InstanceKey, Seen, Wishes};

/// Who looks at an engine for the cell, and acts on it. Every call blocks, and may be made from any thread.
pub(crate) trait Lives: Send + Sync {
    /// What is wanted, of all apps.
    ///
    /// # Errors
    /// None of it can be read. What of it cannot is no error.
    fn wishes(&self) -> Result<Wishes, EngineError>;

    /// What is there, of all apps.
    fn seen(&self) -> Result<Seen, EngineError>;

    /// Makes an instance anew, and returns its container when that is healthy; the earlier one, if there is one, is removed then.
    ///
    /// # Errors
    /// It is not there.
    fn bring_up(&self, instance: &InstanceKey) -> Result<ContainerId, NotUp>;

    /// Ends a container: SIGTERM, and after Diego's grace SIGKILL. It stays, for those who read its log.
    fn end(&self, container: &ContainerId) -> Result<(), EngineError>;

    /// Waits until something happens, or has happened since then, and says when; `None`: nothing within `patience`.
    fn wait_for_event(&self, since: Timestamp, patience: Duration) -> Result<Option<Timestamp>, EngineError>;

    /// Removes what killed host-clis have left, by whose word something is left alone.
    fn tidy(&self);
}

/// Why an instance was not brought up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotUp {
    /// It ended, or did not get healthy in time.
    Crashed(Crash),
    /// Nothing is known of the app: the engine did not answer, or somebody else is at work on it. In words; it is tried again.
    Later(String),
    /// It is not wanted any more, or not as it was, or somebody else is about to do something with it: the next look tells.
    Unwanted,
}
