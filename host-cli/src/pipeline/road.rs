//! How a road is walked: its first and its last word, and that nothing stays behind, whoever ends it.

use crate::engine::container_spec::ContainerSpec;
use crate::engine::{ContainerId, Engine, EngineError, ImageId};
use crate::failure::Failure;
use crate::image::{Stop, Unnamed};
use crate::labels;
use crate::owner::Owner;
use crate::pipeline::cleanup::{Cleanup, End, Made, Undone};
use crate::pipeline::lent::Lent;
use crate::plan::{app_image, guard};
use crate::screen::Screen;
use shared_model::event::{Event, EventSink, PROTOCOL, Step};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::visible;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What every stretch of the road may use.
#[derive(Clone)]
pub(crate) struct Road {
    /// The Docker Engine.
    pub(crate) engine: Arc<dyn Engine>,
    way: Way,
}

/// The road before an engine is known: it can be spoken on.
#[derive(Clone)]
pub(crate) struct Way {
    events: Arc<Gate>,
    cleanup: Arc<Cleanup>,
}

/// What ends a road.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Its own end.
    ByItself(Result<(), Failure>),
    /// The process got this signal.
    BySignal(i32),
}

impl Way {
    /// The road with an engine.
    pub(crate) fn with(&self, engine: Arc<dyn Engine>) -> Road {
        Road { engine, way: self.clone() }
    }

    /// Says something.
    pub(crate) fn emit(&self, event: Event) {
        self.events.emit(event);
    }
}

impl EventSink for Road {
    fn emit(&self, event: Event) {
        self.way.emit(event);
    }
}

impl Road {
    /// Makes a container that says whose it is; see [`Cleanup::create`].
    pub(crate) fn create(&self, name: Option<&str>, spec: &ContainerSpec) -> Result<ContainerId, Failure> {
        let mut spec = spec.clone();
        spec.labels.insert(labels::OWNER.to_owned(), Owner::ourselves().to_string());
        self.way.cleanup.create(&self.engine, name, &spec)
    }

    /// As [`Self::create`], but where the engine refuses, without the bound of its disk: whether the storage keeps one depends
    /// on more than an engine tells of itself. Then says `unbounded`.
    pub(crate) fn create_bounded(
        &self,
        name: &str,
        spec: &ContainerSpec,
        unbounded: &str,
    ) -> Result<ContainerId, Failure> {
        match self.create(Some(name), spec) {
            Err(refused) if refused.code == ExitCode::Engine && spec.disk_bytes > 0 => {
                let container = self.create(Some(name), &ContainerSpec { disk_bytes: 0, ..spec.clone() })?;
                self.emit(Event::Note { text: unbounded.to_owned() });
                Ok(container)
            }
            outcome => outcome,
        }
    }

    /// Leaves word on the engine of what is about to be done there, for those who find it half done: see
    /// [`crate::pipeline::remains`]. An engine that makes no container may do the rest all the same.
    pub(crate) fn guard(&self, image: &str, told: BTreeMap<String, String>) -> Option<ContainerId> {
        self.create(None, &guard::guard(image, told)).ok()
    }

    /// Holds what only one may do at a time: by a guard of this name, which the engine gives once. It goes with the road.
    ///
    /// # Errors
    /// Somebody else holds it, of whom the error tells; or the engine refuses.
    pub(crate) fn hold(&self, name: &str, image: &str) -> Result<ContainerId, Failure> {
        let refused = match self.create(Some(name), &guard::guard(image, BTreeMap::new())) {
            Ok(guard) => return Ok(guard),
            Err(refused) => refused,
        };
        // An engine has given the name away a moment before it shows who has it.
        let is_taken = refused.text.contains("already in use");
        if !is_taken && self.engine.container(&ContainerId(name.to_owned()))?.is_none() {
            return Err(refused);
        }
        Err(Failure::new(
            ExitCode::Launch,
            format!("another host-cli launches this app at the moment: container {} says so", visible(name)),
            format!("wait for it; should there be none, `docker rm {}` takes its word back", visible(name)),
        ))
    }

    /// Leaves word that an image of this recipe is being made on `base`.
    pub(crate) fn begin_image(&self, base: &str, recipe: &str) {
        self.guard(base, [(app_image::RECIPE.to_owned(), recipe.to_owned())].into());
    }

    /// What a guard told of is done.
    pub(crate) fn dismiss(&self, guard: Option<&ContainerId>) {
        if let Some(guard) = guard
            && self.engine.remove(guard).is_ok()
        {
            self.release(guard);
        }
    }

    /// Makes an image that has no name yet; see [`Cleanup::make_image`].
    pub(crate) fn make_image(&self, make: impl FnOnce(&Stop) -> Result<Unnamed, Failure>) -> Result<Unnamed, Failure> {
        self.way.cleanup.make_image(&self.engine, make)
    }

    /// Writes something that appears as a whole; see [`Cleanup::write`].
    pub(crate) fn write<T>(&self, write: impl FnOnce(&Stop) -> Result<T, Failure>) -> Result<T, Failure> {
        self.way.cleanup.write(write)
    }

    /// Gives an image a name for the time being; see [`Cleanup::lend_name`]. The guard, if any, tells of it.
    pub(crate) fn lend_name(&self, image: &ImageId, name: &str) -> Result<Option<ContainerId>, Failure> {
        let lent = Lent::wanted(&*self.engine, image, name)?;
        let guard = lent.and_then(|lent| self.guard(&image.0, lent.labels()));
        self.way.cleanup.lend_name(&self.engine, image, name)?;
        Ok(guard)
    }

    /// See [`Cleanup::release_name`].
    pub(crate) fn release_name(&self, name: &str) -> Result<(), Failure> {
        self.way.cleanup.release_name(name)
    }

    /// Stops a container for the time being; see [`Cleanup::stop`].
    pub(crate) fn stop_for_now(&self, container: &ContainerId, grace: Duration) -> Result<(), Failure> {
        self.way.cleanup.stop(&self.engine, container, grace)
    }

    /// See [`Cleanup::keep`].
    pub(crate) fn keep(&self, container: &ContainerId) {
        self.way.cleanup.keep(container);
    }

    /// See [`Cleanup::release`].
    pub(crate) fn release(&self, container: &ContainerId) {
        self.way.cleanup.release(container);
    }

    /// Goes one stretch, and says when it began and, if well, how long it took.
    pub(crate) fn step<T>(&self, step: Step, go: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        let began = Instant::now();
        self.emit(Event::StepStarted { step });
        let gone = go()?;
        self.emit(Event::StepEnded { step, ms: millis(began) });
        Ok(gone)
    }
}

#[cfg(test)]
impl Road {
    /// A road on which nothing is heard and nothing is cleaned up, for tests of a single stretch.
    pub(crate) fn silent(engine: Arc<dyn Engine>) -> Self {
        let (_, screen) = crate::screen::recording::Recording::new();
        let way = Way { events: Arc::new(Gate::new(screen)), cleanup: Arc::default() };
        way.with(engine)
    }
}

/// Walks a road to its end: `hello`, what `work` says, one `done` or `failed`. `work` has a thread of its own, so that a
/// signal that `watch` reports ends the road at once, whatever `work` waits for.
pub(crate) fn walk(
    screen: Screen,
    watch: impl FnOnce(Sender<Ended>) -> Result<(), Failure>,
    work: impl FnOnce(&Way) -> Result<(), Failure> + Send + 'static,
) -> ExitCode {
    let began = Instant::now();
    let way = Way { events: Arc::new(Gate::new(screen)), cleanup: Arc::default() };
    way.emit(Event::Hello { protocol: PROTOCOL, version: env!("CARGO_PKG_VERSION").to_owned() });
    let (says, hears) = mpsc::channel();
    let ended = if let Err(failure) = watch(says.clone()) {
        Ended::ByItself(Err(failure))
    } else {
        let of_work = way.clone();
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
    if end == End::BySignal && way.cleanup.is_making() {
        let text = "Stopping: what is being made is waited for up to a minute, so that nothing stays behind; once more ends at once";
        way.emit(Event::Note { text: text.to_owned() });
    }
    for undone in way.cleanup.undo(end) {
        way.emit(told(undone));
    }
    match last {
        Ok(()) => {
            way.events.close(Event::Done { ms: millis(began) });
            ExitCode::Success
        }
        Err(failure) => {
            way.events.close(failure.event());
            failure.code
        }
    }
}

fn told(undone: Undone) -> Event {
    match undone {
        Undone::StartedAgain => Event::Note { text: "The earlier container runs again".to_owned() },
        Undone::Left(Made::Container(ContainerId(id)), EngineError::NotFound { .. }) => {
            Event::Warning { text: format!("container {id} was gone already") }
        }
        Undone::Left(Made::Name(lent), error) => {
            let name = lent.name;
            Event::Warning { text: format!("the name {name} stays behind ({error}); `docker rmi {name}` takes it") }
        }
        Undone::Left(Made::Image(ImageId(id)), error) => {
            Event::Warning { text: format!("image {id} stays behind ({error}); `docker rmi {id}` removes it") }
        }
        Undone::Left(Made::Container(ContainerId(id)), error) => {
            Event::Warning { text: format!("container {id} stays behind ({error}); `docker rm -f {id}` removes it") }
        }
    }
}

pub(super) fn by_signal(signal: i32) -> Failure {
    if signal == signal_hook::consts::SIGINT {
        Failure::new(ExitCode::Interrupted, "interrupted", "")
    } else {
        Failure::new(ExitCode::Terminated, "ended by a signal", "")
    }
}

fn bug() -> Failure {
    Failure::new(ExitCode::Bug, "host-cli itself failed", "please report what was printed above")
}

/// Milliseconds since `began`.
pub(crate) fn millis(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Lets events pass until the last one. A thread that still works when a signal came must not speak after `failed`.
struct Gate {
    screen: Mutex<Option<Screen>>,
}

impl Gate {
    fn new(screen: Screen) -> Self {
        Self { screen: Mutex::new(Some(screen)) }
    }

    fn close(&self, last: Event) {
        if let Some(screen) = self.screen.lock().unwrap_or_else(PoisonError::into_inner).take() {
            screen.emit(last);
        }
    }
}

impl EventSink for Gate {
    fn emit(&self, event: Event) {
        if let Some(screen) = self.screen.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            screen.emit(event);
        }
    }
}
