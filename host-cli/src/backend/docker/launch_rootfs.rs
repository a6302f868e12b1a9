//! Puts an app's image on the root file system that its launch request wants, before it is started.

use super::rebase::{Import, made};
use crate::engine::{EngineError, Image};
use crate::failure::Failure;
use crate::image::Records;
use crate::image::provenance::base_of;
use crate::plan::launch::LaunchPlan;
use crate::plan::launch_rootfs::OtherRootfs;
use crate::session::Session;
use shared_model::event::{Event, EventSink};

/// What a launch starts in place of `image`: the same on the root file system that its request wants, where that is here and nobody
/// chose another for the image. Says what it does, or why it does not.
pub(super) fn image(session: &Session, launch: &LaunchPlan, image: Image) -> Result<Image, Failure> {
    let engine = &*session.engine;
    let base = base_of(engine, &image)?;
    let Some(other) = OtherRootfs::new(&launch.stack, &image, base.as_ref()) else { return Ok(image) };
    let there = match engine.image(&other.name()) {
        // A stack is whatever the request says.
        Err(EngineError::InvalidReference { .. }) => None,
        found => found?,
    };
    match other.moved(&image, Records::open(engine).know(&image), there) {
        Ok(None) => Ok(image),
        Ok(Some(moved)) => {
            session.emit(Event::Note { text: moved.note });
            let made = made(session, &image, &moved.plan, vec![moved.name], Import::default())?;
            let gone = || EngineError::NotFound { what: format!("the image that was just made ({})", made.id.0) };
            Ok(engine.image(&made.id.0)?.ok_or_else(gone)?)
        }
        Err(text) => {
            session.emit(Event::Warning { text });
            Ok(image)
        }
    }
}
