//! The stretch inside the container: the request goes in, events come out, and what they and the exit status say becomes
//! one verdict. Nothing that comes out is believed further than it has to be.

use crate::backend::staging::stream::{EventStream, Said};
use crate::backend::staging::{Heard, verdict};
use crate::engine::{ContainerId, Engine, EngineError, Input};
use crate::failure::Failure;
use crate::session::Session;
use shared_model::event::{Event, EventSink, Purpose, Step};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

pub(crate) use crate::backend::staging::{Staged, Subject};

/// Events between the reader and the screen; when it is full, the container has to wait.
const QUEUE: usize = 256;

/// What is to be staged, and in what.
pub(crate) struct Staging<'a> {
    /// The container; made, not started.
    pub(crate) container: &'a ContainerId,
    /// The request as it goes in.
    pub(crate) document: &'a str,
    /// The user wants to look into it afterwards, by this command.
    pub(crate) keep: Option<String>,
    /// Whether what the agent says is shown, beside how it ends.
    pub(crate) shows: fn(&Event) -> bool,
    /// What the verdict tells of it.
    pub(crate) subject: Subject<'a>,
}

/// How far a staging has come, as far as more than a screen wants to know it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Milestone<'a> {
    /// The agent says that the builder has ended well, with all that it had left running.
    Built,
    /// The agent has judged a droplet, and uploads it.
    Droplet { sha256: &'a str },
}

enum News {
    Said(Said),
    Ended(Result<i64, EngineError>),
}

/// Stages, and shows what the agent says; tells `reach` how far it is.
///
/// Returns when the container has ended, or when the agent says that it is kept for a visitor; then it goes on running.
pub(crate) fn stage(
    session: &Session,
    staging: &Staging<'_>,
    reach: &mut dyn FnMut(Milestone<'_>),
) -> Result<Staged, Failure> {
    let mut heard = Heard { may_stay: staging.keep.is_some(), ..Heard::default() };
    let status = listen(session, staging, &mut heard, reach).transpose()?;
    if let Some(visit) = staging.keep.as_ref().filter(|_| heard.stays) {
        session.cleanup().keep(staging.container);
        session.emit(Event::Next { purpose: Purpose::LookInside, command: visit.clone() });
    }
    let out_of_memory = status != Some(0) && out_of_memory(session, staging.container);
    verdict(heard, status, out_of_memory, staging.subject)
}

/// The exit status; `None` where the container was not awaited.
fn listen(
    session: &Session,
    staging: &Staging<'_>,
    heard: &mut Heard,
    reach: &mut dyn FnMut(Milestone<'_>),
) -> Option<Result<i64, EngineError>> {
    for news in run(&session.engine, staging.container, staging.document) {
        match news {
            News::Ended(status) => return Some(status),
            News::Said(said) => {
                let mut show = |event: Event| {
                    if let Event::Droplet { sha256, .. } = &event {
                        reach(Milestone::Droplet { sha256 });
                    }
                    let built = matches!(event, Event::StepEnded { step: Step::Build, .. });
                    if (staging.shows)(&event) {
                        session.emit(event);
                    }
                    if built {
                        reach(Milestone::Built);
                    }
                };
                if let ControlFlow::Break(()) = heard.take(said, &mut show) {
                    return None;
                }
            }
        }
    }
    None
}

/// Runs the container in a thread, which is left to itself when nobody takes its news any more.
fn run(engine: &Arc<dyn Engine>, container: &ContainerId, document: &str) -> Receiver<News> {
    let (sends, news) = mpsc::sync_channel(QUEUE);
    let (engine, container, document) = (Arc::clone(engine), container.clone(), document.to_owned());
    thread::spawn(move || {
        let mut stream = EventStream::default();
        let status = engine.run(&container, Input::Leased(document.as_bytes()), &mut |from, bytes| {
            stream.feed(from, bytes, &mut |said| tell(&sends, said));
        });
        stream.end(&mut |said| tell(&sends, said));
        let _ = sends.send(News::Ended(status));
    });
    news
}

fn tell(sends: &SyncSender<News>, said: Said) {
    let _ = sends.send(News::Said(said));
}

/// Whether the engine knows that memory ran out; what it cannot tell is no.
fn out_of_memory(session: &Session, container: &ContainerId) -> bool {
    session.engine.container(container).ok().flatten().is_some_and(|container| container.out_of_memory)
}
