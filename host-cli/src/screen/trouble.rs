//! Of a session's events only those that tell of trouble, on standard error: for commands whose standard output is an answer.

use crate::screen::{Screen, plain::Plain};
use shared_model::event::{Event, EventSink};
use std::io;
use std::sync::Arc;

/// A screen that shows warnings and failures only.
pub(crate) fn screen() -> Screen {
    Arc::new(Trouble(Plain::new(io::stdout(), io::stderr())))
}

struct Trouble<S>(S);

impl<S: EventSink> EventSink for Trouble<S> {
    fn emit(&self, event: Event) {
        if matches!(event, Event::Warning { .. } | Event::Failed { .. }) {
            self.0.emit(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::recording::Recording;

    #[test]
    fn only_warnings_and_failures_pass() {
        let recording = Recording::default();
        let screen = Trouble(recording);
        let failed = Event::Failed { code: 9, text: "no engine".into(), advice: String::new() };
        let warning = Event::Warning { text: "look out".into() };
        for event in [Event::Note { text: "on its way".into() }, warning.clone(), failed.clone(), Event::Done { ms: 1 }]
        {
            screen.emit(event);
        }
        assert_eq!(screen.0.events(), [warning, failed]);
    }
}
