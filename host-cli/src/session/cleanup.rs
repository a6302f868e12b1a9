//! What must be undone when a session ends early. A container or image is written down in the same breath in which it is
//! made, so that whoever ends the session, a failure here or a signal in another thread, finds it.

use crate::engine::container_spec::ContainerSpec;
use crate::engine::{ContainerId, Engine, EngineError, ImageId};
use crate::failure::Failure;
use crate::image::{Stop, UntaggedImage};
use crate::session::temporary_tag::TemporaryTag;
use shared_model::event::Event;
use shared_model::exit_code::ExitCode;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

/// How a session ended.
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
    Left(Made, EngineError),
    /// What became of something elsewhere, in its own words.
    Elsewhere(Event),
}

/// Something that is on no engine and is to be undone.
pub(crate) trait Elsewhere: Send + Sync {
    /// Which it is, among all of the session.
    fn name(&self) -> &str;

    /// Undoes it; what is to be said of that.
    fn undo(&self) -> Event;
}

/// Something on the engine that is to be undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// A container.
    Container(ContainerId),
    /// An image that has no name yet; with one it stays.
    Image(ImageId),
    /// A name that an image bears for the time being.
    Name(TemporaryTag),
}

/// What a session has made and not released; closed once the session has ended.
#[derive(Default)]
pub(crate) struct Cleanup {
    state: Mutex<State>,
    /// An image is made, or will never be.
    made: Condvar,
}

/// How long an image is awaited that is not wanted any more. An engine that has got all of it is not to be stopped.
const LAST_IMAGE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct State {
    /// Nothing may be made any more.
    closed: bool,
    entries: Vec<Undoable>,
    elsewhere: Vec<Box<dyn Elsewhere>>,
    /// One for each image or file that is being made in another thread.
    making: Vec<Stop>,
    /// One for each thing that was sent elsewhere, or is being sent.
    sending: Vec<Stop>,
    /// Of sessions within this one.
    within: Vec<Weak<Cleanup>>,
}

struct Undoable {
    engine: Arc<dyn Engine>,
    made: Made,
    undo: Undo,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Undo {
    Remove,
    RemoveAfterSignal,
    StartAgain,
}

impl Cleanup {
    /// Makes a container that is removed at the end of the session, unless it is released before.
    pub(crate) fn create(
        &self,
        engine: &Arc<dyn Engine>,
        name: Option<&str>,
        spec: &ContainerSpec,
    ) -> Result<ContainerId, Failure> {
        // Locked until it is written down: a signal now waits for that.
        let mut state = self.open()?;
        let container = engine.create(name, spec).map_err(|error| error.hiding(spec))?;
        let (engine, made) = (Arc::clone(engine), Made::Container(container.clone()));
        state.entries.push(Undoable { engine, made, undo: Undo::Remove });
        Ok(container)
    }

    /// Makes an image without a name; unless it has got one, it is removed at the end of the session. An end in the middle
    /// stops the making and waits until it has stopped.
    pub(crate) fn make_image(
        &self,
        engine: &Arc<dyn Engine>,
        make: impl FnOnce(&Stop) -> Result<UntaggedImage, Failure>,
    ) -> Result<UntaggedImage, Failure> {
        let stop = Stop::default();
        self.open()?.making.push(stop.clone());
        let ends = EndsMaking(self);
        let outcome = make(&stop);
        if let Ok(image) = &outcome {
            let entry =
                Undoable { engine: Arc::clone(engine), made: Made::Image(image.id.clone()), undo: Undo::Remove };
            self.lock().entries.push(entry);
        }
        drop(ends);
        // Whoever ended the session meanwhile is about to remove it: nobody may give it a name.
        drop(self.open()?);
        outcome
    }

    /// Writes something that removes itself unless all of it is there. An end in the middle stops the writing and waits
    /// until it has stopped.
    pub(crate) fn write<T>(&self, write: impl FnOnce(&Stop) -> Result<T, Failure>) -> Result<T, Failure> {
        let stop = Stop::default();
        self.open()?.making.push(stop.clone());
        let _ends = EndsMaking(self);
        write(&stop)
    }

    /// Sends something elsewhere, where nobody sees it unless more is done. An end in the middle stops it, and waits for nobody:
    /// who takes it may never answer.
    pub(crate) fn send<T>(&self, send: impl FnOnce(&Stop) -> Result<T, Failure>) -> Result<T, Failure> {
        let stop = Stop::default();
        self.open()?.sending.push(stop.clone());
        let outcome = send(&stop);
        drop(self.open()?);
        outcome
    }

    /// Gives an image one more name, which goes back to where it was at the end of the session unless it is released before.
    /// An image that bears the name already keeps it.
    pub(crate) fn tag_temporarily(&self, engine: &Arc<dyn Engine>, image: &ImageId, name: &str) -> Result<(), Failure> {
        let mut state = self.open()?;
        if let Some(lent) = TemporaryTag::tag(&**engine, image, name)? {
            let entry = Undoable { engine: Arc::clone(engine), made: Made::Name(lent), undo: Undo::Remove };
            state.entries.push(entry);
        }
        Ok(())
    }

    /// The image keeps the name; who bore it before goes, if it was ours and that was its last.
    pub(crate) fn keep_tag(&self, name: &str) -> Result<(), Failure> {
        let mut state = self.open()?;
        let is_it = |entry: &Undoable| matches!(&entry.made, Made::Name(lent) if lent.name == name);
        let Some(at) = state.entries.iter().position(is_it) else { return Ok(()) };
        let Undoable { engine, made, .. } = state.entries.remove(at);
        drop(state);
        match made {
            Made::Name(lent) => Ok(lent.given_for_good(&*engine)?),
            Made::Container(_) | Made::Image(_) => Ok(()),
        }
    }

    /// Stops a container that is started again at the end of the session, unless it is released before.
    pub(crate) fn stop(
        &self,
        engine: &Arc<dyn Engine>,
        container: &ContainerId,
        grace: Duration,
    ) -> Result<(), Failure> {
        let mut state = self.open()?;
        let made = Made::Container(container.clone());
        let entry = Undoable { engine: Arc::clone(engine), made, undo: Undo::StartAgain };
        state.entries.push(entry);
        Ok(engine.stop(container, grace)?)
    }

    /// The container stays however the session ends, unless a signal ends it.
    pub(crate) fn keep(&self, container: &ContainerId) {
        let is_it = |entry: &&mut Undoable| matches!(&entry.made, Made::Container(made) if made == container);
        for entry in self.lock().entries.iter_mut().filter(is_it) {
            entry.undo = Undo::RemoveAfterSignal;
        }
    }

    /// The container stays as it is.
    pub(crate) fn release(&self, container: &ContainerId) {
        self.lock().entries.retain(|entry| !matches!(&entry.made, Made::Container(made) if made == container));
    }

    /// Makes something elsewhere, which is undone at the end of the session unless it is released before: also where nobody knows
    /// whether it was made. An end in the middle waits until that is known.
    pub(crate) fn make_elsewhere<T>(
        &self,
        undo: Box<dyn Elsewhere>,
        make: impl FnOnce(&Stop) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let stop = Stop::default();
        let mut state = self.open()?;
        state.elsewhere.push(undo);
        state.making.push(stop.clone());
        drop(state);
        let ends = EndsMaking(self);
        let outcome = make(&stop);
        drop(ends);
        drop(self.open()?);
        outcome
    }

    /// What was made elsewhere under this name stays as it is.
    ///
    /// # Errors
    /// The session has ended, and it does not.
    pub(crate) fn release_elsewhere(&self, name: &str) -> Result<(), Failure> {
        self.open()?.elsewhere.retain(|made| made.name() != name);
        Ok(())
    }

    /// Whether an image or file is being made, which [`Self::undo`] waits for.
    pub(crate) fn is_making(&self) -> bool {
        !self.lock().making.is_empty()
    }

    /// What a session within this one makes is undone with this one's, should that end first.
    pub(crate) fn take_in(&self, within: &Arc<Self>) {
        let mut state = self.lock();
        if state.closed {
            within.lock().closed = true;
        }
        state.within.retain(|other| other.strong_count() > 0);
        state.within.push(Arc::downgrade(within));
    }

    /// Undoes all, the last first, and lets nothing be made after it. Twice is once.
    pub(crate) fn undo(&self, end: End) -> Vec<Undone> {
        let mut state = self.lock();
        state.closed = true;
        let within: Vec<Arc<Self>> = state.within.drain(..).filter_map(|other| other.upgrade()).collect();
        state.making.iter().chain(&state.sending).for_each(Stop::stop);
        let waited = self.made.wait_timeout_while(state, LAST_IMAGE, |state| !state.making.is_empty());
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let mut undone = undo_all(&within, end);
        undone.extend(state.elsewhere.drain(..).map(|made| Undone::Elsewhere(made.undo())));
        while let Some(Undoable { engine, made, undo }) = state.entries.pop() {
            let result = match (undo, &made) {
                (Undo::RemoveAfterSignal, _) if end == End::ByItself => continue,
                (_, Made::Image(image)) => engine.remove_dangling(image),
                (_, Made::Name(lent)) => lent.take_back(&*engine),
                (Undo::Remove | Undo::RemoveAfterSignal, Made::Container(container)) => engine.remove(container),
                (Undo::StartAgain, Made::Container(container)) => engine.start(container),
            };
            match result {
                Err(error) => undone.push(Undone::Left(made, error)),
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
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Undoes all that several sessions have made, side by side: whoever ends them does not wait for long.
fn undo_all(sessions: &[Arc<Cleanup>], end: End) -> Vec<Undone> {
    thread::scope(|scope| {
        let threads: Vec<_> = sessions.iter().map(|one| scope.spawn(|| one.undo(end))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    })
}

/// Tells that an image or file is made, even where making it panicked. At most one is being made at a time.
struct EndsMaking<'a>(&'a Cleanup);

impl Drop for EndsMaking<'_> {
    fn drop(&mut self) {
        self.0.lock().making.pop();
        self.0.made.notify_all();
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
        assert!(matches!(&undone[..], [Undone::Left(Made::Container(container), _)] if *container == two));
        assert_eq!(fake.state().containers.len(), 1);
    }

    fn untagged(fake: &Fake) -> UntaggedImage {
        let id = fake.add_image("being:made", &[]);
        fake.state().images.last_mut().unwrap().tags.clear();
        UntaggedImage { id, names: Vec::new(), droplet: String::new() }
    }

    #[test]
    fn an_image_goes_with_its_container_unless_it_has_got_a_name() {
        for is_named in [false, true] {
            let cleanup = Cleanup::default();
            let (fake, ..) = made(&cleanup);
            let engine: Arc<dyn Engine> = Arc::<Fake>::clone(&fake);
            let image = cleanup.make_image(&engine, |_| Ok(untagged(&fake))).unwrap().id;
            if is_named {
                engine.tag(&image, "baked:latest").unwrap();
            }
            assert!(cleanup.undo(End::BySignal).is_empty());
            assert_eq!(fake.state().images.iter().any(|found| found.id == image), is_named);
            assert!(fake.state().containers.is_empty());
        }
    }

    #[test]
    fn an_image_that_nobody_wants_any_more_when_it_is_made_is_given_to_nobody_and_goes() {
        let cleanup = Cleanup::default();
        let (fake, ..) = made(&cleanup);
        let engine: Arc<dyn Engine> = Arc::<Fake>::clone(&fake);
        std::thread::scope(|threads| {
            let outcome = cleanup.make_image(&engine, |_| {
                threads.spawn(|| cleanup.undo(End::BySignal));
                while !cleanup.lock().closed {
                    std::thread::yield_now();
                }
                Ok(untagged(&fake))
            });
            assert_eq!(outcome.unwrap_err().code, ExitCode::Interrupted);
        });
        assert!(fake.state().images.iter().all(|image| !image.tags.is_empty()));
    }

    #[test]
    fn what_is_being_written_at_the_end_is_stopped_and_waited_for() {
        let cleanup = Cleanup::default();
        let written = std::sync::Mutex::new(false);
        std::thread::scope(|threads| {
            let outcome = cleanup.write(|stop| {
                threads.spawn(|| {
                    cleanup.undo(End::BySignal);
                    assert!(*written.lock().unwrap(), "nobody waited");
                });
                while !stop.is_stopped() {
                    std::thread::yield_now();
                }
                *written.lock().unwrap() = true;
                Err::<(), _>(Failure::new(ExitCode::Image, "stopped", ""))
            });
            assert_eq!(outcome.unwrap_err().text, "stopped");
        });
        assert_eq!(cleanup.write(|_| Ok(())).unwrap_err().code, ExitCode::Interrupted);
    }

    #[test]
    fn what_is_being_sent_at_the_end_is_stopped_and_not_waited_for() {
        let cleanup = Cleanup::default();
        let outcome = cleanup.send(|stop| {
            assert!(cleanup.undo(End::BySignal).is_empty(), "nobody waits for what this thread does");
            assert!(stop.is_stopped());
            Ok(())
        });
        assert_eq!(outcome.unwrap_err().code, ExitCode::Interrupted);
        assert_eq!(cleanup.send(|_| Ok(())).unwrap_err().code, ExitCode::Interrupted);
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

    #[test]
    fn what_a_session_within_has_made_goes_with_the_outer_one() {
        let (outer, within) = (Cleanup::default(), Arc::new(Cleanup::default()));
        outer.take_in(&within);
        let (fake, one, two) = made(&within);
        within.release(&one);
        assert!(outer.undo(End::BySignal).is_empty());
        assert!(fake.state().containers.contains_key(&one.0) && !fake.state().containers.contains_key(&two.0));
        let engine: Arc<dyn Engine> = fake;
        let spec = ContainerSpec { image: "x".into(), ..ContainerSpec::default() };
        assert!(within.create(&engine, None, &spec).is_err(), "nothing is made after the end");
        let late = Arc::new(Cleanup::default());
        outer.take_in(&late);
        assert!(late.create(&engine, None, &spec).is_err());
    }
}
