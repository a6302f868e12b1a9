//! An engine's worth of apps for tests: what is wanted, what is there, and what becomes of an instance that is brought up.

use super::view::{Ended, InstanceKey, Seen, SeenInstance, State, Wish, Wishes};
use super::{Lives, NotUp};
use crate::engine::{ContainerId, EngineError};
use jiff::Timestamp;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

/// What the fake knows; tests set it up before and look at it after.
#[derive(Default)]
pub(super) struct World {
    pub(super) wishes: Wishes,
    pub(super) seen: Seen,
    /// Calls that change something, in order: `up web/0`, `end c1`, `tidy`.
    pub(super) calls: Vec<String>,
    /// What becomes of the next instances that are brought up; none: they live.
    pub(super) fates: VecDeque<NotUp>,
    /// Whether the engine answers.
    pub(super) is_away: bool,
    /// How long bringing one up takes.
    pub(super) slow: Duration,
    /// What is heard.
    pub(super) events: VecDeque<Timestamp>,
    made: u32,
}

#[derive(Default)]
pub(super) struct FakeLives(Mutex<World>);

/// The app of these tests.
pub(super) const APP: &str = "18c50a86-b045-5fed-bae9-e6ea03383693";

pub(super) fn key(index: u32) -> InstanceKey {
    InstanceKey { app_guid: APP.into(), process: "web".into(), index }
}

impl FakeLives {
    /// One with an app of which so many instances are wanted and run.
    pub(super) fn with(instances: u32) -> Self {
        let fake = Self::default();
        {
            let mut world = fake.world();
            let processes = [("web".to_owned(), instances)].into();
            world.wishes.apps.push(Wish { app_guid: APP.into(), processes });
            for index in 0..instances {
                world.make(&key(index));
            }
        }
        fake
    }

    /// Everything. Do not hold it while it is called.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    fn answer(&self) -> Result<MutexGuard<'_, World>, EngineError> {
        let world = self.world();
        let (address, reason) = ("unix:///fake".to_owned(), "connection refused".to_owned());
        if world.is_away { Err(EngineError::Unreachable { address, reason }) } else { Ok(world) }
    }
}

impl World {
    fn make(&mut self, key: &InstanceKey) -> ContainerId {
        self.made += 1;
        let container = ContainerId(format!("c{}", self.made));
        let (created, state) = (i64::from(self.made), State::Up);
        self.seen.instances.push(SeenInstance {
            key: key.clone(),
            container: container.clone(),
            created,
            state,
            by_cell: false,
        });
        container
    }

    /// Ends what runs of this index.
    pub(super) fn die(&mut self, index: u32, status: i64, started: i64, ended: i64) {
        for one in self.seen.instances.iter_mut().filter(|one| one.key.index == index && one.state.runs()) {
            one.state = State::Down(Ended { status, out_of_memory: status == 137, started, ended });
        }
    }

    /// How many of these live.
    pub(super) fn living(&self) -> usize {
        self.seen.instances.iter().filter(|one| one.state.lives()).count()
    }
}

impl Lives for FakeLives {
    fn wishes(&self) -> Result<Wishes, EngineError> {
        Ok(self.answer()?.wishes.clone())
    }

    fn seen(&self) -> Result<Seen, EngineError> {
        Ok(self.answer()?.seen.clone())
    }

    fn bring_up(&self, instance: &InstanceKey) -> Result<ContainerId, NotUp> {
        let slow = self.world().slow;
        thread::sleep(slow);
        let mut world = self.world();
        world.calls.push(format!("up {}/{}", instance.process, instance.index));
        if let Some(fate) = world.fates.pop_front() {
            return Err(fate);
        }
        world.seen.instances.retain(|one| one.key != *instance || one.state.runs());
        Ok(world.make(instance))
    }

    fn end(&self, container: &ContainerId) -> Result<(), EngineError> {
        let mut world = self.answer()?;
        world.calls.push(format!("end {}", container.0));
        for one in world.seen.instances.iter_mut().filter(|one| one.container == *container) {
            one.state = State::Down(Ended::default());
        }
        Ok(())
    }

    fn wait_for_event(&self, since: Timestamp, patience: Duration) -> Result<Option<Timestamp>, EngineError> {
        let heard = self.answer()?.events.pop_front().filter(|time| *time >= since);
        if heard.is_none() {
            thread::sleep(patience.min(Duration::from_millis(20)));
        }
        Ok(heard)
    }

    fn tidy(&self) {
        self.world().calls.push("tidy".to_owned());
    }
}
