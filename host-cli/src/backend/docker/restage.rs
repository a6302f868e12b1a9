//! Carries a restage out: the request is staged in a container, and what that leaves becomes the app's image.

use super::image_build::{Afterwards, Goal, ImageBuild};
use super::stage::{self, Staged, Staging, Subject};
use super::{old_images, preflight, start};
use crate::backend::registry::Publishing;
use crate::engine::Image;
use crate::failure::Failure;
use crate::image::MadeImage;
use crate::image::base::BaseSource;
use crate::plan::restage::RestagePlan;
use crate::plan::staging_container::work_folder;
use crate::session::Session;
use shared_model::event::{Event, EventSink};
use std::sync::Arc;

/// The image, unless none was wanted or the staging stopped short of one; nor is there one here where it was published.
pub(super) fn restage(
    session: &Session,
    plan: &RestagePlan,
    publishing: Option<&Publishing>,
) -> Result<Option<MadeImage>, Failure> {
    let stager_image = preflight::restage(&*session.engine, plan)?;
    let goal = goal(session, plan, publishing, &stager_image)?;
    if let Some((name, labels)) = &plan.volume {
        session.engine.ensure_volume(name, labels)?;
    }
    let mut spec = plan.container.clone();
    let info = session.engine.info()?;
    spec.disk_bytes = preflight::limits(session, &info, &spec).bound(spec.disk_bytes, stager_image.bytes);
    // Who keeps a container looks at all of it, and removes it without thinking of a volume.
    spec.scratch_folders.extend(work_folder(&info.store).filter(|_| plan.visit.is_none()));
    let unbounded = || session.emit(Event::Note { text: plan.unbounded.clone() });
    let container = session.create_bounded(&plan.container_name, &spec, unbounded)?;

    if let Some(identity) = &plan.identity {
        start::fill(session, &container, identity)?;
    }
    let mut build = plan.image.as_ref().map(|image| ImageBuild::new(session, &container, image, goal));
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
    let afterwards = if plan.visit.is_some() { Afterwards::MayStay } else { Afterwards::Goes };
    let Some(image) = build.finish(afterwards)? else { return Ok(None) };
    session.emit(image.event());
    old_images::remove(session, &planned.app_guid, planned.keep_images);
    Ok(Some(image))
}

/// Where the image goes: what it needs there is looked for before anything is staged.
fn goal(
    session: &Session,
    plan: &RestagePlan,
    publishing: Option<&Publishing>,
    stager_image: &Image,
) -> Result<Goal, Failure> {
    let (Some(planned), Some(publishing)) = (&plan.image, publishing) else {
        if let Some(planned) = &plan.image {
            preflight::image(&*session.engine, &planned.plan.base, "root file system")?;
        }
        return Ok(Goal::Engine);
    };
    let base = (&BaseSource::parse(&planned.plan.base), &stager_image.details.platform);
    let publisher = publishing.open(session.unconnected(), base, Some(Arc::clone(&session.engine)))?;
    Ok(Goal::Registry(Arc::new(publisher)))
}
