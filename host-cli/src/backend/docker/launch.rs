//! Carries a launch out: the app's newest image, or a docker app's from its registry, is started, and takes the earlier
//! container's place.

use super::supervisor::SupervisorProgram;
use super::{free_ports, launch_rootfs, lifecycle, ours, preflight, pull, start};
use crate::engine::container_spec::ContainerSpec;
use crate::engine::{EngineInfo, Image, Store};
use crate::failure::Failure;
use crate::plan::filled_folder::FilledFolder;
use crate::plan::image_source::ImageSource;
use crate::plan::launch::{LaunchPlan, Prepared, log_config, published, url};
use crate::plan::not_done::DiskBound;
use crate::session::Session;
use shared_model::event::{Event, EventSink, Purpose, Step};

/// Starts the app and says where it answers.
pub(super) fn launch(session: &Session, supervisor: &SupervisorProgram<'_>, plan: &LaunchPlan) -> Result<(), Failure> {
    let engine = &*session.engine;
    preflight::network(engine, plan.network())?;
    if let Some(lifecycle) = &plan.lifecycle {
        lifecycle::preflight(engine, lifecycle)?;
    }
    let known = known_image(session, plan)?;
    let holding = session.hold(&plan.guard, &known.id.0)?;
    let known = match plan.image {
        ImageSource::Droplet => launch_rootfs::image(session, plan, known)?,
        ImageSource::Registry(_) => known,
    };
    let log = log_config(&engine.container(&holding)?.unwrap_or_default().log);
    let info = engine.info()?;
    let program = supervisor.get(session, &info.architecture, !plan.sidecars.is_empty())?;
    let earlier = start::previous(engine, &plan.app_guid, &plan.process.process_type)?;
    session.emit(Event::Launching {
        app_name: plan.app.clone(),
        app_guid: plan.app_guid.clone(),
        process: plan.process.process_type.clone(),
        image: match &plan.image {
            ImageSource::Droplet => known.tags.first().unwrap_or(&known.id.0).clone(),
            ImageSource::Registry(image) => image.reference.name().to_owned(),
        },
    });
    for text in &plan.not_done.warnings {
        session.emit(Event::Warning { text: text.clone() });
    }

    let (image, lifecycle) = fetch(session, plan, known, &info.store)?;
    let container = ContainerSpec { log, ..plan.container_of(&image)? };
    let (container, ports) = session.step(Step::Launch, || {
        start::make_room(session, &earlier, &plan.ports)?;
        let ports = free_ports::choose(engine, &plan.ports)?;
        let prepared = plan.prepared(published(container, &ports), &image.details.settings, program);
        let (prepared, disk) = bounded(session, &info, prepared, &image);
        Ok((start::start(session, plan, lifecycle.as_ref(), &prepared, disk, &earlier)?, ports))
    })?;
    let name = plan.container_name.clone();
    session.emit(Event::Running { url: url(&ports), container: container.0, name: name.clone() });
    session.emit(Event::Next { purpose: Purpose::Log, command: format!("docker logs {name}") });
    Ok(())
}

/// An image that is no stranger's: the app's own, where it has one, which suits the plan; else the stager image. Of it the guard
/// is made, whose labels must be its own.
fn known_image(session: &Session, plan: &LaunchPlan) -> Result<Image, Failure> {
    let ImageSource::Droplet = plan.image else {
        return preflight::image(&*session.engine, &plan.stager_image, preflight::STAGER);
    };
    let image = ours::app_image(session, plan)?;
    plan.container_of(&image)?;
    Ok(image)
}

/// The image that is started, and what is put into its container, as far as it comes from elsewhere.
fn fetch(
    session: &Session,
    plan: &LaunchPlan,
    known: Image,
    store: &Store,
) -> Result<(Image, Option<FilledFolder>), Failure> {
    let Some(lifecycle) = &plan.lifecycle else { return Ok((known, None)) };
    session.step(Step::Fetch, || {
        let lifecycle = lifecycle::fetch(session, lifecycle)?;
        let image = match &plan.image {
            ImageSource::Droplet => known,
            ImageSource::Registry(wanted) => pull::image(session, wanted, &known, store)?,
        };
        Ok((image, Some(lifecycle)))
    })
}

/// The container as far as the engine bounds what it writes, and how far that is.
fn bounded(session: &Session, info: &EngineInfo, mut prepared: Prepared, image: &Image) -> (Prepared, DiskBound) {
    let quota = preflight::limits(session, info, &prepared.container);
    prepared.container.disk_bytes = quota.bound(prepared.container.disk_bytes, image.bytes);
    (prepared, DiskBound::new(quota, &image.details.settings))
}
