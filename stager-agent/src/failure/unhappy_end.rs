//! An unhappy end, as the process and the stream of events tell it.

use shared_model::event::Event;
use shared_model::exit_code::ExitCode;

/// A process that does not what it was started for: its exit code and its last words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What the process ends with.
    pub(crate) code: ExitCode,
    /// What failed and with what.
    pub(crate) text: String,
    /// What to try; empty where nothing can be advised.
    pub(crate) advice: String,
}

impl Failure {
    pub(super) fn new(code: ExitCode, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { code, text: text.into(), advice: advice.into() }
    }

    /// The failure as the last event of a stream.
    pub(crate) fn event(&self) -> Event {
        Event::Failed { code: self.code.number(), text: self.text.clone(), advice: self.advice.clone() }
    }
}
