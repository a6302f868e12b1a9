//! A command from its first word to its last, whoever ends it.

use super::cleanup::{End, Made, Undone};
use super::signals::{self, Ended};
use super::{Session, Unconnected, millis, orphans};
use crate::engine::docker::Docker;
use crate::engine::{ContainerId, EngineError, ImageId};
use crate::failure::Failure;
use crate::screen::Screen;
use shared_model::event::{Event, EventSink, PROTOCOL};
use shared_model::exit_code::ExitCode;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Instant;

/// Runs a session to its end: `hello`, what `work` says, one `done` or `failed`. `work` has a thread of its own, so that a
/// signal that `watch` reports ends the session at once, whatever `work` waits for.
pub(crate) fn run(
    screen: Screen,
    watch: impl FnOnce(Sender<Ended>) -> Result<(), Failure>,
    work: impl FnOnce(&Unconnected) -> Result<(), Failure> + Send + 'static,
) -> ExitCode {
    let began = Instant::now();
    let unconnected = Unconnected::new(screen);
    unconnected.emit(Event::Hello { protocol: PROTOCOL, version: env!("CARGO_PKG_VERSION").to_owned() });
    let (says, hears) = mpsc::channel();
    let ended = if let Err(failure) = watch(says.clone()) {
        Ended::ByItself(Err(failure))
    } else {
        let of_work = unconnected.clone();
        thread::spawn(move || {
            let end = catch_unwind(AssertUnwindSafe(|| work(&of_work))).unwrap_or_else(|_| Err(bug()));
            let _ = says.send(Ended::ByItself(end));
        });
        hears.recv().unwrap_or_else(|_| Ended::ByItself(Err(bug())))
    };
    let (end, last) = match ended {
        Ended::ByItself(end) => (End::ByItself, end),
        Ended::BySignal(signal) => (End::BySignal, Err(by_signal(signal))),
    };
    if end == End::BySignal && unconnected.cleanup.is_making() {
        let text =
            "Stopping: waiting up to a minute for what is half made, to clean up; interrupt again to end at once";
        unconnected.emit(Event::Note { text: text.to_owned() });
    }
    for undone in unconnected.cleanup.undo(end) {
        unconnected.emit(told(undone));
    }
    let why = last.as_ref().err().map(|failure| failure.text.as_str());
    if let Some(Err(error)) = unconnected.staging.get().map(|record| record.end(why)) {
        let text = format!("what was said in this staging is not kept for `host-cli logs`: {error}");
        unconnected.emit(Event::Warning { text });
    }
    match last {
        Ok(()) => {
            unconnected.events.close(Event::Done { ms: millis(began) });
            ExitCode::Success
        }
        Err(failure) => {
            unconnected.events.close(failure.event());
            failure.code
        }
    }
}

/// Runs a command that needs an engine: what was typed is judged by `prepare` before anybody is asked, then what killed
/// sessions left on the engine goes, and `act` does what is wanted.
pub(crate) fn run_command<T>(
    screen: Screen,
    prepare: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    act: impl FnOnce(&Session, T) -> Result<(), Failure> + Send + 'static,
) -> ExitCode {
    run_watched(screen, signals::watch, prepare, act)
}

/// As [`run_command`], for one that hears of signals in a way of its own.
pub(crate) fn run_watched<T>(
    screen: Screen,
    watch: impl FnOnce(Sender<Ended>) -> Result<(), Failure>,
    prepare: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    act: impl FnOnce(&Session, T) -> Result<(), Failure> + Send + 'static,
) -> ExitCode {
    run(screen, watch, move |unconnected| {
        let prepared = prepare()?;
        act(&unconnected.connect()?, prepared)
    })
}

/// As [`run_command`], for one that connects to an engine only where it has to.
pub(crate) fn run_without_engine(
    screen: Screen,
    act: impl FnOnce(&Unconnected) -> Result<(), Failure> + Send + 'static,
) -> ExitCode {
    run(screen, signals::watch, act)
}

impl Unconnected {
    /// The session with the user's engine. What killed sessions left there goes.
    pub(crate) fn connect(&self) -> Result<Session, Failure> {
        let session = self.with(Arc::new(Docker::connect()?));
        orphans::remove(&session);
        Ok(session)
    }

    /// As [`Self::connect`], for a command that changes nothing there: what others left stays.
    pub(crate) fn connect_to_look(&self) -> Result<Session, Failure> {
        Ok(self.with(Arc::new(Docker::connect()?)))
    }
}

impl Session {
    /// A session of its own, as long as `work` takes: what it has made and not released then goes, or when this one is ended before;
    /// and what it says is said there.
    pub(crate) fn apart<T>(
        &self,
        screen: Screen,
        work: impl FnOnce(&Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let apart = Unconnected::new(screen).with(Arc::clone(&self.engine));
        self.cleanup().take_in(&apart.unconnected.cleanup);
        let outcome = work(&apart);
        for undone in apart.cleanup().undo(End::ByItself) {
            apart.emit(told(undone));
        }
        outcome
    }
}

fn told(undone: Undone) -> Event {
    match undone {
        Undone::Elsewhere(event) => event,
        Undone::StartedAgain => Event::Note { text: "The earlier container runs again".to_owned() },
        Undone::Left(Made::Container(ContainerId(id)), EngineError::NotFound { .. }) => {
            Event::Warning { text: format!("container {id} was gone already") }
        }
        Undone::Left(Made::Name(lent), error) => {
            let name = lent.name;
            Event::Warning {
                text: format!("the tag {name} could not be removed ({error}); `docker rmi {name}` removes it"),
            }
        }
        Undone::Left(Made::Image(ImageId(id)), error) => {
            Event::Warning { text: format!("image {id} could not be removed ({error}); `docker rmi {id}` removes it") }
        }
        Undone::Left(Made::Container(ContainerId(id)), error) => Event::Warning {
            text: format!("container {id} could not be removed ({error}); `docker rm -fv {id}` removes it"),
        },
    }
}

/// What became of things; a warning names each that could not be removed.
const UNDONE: &str = "what this run had begun is removed";

pub(crate) fn by_signal(signal: i32) -> Failure {
    if signal == signal_hook::consts::SIGINT {
        Failure::new(ExitCode::Interrupted, format!("interrupted; {UNDONE}"), "")
    } else {
        Failure::new(ExitCode::Terminated, format!("ended by a signal; {UNDONE}"), "")
    }
}

fn bug() -> Failure {
    Failure::new(ExitCode::Bug, "host-cli has a bug", "report it with the lines above")
}
