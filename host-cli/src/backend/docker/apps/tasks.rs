//! The one-off tasks of an app, as their containers tell. Labels name candidates here, too; each is proven ours.

use super::seen::is_task_of;
use super::{AppsOnEngine, GRACE, side_by_side};
use crate::engine::{ContainerSummary, EngineError};
use crate::failure::Failure;
use crate::plan::apps::RunningApp;
use crate::plan::task::{Task, TaskState, outdated};
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;

impl AppsOnEngine {
    /// The app's tasks of which a container is there, the newest first.
    pub(crate) fn tasks(&self, app: &RunningApp) -> Result<Vec<Task>, EngineError> {
        self.tasks_among(&self.session.engine.list_containers()?, app)
    }

    /// As [`Self::tasks`], of those that were listed.
    pub(super) fn tasks_among(&self, listed: &[ContainerSummary], app: &RunningApp) -> Result<Vec<Task>, EngineError> {
        let mut tasks = Vec::new();
        for one in listed.iter().filter(|one| is_task_of(one, app)) {
            if self.is_ours(one)? {
                tasks.extend(Task::of(one));
            }
        }
        tasks.sort_by_key(|task| std::cmp::Reverse(task.id));
        Ok(tasks)
    }

    /// What a task runs; it may hold a secret. `None`: its container is gone.
    pub(crate) fn command_of(&self, task: &Task) -> Result<Option<String>, EngineError> {
        let program = self.session.engine.program(&task.container)?;
        Ok(program.map(|program| program.command.reveal().get(1).cloned().unwrap_or_default()))
    }

    /// Ends a task: SIGTERM, and SIGKILL after ten seconds. It stays in the list. Says what was ended.
    ///
    /// # Errors
    /// There is none of this number.
    pub(crate) fn terminate(&self, app: &RunningApp, id: u64) -> Result<(), Failure> {
        let subject = escape_control(app.subject());
        let Some(task) = self.tasks(app)?.into_iter().find(|task| task.id == id) else {
            let text = format!("{subject} has no task {id}");
            return Err(Failure::new(ExitCode::CommandLine, text, "`host-cli tasks APP` lists those that are there"));
        };
        let text = if task.state.has_ended() {
            format!("task {id} of {subject} has ended already")
        } else {
            self.session.engine.stop(&task.container, GRACE)?;
            format!("task {id} of {subject} was ended")
        };
        self.session.emit(Event::Note { text });
        Ok(())
    }

    /// Removes the oldest of these, an app's, that have ended, with what they printed.
    pub(crate) fn remove_outdated_tasks(&self, tasks: &[Task]) -> Result<(), EngineError> {
        outdated(tasks).try_for_each(|task| self.session.engine.remove(&task.container))
    }

    /// Ends and removes all of them, with the app. Says which ran.
    pub(super) fn remove_tasks(&self, app: &RunningApp) -> Result<(), EngineError> {
        let tasks = self.tasks(app)?;
        let running: Vec<&Task> = tasks.iter().filter(|task| task.state == TaskState::Running).collect();
        side_by_side(&running, |task| self.session.engine.stop(&task.container, GRACE))?;
        for task in tasks {
            self.session.engine.remove(&task.container)?;
            self.session.emit(Event::Deleted {
                app_name: app.subject().to_owned(),
                app_guid: app.guid.clone(),
                kind: "container".to_owned(),
                name: task.container_name,
            });
        }
        Ok(())
    }
}
