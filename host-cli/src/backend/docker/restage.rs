//! Carries a restage out: the request is staged in a container, and what that leaves becomes the app's image.

use super::image_build::{Afterwards, ImageBuild};
use super::stage::{self, Staged, Staging, Subject};
use super::{old_images, preflight, start};
use crate::failure::Failure;
use crate::image::MadeImage;
use crate::plan::restage::RestagePlan;
use crate::plan::staging_container::work_folder;
use crate::session::Session;
use shared_model::event::{Event, EventSink};

/// The image, unless none was wanted or the staging stopped short of one.
pub(super) fn restage(session: &Session, plan: &RestagePlan) -> Result<Option<MadeImage>, Failure> {
    let stager_image = preflight::restage(&*session.engine, plan)?;
    if let Some((name, labels)) = &plan.volume {
        session.engine.ensure_volume(name, labels)?;
    }
    let mut spec = plan.container.clone();
    let info = session.engine.info()?;
    spec.disk_bytes = preflight::limits(session, &info, &spec).bound(spec.disk_bytes, stager_image.bytes);
    spec.scratch_folders.extend(work_folder(&info.store));
    let unbounded = || session.emit(Event::Note { text: plan.unbounded.clone() });
    let container = session.create_bounded(&plan.container_name, &spec, unbounded)?;

    if let Some(identity) = &plan.identity {
        start::fill(session, &container, identity)?;
    }
    let mut build = plan.image.as_ref().map(|image| ImageBuild::new(session, &container, image));
    let staging = Staging {
        container: &container,
        document: plan.document.reveal(),
        keep: plan.visit.as_ref().map(|visit| visit.command(&container)),
        shows: |_| true,
        subject: Subject { image: &plan.container.image, memory_mb: plan.memory_mb, for_help: plan.for_help },
    };
    let staged = stage::stage(session, &staging, &mut |milestone| {
        if let Some(build) = &mut build {
            build.reach(milestone);
        }
    })?;
    let (Staged::Wholly, Some(build), Some(planned)) = (staged, build, &plan.image) else {
        return Ok(None);
    };
    let image = build.finish(if plan.visit.is_some() { Afterwards::MayStay } else { Afterwards::Goes })?;
    session.emit(image.event());
    old_images::remove(session, &planned.app_guid, planned.keep_images);
    Ok(Some(image))
}
