//! What must be undone when a road ends early. A container is written down in the same breath in which it is made, so
//! that whoever ends the road, a failure here or a signal in another thread, finds it.

use crate::engine::{ContainerId, Engine, EngineError};
use crate::failure::Failure;
use crate::plan::container::ContainerSpec;
use shared_model::exit_code::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How a road ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself, well or badly.
    ByItself,
    /// By a signal: not even what the user wanted to look into stays.
    BySignal,
}

/// What happened when something was undone.
#[derive(Debug)]
pub(crate) enum Undone {
    /// A container that had made room runs again.
    StartedAgain,
    /// It could not be undone.
    Left(ContainerId, EngineError),
}

/// See the module's text.
#[derive(Default)]
pub(crate) struct Cleanup(Mutex<State>);

#[derive(Default)]
struct State {
    /// Nothing may be made any more.
    closed: bool,
    entries: Vec<Entry>,
}

struct Entry {
    engine: Arc<dyn Engine>,
    container: ContainerId,
    undo: Undo,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Undo {
    Remove,
    RemoveAfterSignal,
    StartAgain,
}

impl Cleanup {
    /// Makes a container that is removed at the end of the road, unless it is released before.
    pub(crate) fn create(
        &self,
        engine: &Arc<dyn Engine>,
        name: Option<&str>,
        spec: &ContainerSpec,
    ) -> Result<ContainerId, Failure> {
        // Locked until it is written down: a signal now waits for that.
        let mut state = self.open()?;
        let container = engine.create(name, spec)?;
        let engine = Arc::clone(engine);
        state.entries.push(Entry { engine, container: container.clone(), undo: Undo::Remove });
        Ok(container)
    }

    /// Stops a container that is started again at the end of the road, unless it is released before.
    pub(crate) fn stop(
        &self,
        engine: &Arc<dyn Engine>,
        container: &ContainerId,
        grace: Duration,
    ) -> Result<(), Failure> {
        let mut state = self.open()?;
        let entry = Entry { engine: Arc::clone(engine), container: container.clone(), undo: Undo::StartAgain };
        state.entries.push(entry);
        Ok(engine.stop(container, grace)?)
    }

    /// The container stays however the road ends, unless a signal ends it.
    pub(crate) fn keep(&self, container: &ContainerId) {
        for entry in self.lock().entries.iter_mut().filter(|entry| entry.container == *container) {
            entry.undo = Undo::RemoveAfterSignal;
        }
    }

    /// The container stays as it is.
    pub(crate) fn release(&self, container: &ContainerId) {
        self.lock().entries.retain(|entry| entry.container != *container);
    }

    /// Undoes all, the last first, and lets nothing be made after it. Twice is once.
    pub(crate) fn undo(&self, end: End) -> Vec<Undone> {
        let mut state = self.lock();
        state.closed = true;
        let mut undone = Vec::new();
        while let Some(Entry { engine, container, undo }) = state.entries.pop() {
            let result = match undo {
                Undo::RemoveAfterSignal if end == End::ByItself => continue,
                Undo::Remove | Undo::RemoveAfterSignal => engine.remove(&container),
                Undo::StartAgain => engine.start(&container),
            };
            match result {
                Err(error) => undone.push(Undone::Left(container, error)),
                Ok(()) if undo == Undo::StartAgain => undone.push(Undone::StartedAgain),
                Ok(()) => {}
            }
        }
        undone
    }

    fn open(&self) -> Result<MutexGuard<'_, State>, Failure> {
        let state = self.lock();
        if state.closed {
            return Err(Failure::new(ExitCode::Interrupted, "interrupted", ""));
        }
        Ok(state)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake::Fake;

    fn made(cleanup: &Cleanup) -> (Arc<Fake>, ContainerId, ContainerId) {
        let fake = Arc::new(Fake::with_image("x"));
        let engine: Arc<dyn Engine> = Arc::<Fake>::clone(&fake);
        let spec = ContainerSpec { image: "x".into(), ..ContainerSpec::default() };
        let one = cleanup.create(&engine, None, &spec).unwrap();
        let two = cleanup.create(&engine, None, &spec).unwrap();
        (fake, one, two)
    }

    #[test]
    fn what_was_made_is_removed_in_reverse_and_nothing_is_made_after_it() {
        let cleanup = Cleanup::default();
        let (fake, one, two) = made(&cleanup);
        assert!(cleanup.undo(End::ByItself).is_empty());
        assert_eq!(fake.calls()[2..], [format!("remove {}", two.0), format!("remove {}", one.0)]);
        let engine: Arc<dyn Engine> = fake;
        assert_eq!(cleanup.create(&engine, None, &ContainerSpec::default()).unwrap_err().code, ExitCode::Interrupted);
    }

    #[test]
    fn a_kept_container_stays_until_a_signal_and_a_released_one_for_good() {
        for (end, left) in [(End::ByItself, 2), (End::BySignal, 1)] {
            let cleanup = Cleanup::default();
            let (fake, one, two) = made(&cleanup);
            cleanup.keep(&one);
            cleanup.release(&two);
            cleanup.undo(end);
            assert_eq!(fake.state().containers.len(), left);
        }
    }

    #[test]
    fn what_cannot_be_removed_is_named_and_the_rest_is_removed() {
        let cleanup = Cleanup::default();
        let (fake, _, two) = made(&cleanup);
        fake.refuse("remove", "device busy");
        let undone = cleanup.undo(End::ByItself);
        assert!(matches!(&undone[..], [Undone::Left(container, _)] if *container == two));
        assert_eq!(fake.state().containers.len(), 1);
    }

    #[test]
    fn who_made_room_is_started_after_the_newcomer_is_gone() {
        let cleanup = Cleanup::default();
        let fake = Arc::new(Fake::with_image("x"));
        let engine: Arc<dyn Engine> = Arc::<Fake>::clone(&fake);
        let spec = ContainerSpec { image: "x".into(), ..ContainerSpec::default() };
        let earlier = engine.create(None, &spec).unwrap();
        cleanup.stop(&engine, &earlier, Duration::ZERO).unwrap();
        cleanup.create(&engine, None, &spec).unwrap();
        let undone = cleanup.undo(End::ByItself);
        assert!(matches!(&undone[..], [Undone::StartedAgain]));
        assert_eq!(fake.verbs(), ["create", "stop", "create", "remove", "start"]);
        assert_eq!(fake.calls().last(), Some(&format!("start {}", earlier.0)));
    }
}
