//! Where apps run, for those who look at them and stop them: what runs, what it prints, and its end. An engine and a cluster each
//! answer in their own way; who asks knows neither.

use crate::engine::{LogPiece, LogRange};
use crate::failure::Failure;
use crate::plan::apps::{RunningApp, Selected};
use std::ops::ControlFlow;

/// A place where apps run. Every call blocks, and may be made from any thread.
pub(crate) trait AppsBackend: Send + Sync {
    /// All apps of which something is there. What is shown is not acted upon: whose a thing is the other calls look at more closely.
    fn apps(&self) -> Result<Vec<RunningApp>, Failure>;

    /// What keeps what the app's instances print, at the moment: those that run, and those that have ended and are still there.
    /// `None`: nothing of the app is left.
    fn log_sources(&self, app: &RunningApp) -> Result<Option<Vec<LogSource>>, Failure>;

    /// Gives what was printed there, and with `follow` what is printed until the instance ends, to `output`, until that says that it
    /// is enough. A source that is gone has printed nothing.
    fn read_log(
        &self,
        source: &LogSource,
        range: &LogRange,
        output: &mut dyn FnMut(LogPiece<'_>) -> ControlFlow<()>,
    ) -> Result<(), Failure>;

    /// Ends what is meant of an app, and keeps what it takes to start it again. Says what was ended; where nothing runs, so.
    fn stop(&self, selected: &Selected) -> Result<(), Failure>;

    /// Ends an app and removes what runs of it. Says what is removed, and what stays.
    fn delete(&self, app: &RunningApp) -> Result<(), Failure>;

    /// What goes with the app, for the question before it: `2 containers`.
    fn what_goes(&self, app: &RunningApp) -> String;
}

/// What one program of an instance prints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogSource {
    /// What the place calls it; another one for each.
    pub(crate) id: String,
    /// Its process type.
    pub(crate) process_type: String,
    /// Its instance's index.
    pub(crate) index: u32,
    /// As log lines name it: `APP/PROC/WEB/0`.
    pub(crate) source: String,
    /// What people call what keeps it: a container's name, a pod's.
    pub(crate) name: String,
    /// Whether more may be printed.
    pub(crate) is_up: bool,
}
