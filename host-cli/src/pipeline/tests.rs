//! Both roads against the recording engine: which verbs in which order, what is said, and that nothing stays behind.

mod cache;
mod export;
mod launch;
mod push;
mod remains;
mod restage;
mod several;

use super::road::{Ended, Way, walk};
use crate::engine::Engine;
use crate::engine::fake::Fake;
use crate::failure::Failure;
use crate::plan::golden::recorded;
use crate::requests::{Kind, Request};
use crate::screen::recording::Recording;
use shared_model::application::Application;
use shared_model::event::Event;
use shared_model::exit_code::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::Sender;

const STAGER_2016: &str = include_str!("../../../examples/requests/2016/stager.stdout.log");
const NSYNC_2016: &str = include_str!("../../../examples/requests/2016/nsync_listener.stdout.log");

/// The guid of the recorded app `node-env`.
const GUID: &str = "18c50a86-b045-5fed-bae9-e6ea03383693";

/// What a walk showed and did.
struct Walked {
    code: ExitCode,
    events: Vec<Event>,
    text: String,
}

impl Walked {
    /// Whether an event of this kind was shown whose JSON holds `text`.
    fn said(&self, text: &str) -> bool {
        self.text.contains(text)
    }

    /// The text of the failure that ended it.
    fn failure(&self) -> &str {
        match self.events.last() {
            Some(Event::Failed { text, .. }) => text,
            other => panic!("ended with {other:?}"),
        }
    }

    /// One hello first, one end last, and none of both in between.
    fn assert_one_stream(&self) {
        let is_hello = |event: &Event| matches!(event, Event::Hello { .. });
        let is_end = |event: &Event| matches!(event, Event::Done { .. } | Event::Failed { .. });
        assert!(is_hello(&self.events[0]) && is_end(self.events.last().unwrap()), "{}", self.text);
        assert_eq!(self.events.iter().filter(|event| is_hello(event) || is_end(event)).count(), 2, "{}", self.text);
    }
}

/// Walks a road on `fake`; `watch` may send signals.
fn walked(
    fake: &Arc<Fake>,
    watch: impl FnOnce(Sender<Ended>),
    work: impl FnOnce(&Way, Arc<dyn Engine>) -> Result<(), Failure> + Send + 'static,
) -> Walked {
    let (recording, screen) = Recording::new();
    let engine: Arc<dyn Engine> = Arc::<Fake>::clone(fake);
    let watch = |road| {
        watch(road);
        Ok(())
    };
    let code = walk(screen, watch, move |way| work(way, engine));
    let walked = Walked { code, events: recording.events(), text: recording.text() };
    walked.assert_one_stream();
    walked
}

fn nobody(_: Sender<Ended>) {}

fn request(kind: Kind, document: String) -> Request {
    let application = Application::default();
    Request { kind, document, time: None, staging_guid: None, application, warnings: Vec::new() }
}

fn document(log: &str, key: &str, change: impl FnOnce(&mut serde_json::Value)) -> String {
    let mut document = serde_json::from_str(&recorded(log, key, "node-env")).unwrap();
    change(&mut document);
    document.to_string()
}
