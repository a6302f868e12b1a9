//! One app's instances, looked at closely: what each uses, and how it ended. A list of apps does without, for its speed.

use super::AppsOnEngine;
use crate::engine::{ContainerId, EngineError, Usage};
use crate::plan::apps::{AppInstance, InstanceUsage, RunningApp};
use jiff::Timestamp;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

/// Between two looks at what is used. The kernel counts in nanoseconds; this is for what an app does by fits and starts.
const BETWEEN: Duration = Duration::from_millis(250);

impl AppsOnEngine {
    /// Adds to each instance what its container tells. What it does not tell is left out.
    pub(crate) fn look_closely(&self, app: &mut RunningApp) {
        let instances: Vec<Mutex<&mut AppInstance>> =
            app.processes.iter_mut().flat_map(|process| &mut process.instances).map(Mutex::new).collect();
        let _ = super::side_by_side(&instances, |one| {
            // What an engine does not tell is no reason not to show the rest.
            if let Ok(mut one) = one.lock() {
                let _ = self.look(&mut one);
            }
            Ok(())
        });
    }

    fn look(&self, one: &mut AppInstance) -> Result<(), EngineError> {
        let (engine, id) = (&*self.session.engine, ContainerId(one.id.clone()));
        if let Some(container) = engine.container(&id)? {
            // A list tells when it was made: it may have been started again since.
            let since = if container.running { container.started } else { container.ended };
            if since > 0 {
                one.since = Timestamp::from_second(since).ok();
            }
            one.out_of_memory = one.exit_status.is_some() && container.out_of_memory;
        }
        if one.state.is_up()
            && let Some(first) = engine.usage(&id)?
        {
            thread::sleep(BETWEEN);
            one.usage = engine.usage(&id)?.map(|second| between(first, second));
        }
        Ok(())
    }
}

/// What was used from one look to the next.
fn between(first: Usage, second: Usage) -> InstanceUsage {
    let passed = second.at.duration_since(first.at).as_nanos();
    let used = i128::from(second.processor_ns.saturating_sub(first.processor_ns));
    let permille = (used * 1000).checked_div(passed).and_then(|permille| u32::try_from(permille).ok());
    let Usage { memory_bytes, memory_bound, .. } = second;
    InstanceUsage { processor_permille: permille, memory_bytes, memory_bound }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Container;
    use crate::engine::container_spec::ContainerSpec;
    use crate::engine::fake::Fake;
    use crate::plan::apps::samples::seen;
    use crate::plan::apps::{InstanceState, apps};
    use crate::session::Session;
    use std::sync::Arc;

    #[test]
    fn one_of_which_nothing_is_told_hides_nothing_of_the_others() {
        let fake = Fake::default();
        let usage = Usage { at: Timestamp::UNIX_EPOCH, processor_ns: 0, memory_bytes: 5, memory_bound: 9 };
        let mut all = Vec::new();
        for index in 0..20 {
            let mut one = seen("shop", "g", "web", index, InstanceState::Running);
            let instance = one.instance.as_mut().unwrap();
            instance.id = format!("c-{index}");
            if index == 19 {
                (instance.state, instance.exit_status) = (InstanceState::Down, Some(137));
            }
            fake.state().usages.insert(instance.id.clone(), usage);
            all.push(one);
        }
        let killed =
            Container { id: ContainerId("c-19".into()), out_of_memory: true, ended: 77, ..Container::default() };
        fake.state().containers.insert("c-19".into(), (killed, ContainerSpec::default()));
        fake.refuse_on("usage", "c-3", "no");
        let mut app = apps(all).remove(0);
        let session = Session::silent(Arc::new(fake));
        AppsOnEngine::new(&session).look_closely(&mut app);
        let instances = &app.processes[0].instances;
        let told: Vec<u32> = instances.iter().filter(|one| one.usage.is_some()).map(|one| one.index).collect();
        assert_eq!(told, (0..19).filter(|index| *index != 3).collect::<Vec<u32>>());
        let last = instances.iter().find(|one| one.index == 19).unwrap();
        assert!(last.out_of_memory && last.usage.is_none());
        assert_eq!(last.since, Timestamp::from_second(77).ok(), "when it ended, and not when it was made");
    }

    #[test]
    fn what_is_used_is_what_was_used_between_two_looks() {
        let at = |ms, processor_ns| Usage {
            at: Timestamp::from_millisecond(ms).unwrap(),
            processor_ns,
            memory_bytes: 5,
            memory_bound: 9,
        };
        let permille = |first, second| between(first, second).processor_permille;
        assert_eq!(permille(at(1000, 7), at(1500, 250_000_007)), Some(500));
        assert_eq!(permille(at(1000, 7), at(1100, 200_000_007)), Some(2000), "two cores");
        assert_eq!(permille(at(1000, 7), at(1000, 8)), None, "an engine that has counted once");
        assert_eq!(permille(at(1000, 7), at(1250, 0)), Some(0), "it was started again in between");
    }
}
