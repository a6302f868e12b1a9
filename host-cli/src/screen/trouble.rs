//! Notes, warnings and failures only, for a command that prints an answer.

use crate::screen::lines::{Line, Teller};
use crate::screen::told::{by_the_way, told};
use shared_model::event::Event;

/// Leaves out what goes well.
pub(super) struct Trouble;

impl Teller for Trouble {
    fn tell(&mut self, event: &Event) -> Vec<Line> {
        match event {
            Event::Note { .. } => by_the_way(event).into_iter().collect(),
            Event::Warning { .. } | Event::Failed { .. } => told(event).into_iter().collect(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared_model::event::Step;

    #[test]
    fn only_notes_warnings_and_failures_pass() {
        let failed = Event::Failed { code: 9, text: "no engine".into(), advice: String::new() };
        let (note, warning) = (Event::Note { text: "by the way".into() }, Event::Warning { text: "look out".into() });
        for (event, lines) in [
            (Event::StepStarted { step: Step::Build }, 0),
            (note, 1),
            (warning, 1),
            (failed, 1),
            (Event::Done { ms: 1 }, 0),
        ] {
            assert_eq!(Trouble.tell(&event).len(), lines, "{event:?}");
        }
    }
}
