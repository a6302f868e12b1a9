//! A session: one command's dealings with an engine. It speaks, and sees to it that nothing stays behind, whoever ends it.
//!
//! - `run`: from the first word to the last. `signals`: what ends one from outside.
//! - `cleanup`: what was made and must go. `temporary_tag`: a name that an image bears for the time being.
//! - `orphans`: what killed sessions left.

pub(crate) mod cleanup;
pub(crate) mod orphans;
mod run;
pub(crate) mod signals;
mod temporary_tag;

use crate::engine::container_spec::ContainerSpec;
use crate::engine::{ContainerId, Engine, EngineError, ImageId};
use crate::failure::Failure;
use crate::image::app_image;
use crate::image::{EngineDestination, ImageMaker, ImageOptions, ImageParts, ImagePlan, Journal, Stop, UntaggedImage};
use crate::labels;
use crate::owner::Owner;
use crate::plan::guard;
use crate::screen::Screen;
use crate::stagings::Record;
use cleanup::Cleanup;
pub(crate) use run::{by_signal, run, run_command, run_watched, run_without_engine};
use shared_model::event::{Event, EventSink, Step};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use shared_model::task::TaskDefinition;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use temporary_tag::TemporaryTag;
pub(crate) use temporary_tag::bears;

/// How long the cell may take to give way. It looks every second whether it is asked to.
const GIVES_WAY: Duration = Duration::from_secs(20);
/// How long an engine may have given a name away before it shows who has it.
const UNSEEN: Duration = Duration::from_secs(1);
/// Between two tries to hold something.
const POLL: Duration = Duration::from_millis(100);

/// Who holds what only one may.
enum Hold {
    Ours(ContainerId),
    Cells,
    Anothers,
    /// Somebody whom the engine does not show yet, or no more.
    Unseen,
}

/// What every part of a command may use.
#[derive(Clone)]
pub(crate) struct Session {
    /// The Docker Engine.
    pub(crate) engine: Arc<dyn Engine>,
    unconnected: Unconnected,
}

/// A session before an engine is known: it can speak.
#[derive(Clone)]
pub(crate) struct Unconnected {
    events: Arc<ClosingSink>,
    cleanup: Arc<Cleanup>,
    staging: Arc<OnceLock<Record>>,
    has_replaced_a_droplet: Arc<AtomicBool>,
    crashed: Arc<OnceLock<Crashed>>,
}

/// An app that did not come up, for a reason of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Crashed {
    /// Its container, which stays for what it printed; `None`: none does.
    pub(crate) container: Option<ContainerId>,
    /// Seconds since 1970 when that was started.
    pub(crate) started: i64,
    /// The exit status, and whether its memory was the reason; `None`: it did not end by itself.
    pub(crate) ended: Option<(i64, bool)>,
}

impl Unconnected {
    /// One that speaks on this screen.
    fn new(screen: Screen) -> Self {
        Self {
            events: Arc::new(ClosingSink::new(screen)),
            cleanup: Arc::default(),
            staging: Arc::default(),
            has_replaced_a_droplet: Arc::default(),
            crashed: Arc::default(),
        }
    }

    /// The session with an engine.
    pub(crate) fn with(&self, engine: Arc<dyn Engine>) -> Session {
        Session { engine, unconnected: self.clone() }
    }

    /// What this session has made, and what becomes of it.
    pub(crate) fn cleanup(&self) -> &Cleanup {
        &self.cleanup
    }

    /// What is said from now on is kept as the last staging of the task's app; see [`crate::stagings`].
    pub(crate) fn keep_staging(&self, task: &TaskDefinition) {
        if let Some(record) = Record::begin(task) {
            let _ = self.staging.set(record);
        }
    }

    /// Whether Cloud Controller has taken a droplet from this session, as its agent says.
    pub(crate) fn has_replaced_a_droplet(&self) -> bool {
        self.has_replaced_a_droplet.load(Ordering::SeqCst)
    }

    /// The app that did not come up in this session for a reason of its own; `None`: there was none.
    pub(crate) fn crashed(&self) -> Option<&Crashed> {
        self.crashed.get()
    }

    /// An app did not come up, and that is its own doing.
    pub(crate) fn tell_crash(&self, crashed: Crashed) {
        let _ = self.crashed.set(crashed);
    }

    /// Takes one step, and says when it began and, if well, how long it took.
    pub(crate) fn step<T>(&self, step: Step, go: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        let began = Instant::now();
        self.emit(Event::StepStarted { step });
        let gone = go()?;
        self.emit(Event::StepEnded { step, ms: millis(began) });
        Ok(gone)
    }
}

impl EventSink for Unconnected {
    fn emit(&self, event: Event) {
        if is_replaced_droplet(&event) {
            self.has_replaced_a_droplet.store(true, Ordering::SeqCst);
        }
        if let Some(record) = self.staging.get() {
            record.hear(&event);
        }
        self.events.emit(event);
    }
}

/// Whether Cloud Controller has taken a droplet. The agent says so of the upload first; the staging may fail all the same.
fn is_replaced_droplet(event: &Event) -> bool {
    match event {
        Event::Uploaded { name, .. } => name == "droplet",
        Event::Droplet { uploaded, .. } => *uploaded,
        _ => false,
    }
}

impl EventSink for Session {
    fn emit(&self, event: Event) {
        self.unconnected.emit(event);
    }
}

impl Journal for Session {
    fn image_begins(&self, base: &str, build_key: &str) {
        self.guard(base, [(app_image::BUILD_KEY.to_owned(), build_key.to_owned())].into());
    }
}

impl Session {
    /// Makes a container that says whose it is; see [`Cleanup::create`].
    pub(crate) fn create(&self, name: Option<&str>, spec: &ContainerSpec) -> Result<ContainerId, Failure> {
        let mut spec = spec.clone();
        spec.labels.insert(labels::OWNER.to_owned(), Owner::ourselves().to_string());
        self.unconnected.cleanup.create(&self.engine, name, &spec)
    }

    /// As [`Self::create`], but where the engine refuses, without the bound of its disk: whether the storage keeps one depends
    /// on more than an engine tells of itself. Then calls `unbounded`.
    pub(crate) fn create_bounded(
        &self,
        name: &str,
        spec: &ContainerSpec,
        unbounded: impl FnOnce(),
    ) -> Result<ContainerId, Failure> {
        match self.create(Some(name), spec) {
            Err(refused) if refused.code == ExitCode::Engine && spec.disk_bytes > 0 => {
                let container = self.create(Some(name), &ContainerSpec { disk_bytes: 0, ..spec.clone() })?;
                unbounded();
                Ok(container)
            }
            outcome => outcome,
        }
    }

    /// Leaves word on the engine of what is about to be done there, for those who find it half done: see
    /// [`crate::session::orphans`]. An engine that makes no container may do the rest all the same.
    pub(crate) fn guard(&self, image: &str, told: BTreeMap<String, String>) -> Option<ContainerId> {
        self.create(None, &guard::guard(image, told)).ok()
    }

    /// Holds what only one may do at a time: by a guard of this name, which the engine gives once. It goes with the session. Where the
    /// cell holds it, it is asked to give way, and waited for.
    ///
    /// # Errors
    /// Somebody else holds it, of whom the error tells; or the engine refuses.
    pub(crate) fn hold(&self, name: &str, image: &str) -> Result<ContainerId, Failure> {
        let (began, mut asking) = (Instant::now(), None);
        loop {
            match self.try_to_hold(name, image, "")? {
                Hold::Ours(guard) => {
                    self.dismiss(asking.as_ref());
                    return Ok(guard);
                }
                Hold::Cells if began.elapsed() < GIVES_WAY => {
                    // Who cannot ask, because another one does, waits with that one.
                    asking = asking.or_else(|| {
                        let asking = guard::guard(image, BTreeMap::new());
                        self.create(Some(&guard::asking_for(name)), &asking).ok()
                    });
                }
                Hold::Unseen if began.elapsed() < UNSEEN => {}
                Hold::Cells | Hold::Anothers | Hold::Unseen => return Err(held(name)),
            }
            thread::sleep(POLL);
        }
    }

    /// As [`Self::hold`], for the cell: at once or not at all.
    pub(crate) fn hold_for_cell(&self, name: &str, image: &str) -> Result<ContainerId, Failure> {
        match self.try_to_hold(name, image, labels::BY_CELL)? {
            Hold::Ours(guard) if !self.is_asked_for(name)? => Ok(guard),
            _ => Err(held(name)),
        }
    }

    /// Whether somebody waits for this guard.
    pub(crate) fn is_asked_for(&self, guard: &str) -> Result<bool, EngineError> {
        Ok(self.engine.container(&ContainerId(guard::asking_for(guard)))?.is_some())
    }

    fn try_to_hold(&self, name: &str, image: &str, by: &str) -> Result<Hold, Failure> {
        let told = [(labels::BY.to_owned(), by.to_owned())].into();
        let refused = match self.create(Some(name), &guard::guard(image, told)) {
            Ok(guard) => return Ok(Hold::Ours(guard)),
            Err(refused) => refused,
        };
        Ok(match self.engine.container(&ContainerId(name.to_owned()))? {
            Some(holder) if holder.labels.get(labels::BY).is_some_and(|by| by == labels::BY_CELL) => Hold::Cells,
            Some(_) => Hold::Anothers,
            None if refused.text.contains("already in use") => Hold::Unseen,
            None => return Err(refused),
        })
    }

    /// What a guard told of is done.
    pub(crate) fn dismiss(&self, guard: Option<&ContainerId>) {
        if let Some(guard) = guard
            && self.engine.remove(guard).is_ok()
        {
            self.cleanup().release(guard);
        }
    }

    /// Makes what was planned on the engine of what `parts` brings, or finds it there; it has no name yet.
    pub(crate) fn make_planned(
        &self,
        plan: &ImagePlan,
        parts: impl FnOnce() -> Result<ImageParts, Failure>,
    ) -> Result<UntaggedImage, Failure> {
        let ImageOptions { by, verbose, .. } = plan.options;
        let destination = EngineDestination { engine: &*self.engine, journal: self, by, verbose };
        self.make_image(|stop| Ok(ImageMaker { destination: &destination, stop, events: self }.make(plan, parts()?)?))
    }

    /// Makes an image that has no name yet; see [`Cleanup::make_image`].
    pub(crate) fn make_image(
        &self,
        make: impl FnOnce(&Stop) -> Result<UntaggedImage, Failure>,
    ) -> Result<UntaggedImage, Failure> {
        self.unconnected.cleanup.make_image(&self.engine, make)
    }

    /// Gives an image a name for the time being; see [`Cleanup::tag_temporarily`]. The guard, if any, tells of it.
    pub(crate) fn tag_temporarily(&self, image: &ImageId, name: &str) -> Result<Option<ContainerId>, Failure> {
        let lent = TemporaryTag::wanted(&*self.engine, image, name)?;
        let guard = lent.and_then(|lent| self.guard(&image.0, lent.labels()));
        self.unconnected.cleanup.tag_temporarily(&self.engine, image, name)?;
        Ok(guard)
    }

    /// Stops a container for the time being; see [`Cleanup::stop`].
    pub(crate) fn stop_for_now(&self, container: &ContainerId, grace: Duration) -> Result<(), Failure> {
        self.unconnected.cleanup.stop(&self.engine, container, grace)
    }

    /// What this session has made, and what becomes of it.
    pub(crate) fn cleanup(&self) -> &Cleanup {
        self.unconnected.cleanup()
    }

    /// What of it needs no engine.
    pub(crate) fn unconnected(&self) -> &Unconnected {
        &self.unconnected
    }

    /// Takes one step; see [`Unconnected::step`].
    pub(crate) fn step<T>(&self, step: Step, go: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        self.unconnected.step(step, go)
    }
}

#[cfg(test)]
impl Unconnected {
    /// One in which nothing is heard.
    pub(crate) fn silent() -> Self {
        Self::new(crate::screen::recording::Recording::new().1)
    }
}

#[cfg(test)]
impl Session {
    /// A session in which nothing is heard and nothing is cleaned up, for tests of a single step.
    pub(crate) fn silent(engine: Arc<dyn Engine>) -> Self {
        Unconnected::silent().with(engine)
    }
}

fn held(name: &str) -> Failure {
    let name = escape_control(name);
    Failure::new(
        ExitCode::Launch,
        format!(
            "another host-cli, or the cell, starts, stops or deletes this app at the moment: container {name} says so"
        ),
        format!("wait for it; should there be none, `docker rm {name}` takes its word back"),
    )
}

/// Milliseconds since `began`.
pub(crate) fn millis(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Lets events pass until the last one. A thread that still works when a signal came must not speak after `failed`.
struct ClosingSink {
    screen: Mutex<Option<Screen>>,
}

impl ClosingSink {
    fn new(screen: Screen) -> Self {
        Self { screen: Mutex::new(Some(screen)) }
    }

    fn close(&self, last: Event) {
        if let Some(screen) = self.screen.lock().unwrap_or_else(PoisonError::into_inner).take() {
            screen.emit(last);
        }
    }
}

impl EventSink for ClosingSink {
    fn emit(&self, event: Event) {
        if let Some(screen) = self.screen.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            screen.emit(event);
        }
    }
}

#[cfg(test)]
mod tests;
