//! Commands against the recording engine: which verbs in which order, what is said, and that nothing stays behind.

pub(crate) use crate::engine::Engine;
pub(crate) use crate::engine::fake::Fake;
pub(crate) use crate::failure::Failure;
pub(crate) use crate::plan::golden::recorded;
pub(crate) use crate::requests::{Request, RequestKind};
pub(crate) use crate::screen::recording::Recording;
pub(crate) use crate::session::signals::Ended;
pub(crate) use crate::session::{Session, run};
pub(crate) use shared_model::application::Application;
pub(crate) use shared_model::event::Event;
pub(crate) use shared_model::exit_code::ExitCode;
pub(crate) use std::sync::Arc;
pub(crate) use std::sync::mpsc::Sender;

pub(crate) const STAGER_2016: &str = include_str!("../../examples/requests/2016/stager.stdout.log");
pub(crate) const NSYNC_2016: &str = include_str!("../../examples/requests/2016/nsync_listener.stdout.log");

/// The guid of the recorded app `node-env`.
pub(crate) const GUID: &str = "18c50a86-b045-5fed-bae9-e6ea03383693";

/// What a session showed and did.
pub(crate) struct Walked {
    pub(crate) code: ExitCode,
    pub(crate) events: Vec<Event>,
    pub(crate) text: String,
}

impl Walked {
    /// Whether an event of this kind was shown whose JSON holds `text`.
    pub(crate) fn said(&self, text: &str) -> bool {
        self.text.contains(text)
    }

    /// The text of the failure that ended it.
    pub(crate) fn failure(&self) -> &str {
        match self.events.last() {
            Some(Event::Failed { text, .. }) => text,
            other => panic!("ended with {other:?}"),
        }
    }

    /// One hello first, one end last, and none of both in between.
    pub(crate) fn assert_one_stream(&self) {
        let is_hello = |event: &Event| matches!(event, Event::Hello { .. });
        let is_end = |event: &Event| matches!(event, Event::Done { .. } | Event::Failed { .. });
        assert!(is_hello(&self.events[0]) && is_end(self.events.last().unwrap()), "{}", self.text);
        assert_eq!(self.events.iter().filter(|event| is_hello(event) || is_end(event)).count(), 2, "{}", self.text);
    }
}

/// Runs a session on `fake`; `watch` may send signals.
pub(crate) fn walked(
    fake: &Arc<Fake>,
    watch: impl FnOnce(Sender<Ended>),
    work: impl FnOnce(&Session) -> Result<(), Failure> + Send + 'static,
) -> Walked {
    let (recording, screen) = Recording::new();
    let engine: Arc<dyn Engine> = Arc::<Fake>::clone(fake);
    let watch = |session| {
        watch(session);
        Ok(())
    };
    let code = run(screen, watch, move |unconnected| work(&unconnected.with(engine)));
    let walked = Walked { code, events: recording.events(), text: recording.text() };
    walked.assert_one_stream();
    walked
}

pub(crate) fn nobody(_: Sender<Ended>) {}

pub(crate) fn request(kind: RequestKind, document: String) -> Request {
    let application = Application::default();
    Request { kind, document, time: None, staging_guid: None, application, warnings: Vec::new() }
}

pub(crate) fn document(log: &str, key: &str, change: impl FnOnce(&mut serde_json::Value)) -> String {
    let mut document = serde_json::from_str(&recorded(log, key, "node-env")).unwrap();
    change(&mut document);
    document.to_string()
}

/// A tar as the engine gives it for one file.
pub(crate) fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o755);
    archive.append_data(&mut header, name, content).unwrap();
    archive.into_inner().unwrap()
}
