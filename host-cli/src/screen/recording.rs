//! Keeps events for a test to look at.

use crate::screen::Screen;
use shared_model::event::{Event, EventSink};
use std::sync::{Arc, Mutex};

/// Every event of a session, in order.
#[derive(Default)]
pub(crate) struct Recording(Mutex<Vec<Event>>);

impl Recording {
    /// Two handles of a new one: to look at, and to speak to.
    pub(crate) fn new() -> (Arc<Self>, Screen) {
        let recording = Arc::<Self>::default();
        let screen: Screen = Arc::<Self>::clone(&recording);
        (recording, screen)
    }

    /// What was said so far.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap().clone()
    }

    /// All of it as JSON lines, to search in.
    pub(crate) fn text(&self) -> String {
        self.events().iter().map(Event::to_json_line).collect::<Vec<_>>().join("\n")
    }
}

impl EventSink for Recording {
    fn emit(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}
