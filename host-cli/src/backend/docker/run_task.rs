//! Starts a one-off task: a container of the app's image with the app's files and launcher, and another command.

use super::bounds::{bounded, usual_log};
use super::launch::started_before;
use super::start::fill;
use super::supervisor::SupervisorProgram;
use super::{lifecycle, preflight};
use crate::engine::ContainerId;
use crate::engine::container_spec::ContainerSpec;
use crate::failure::Failure;
use crate::plan::launch::{LaunchPlan, log_config};
use crate::plan::task::{TaskOrder, container_name, task_container};
use crate::session::Session;
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;

/// Starts it of the image of this id and leaves it running; `plan` is of its process, without sidecars. Its container.
///
/// # Errors
/// The image is gone, or the engine refuses; nothing of it is left then.
pub(super) fn start(
    session: &Session,
    supervisor: &SupervisorProgram<'_>,
    plan: &LaunchPlan,
    (image, order): (&str, &TaskOrder<'_>),
) -> Result<ContainerId, Failure> {
    let engine = &*session.engine;
    preflight::network(engine, plan.network())?;
    let image = started_before(session, plan, image)?;
    let fetched = match &plan.lifecycle {
        Some(lifecycle) => {
            lifecycle::preflight(engine, lifecycle)?;
            Some(lifecycle::fetch(session, lifecycle)?)
        }
        None => None,
    };
    let usual = usual_log(session, &image.id.0).unwrap_or_default();
    let info = engine.info()?;
    let program = supervisor.get(session, &info.architecture, false)?;
    let container = task_container(plan.container_of(&image)?, order);
    let container = ContainerSpec { log: log_config(&usual), ..container };
    let (prepared, _) = bounded(session, &info, plan.prepared(container, &image.details.settings, program), &image);
    let is_unbounded = || {
        let text = "the engine's storage does not bound what the task writes";
        session.emit(Event::Warning { text: text.to_owned() });
    };
    let (spec, name) = (&prepared.container, container_name(&plan.container_name));
    let container = session.create_bounded(&name, spec, is_unbounded)?;
    for folder in plan.folders.iter().chain(&fetched).chain(&prepared.supervisor) {
        fill(session, &container, folder)?;
    }
    let started = engine.start(&container).map_err(|error| Failure::from(error.hiding(spec)));
    started.map_err(|failure| Failure { code: ExitCode::Launch, ..failure })?;
    session.cleanup().release(&container);
    Ok(container)
}
