//! Keeps launches away from an app whose containers are ended.

use super::AppsOnEngine;
use super::seen::{index, process_type};
use crate::engine::{ContainerId, ContainerSummary, ImageId, Running};
use crate::failure::Failure;
use crate::plan::apps::RunningApp;
use crate::plan::guard;
use shared_model::exit_code::ExitCode;
use std::collections::BTreeMap;

impl AppsOnEngine {
    /// Keeps launches of these processes away until the session ends, each by its guard; the guards.
    ///
    /// # Errors
    /// One is going on.
    fn hold(&self, app: &RunningApp, containers: &[ContainerSummary]) -> Result<Vec<ContainerId>, Failure> {
        let of_process: BTreeMap<&str, &ImageId> =
            containers.iter().map(|one| (process_type(one), &one.image)).collect();
        let mut guards = Vec::new();
        for (process, ImageId(image)) in of_process {
            match self.session.hold(&guard::of_launch(&app.guid, process), image) {
                Ok(guard) => guards.push(guard),
                Err(failure) if failure.code == ExitCode::Launch => return Err(failure),
                // An engine that cannot make a container launches nothing either.
                Err(_) => {}
            }
        }
        Ok(guards)
    }

    /// The app's containers that are ours, those of a process or all, and their guards: as long as they are there nobody replaces the
    /// containers. What was seen before may be gone, or have a successor.
    ///
    /// # Errors
    /// A launch is going on.
    pub(super) fn held_containers(
        &self,
        app: &RunningApp,
        process: Option<&str>,
    ) -> Result<(Vec<ContainerSummary>, Vec<ContainerId>), Failure> {
        let is_meant = |one: &ContainerSummary| process.is_none_or(|process| process_type(one) == process);
        let mut containers = self.our_containers(app)?;
        containers.retain(is_meant);
        let guards = self.hold(app, &containers)?;
        containers = self.containers(app)?.0;
        containers.retain(is_meant);
        Ok((containers, guards))
    }

    /// Ends and removes the instances of a process from this index on; `before` they end something else is done, while nobody launches
    /// the process.
    ///
    /// # Errors
    /// A launch of the process is going on, `before` fails, or the engine refuses.
    pub(crate) fn end_from(
        &self,
        app: &RunningApp,
        (process, first): (&str, u32),
        before: &dyn Fn() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let (mut containers, guards) = self.held_containers(app, Some(process))?;
        before()?;
        containers.retain(|one| index(one) >= first);
        let running: Vec<&ContainerSummary> = containers.iter().filter(|one| one.running == Running::Now).collect();
        self.end(app, &running)?;
        containers.iter().try_for_each(|one| self.session.engine.remove(&one.id))?;
        // What is left may be started again, also by this session.
        for guard in &guards {
            self.session.dismiss(Some(guard));
        }
        Ok(())
    }
}
