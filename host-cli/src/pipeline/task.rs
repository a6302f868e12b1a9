//! One-off tasks: from what is remembered of an app to a container that runs another command.

use super::life::{known, remember};
use crate::backend::docker::OneEngine;
use crate::backend::docker::apps::AppsOnEngine;
use crate::cell::record_file::now;
use crate::engine::ContainerId;
use crate::failure::Failure;
use crate::plan::apps::Selected;
use crate::plan::launch::Size;
use crate::plan::recipe::Which;
use crate::plan::task::{TaskOrder, container_name, refusal};
use crate::plan::wish::AppWish;
use crate::session::Session;
use shared_model::exit_code::ExitCode;
use shared_model::names::listed;
use shared_model::plain_line::escape_control;
use shared_model::process_type::WEB;
use uuid::Uuid;

/// Characters of a name that nobody chose.
const SHORT: usize = 8;

/// A task as it was typed.
#[derive(Clone, Debug)]
pub(crate) struct TypedTask<'a> {
    /// `None`: web's, or the only one's.
    pub(crate) process: Option<&'a str>,
    /// What it runs; `None`: what its process runs.
    pub(crate) command: Option<&'a str>,
    /// `None`: one is made.
    pub(crate) name: Option<&'a str>,
    /// How much it may use; `None` each: as much as an instance of its process.
    pub(crate) size: Size,
}

/// A task that runs.
#[derive(Clone, Debug)]
pub(crate) struct StartedTask {
    /// Its number.
    pub(crate) id: u64,
    /// For people.
    pub(crate) name: String,
    /// Its container.
    pub(crate) container: ContainerId,
    /// Its container's name.
    pub(crate) container_name: String,
}

/// Starts a task of what is meant of an app, and leaves it running.
///
/// # Errors
/// Nothing is remembered of the app, its image is gone, or the engine refuses.
pub(crate) fn run_task(session: &Session, selected: &Selected, typed: &TypedTask<'_>) -> Result<StartedTask, Failure> {
    let instance = Uuid::new_v4().to_string();
    let made: String = instance.chars().take(SHORT).collect();
    let name = typed.name.unwrap_or(&made);
    if let Some(text) = refusal(name, typed.command) {
        return Err(Failure::new(ExitCode::CommandLine, text, "choose another --name or --command"));
    }
    let app = &selected.app;
    let wish = known(session, &app.guid, app.subject())?;
    let process = process(&wish, typed.process.or(selected.part.process.as_deref()));
    let Some((wanted, revision, recipe)) = wish.current(&process) else {
        let known = listed(wish.processes.keys());
        let text = format!(
            "nothing is remembered of process {} of {}; there is {}",
            escape_control(&process),
            escape_control(app.subject()),
            escape_control(&known)
        );
        return Err(Failure::new(ExitCode::CommandLine, text, "name one of them with --process"));
    };
    let size = typed.size.or(wanted.size);
    let mut plan = recipe.plan(Which { instance: &instance, index: 0, size })?;
    plan.sidecars.clear(); // they are for those who answer
    let place = AppsOnEngine::new(session);
    let tasks = place.tasks(app)?;
    place.remove_outdated_tasks(&tasks)?;
    let highest = tasks.first().map_or(0, |task| task.id);
    let order = TaskOrder { id: number(session, &wish, highest, name), name, command: typed.command };
    let container = OneEngine::new(session, &recipe.stager_image).run_task(&plan, &revision.image, &order)?;
    let (id, name, container_name) = (order.id, name.to_owned(), container_name(&plan.container_name));
    Ok(StartedTask { id, name, container, container_name })
}

/// The process that was named; else web, or the first one of an app that has none.
fn process(wish: &AppWish, named: Option<&str>) -> String {
    let first = || wish.processes.keys().next().cloned();
    let web = || wish.processes.contains_key(WEB).then(|| WEB.to_owned());
    named.map(str::to_owned).or_else(web).or_else(first).unwrap_or_else(|| WEB.to_owned())
}

/// The next number, which is remembered, so that none is given twice; `highest` is that of what is there.
fn number(session: &Session, wish: &AppWish, highest: u64, name: &str) -> u64 {
    let now = now();
    let remembered = remember(session, (&wish.guid, &wish.name), |wish| {
        let mut wish = wish?;
        wish.last_task = wish.last_task.max(highest).saturating_add(1);
        let what = format!("task {} ({})", wish.last_task, name.escape_default());
        wish.tell(now, "audit.app.task.create", what);
        Some(wish)
    });
    remembered.map_or_else(|| highest.saturating_add(1), |wish| wish.last_task)
}
