//! Whether an engine has a cell, and what depends on that alone.

use crate::backend::docker::ours::is_container;
use crate::engine::container_spec::RestartPolicy;
use crate::engine::{Container, ContainerId, Engine, EngineError};
use crate::labels;
use crate::plan::cell::{APPS, NAME, PROGRAM};
use crate::state_folder;
use crate::wishes::Folder;

/// The cell's container, running or not; `None`: there is none. One of its name that somebody else made is none.
pub(crate) fn find(engine: &dyn Engine) -> Result<Option<Container>, EngineError> {
    let Some(found) = engine.container(&ContainerId(NAME.to_owned()))?.filter(is_one) else { return Ok(None) };
    // An image may have all of that: whoever runs it under that name would be told what is wanted of all apps.
    Ok(is_container(engine, &found.labels, &found.image)?.then_some(found))
}

fn is_one(container: &Container) -> bool {
    let label = |name| container.labels.get(name).map(String::as_str);
    let is_labelled = label(labels::KIND) == Some(labels::KIND_CELL) && label(labels::OWNER).is_some();
    is_labelled && container.name == NAME && container.entrypoint == [PROGRAM]
}

/// Where it is kept what is wanted of apps as long as the engine has no cell: in this user's state folder.
pub(crate) fn own_folder(engine: &dyn Engine) -> Option<Folder> {
    Some(Folder::at(engine.records()?.join(APPS)))
}

/// Who starts an app's container again that has ended: the cell where there is one, else the engine.
pub(crate) fn restart_policy(engine: &dyn Engine) -> Result<RestartPolicy, EngineError> {
    let is_kept = state_folder::of_cell().is_some() || find(engine)?.is_some();
    Ok(if is_kept { RestartPolicy::No } else { RestartPolicy::UnlessStopped })
}
