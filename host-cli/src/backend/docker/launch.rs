//! Carries a launch out: the app's newest image is started, and takes the earlier container's place.

use super::supervisor::SupervisorProgram;
use super::{free_ports, ours, preflight, start};
use crate::engine::{EngineInfo, Image, Quota};
use crate::failure::Failure;
use crate::labels;
use crate::plan::launch::{LaunchPlan, Prepared, log_config, published, url};
use crate::plan::not_done::DiskBound;
use crate::session::Session;
use shared_model::event::{Event, EventSink, Purpose, Step};

/// Starts the app and says where it answers.
pub(super) fn launch(session: &Session, supervisor: &SupervisorProgram<'_>, plan: &LaunchPlan) -> Result<(), Failure> {
    let engine = &*session.engine;
    preflight::network(engine, plan.network())?;
    let image = ours::app_image(session, plan)?;
    let process_types = image.labels.get(labels::PROCESS_TYPES).map(String::as_str);
    let mut container = plan.container(&image.id, process_types)?;
    let holding = session.hold(&plan.guard, &image.id.0)?;
    container.log = log_config(&engine.container(&holding)?.unwrap_or_default().log);
    let info = engine.info()?;
    let program = supervisor.get(session, &info.architecture)?;
    let earlier = start::previous(engine, &plan.app_guid, &plan.process.process_type)?;
    session.emit(Event::Launching {
        app_name: plan.app.clone(),
        app_guid: plan.app_guid.clone(),
        process: plan.process.process_type.clone(),
        image: image.tags.first().unwrap_or(&image.id.0).clone(),
    });
    for text in &plan.not_done.warnings {
        session.emit(Event::Warning { text: text.clone() });
    }

    let (container, ports) = session.step(Step::Launch, || {
        start::make_room(session, &earlier, &plan.ports)?;
        let ports = free_ports::choose(engine, &plan.ports)?;
        let prepared = plan.prepared(published(container, &ports), &image.details.settings, program);
        let (prepared, disk) = bounded(session, &info, prepared, &image);
        Ok((start::start(session, plan, &prepared, disk, &earlier)?, ports))
    })?;
    let name = plan.container_name.clone();
    session.emit(Event::Running { url: url(&ports), container: container.0, name: name.clone() });
    session.emit(Event::Next { purpose: Purpose::Log, command: format!("docker logs {name}") });
    Ok(())
}

/// The container as far as the engine bounds what it writes, and how far that is.
fn bounded(session: &Session, info: &EngineInfo, mut prepared: Prepared, image: &Image) -> (Prepared, DiskBound) {
    let quota = preflight::limits(session, info, &prepared.container);
    prepared.container.disk_bytes = quota.bound(prepared.container.disk_bytes, image.bytes);
    let disk = match quota {
        Quota::Nothing => DiskBound::Missing,
        Quota::WithImage => DiskBound::Perhaps,
        Quota::Written => DiskBound::Kept,
    };
    (prepared, disk)
}
