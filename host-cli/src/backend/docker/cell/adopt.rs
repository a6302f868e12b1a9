//! Gives the apps that run to the cell, or back to the engine: by their restart policy, without touching them otherwise.

use crate::backend::docker::ours::is_container;
use crate::engine::container_spec::RestartPolicy;
use crate::engine::{ContainerSummary, EngineError, Running};
use crate::labels;
use crate::session::Session;
use shared_model::event::{Event, EventSink};
use shared_model::plain_line::escape_control;
use std::collections::BTreeSet;

/// Gives the containers that run of these apps (guids) this policy; how many there are. One that has gone meanwhile is left out; one
/// that the engine refuses is warned of. Of other apps nothing is remembered: the cell does not start them again.
pub(crate) fn adopt(session: &Session, apps: &BTreeSet<String>, restart: RestartPolicy) -> Result<usize, EngineError> {
    let engine = &*session.engine;
    let mut adopted = 0;
    for one in engine.list_containers()?.iter().filter(|one| is_running_app(one, apps)) {
        if !is_container(engine, &one.labels, &one.image)? {
            continue;
        }
        match engine.set_restart_policy(&one.id, restart) {
            Ok(()) => adopted += 1,
            Err(EngineError::NotFound { .. }) => {}
            Err(error) => {
                let text = format!("container {} keeps its restart policy: {error}", escape_control(&one.name));
                session.emit(Event::Warning { text });
            }
        }
    }
    Ok(adopted)
}

fn is_running_app(one: &ContainerSummary, apps: &BTreeSet<String>) -> bool {
    one.label(labels::KIND) == labels::KIND_APP
        && one.labels.get(labels::APP_GUID).is_some_and(|guid| apps.contains(guid))
        && one.running == Running::Now
}
