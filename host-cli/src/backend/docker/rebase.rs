//! Puts an app's image upon another root file system of the engine; what becomes of its names is decided in `plan`.

use crate::engine::Image;
use crate::failure::Failure;
use crate::image::provenance::base_of;
use crate::image::rebase::Rebase;
use crate::image::rebase_plan::RebasePlan;
use crate::image::{EngineDestination, ImageBy, ImageError, MadeImage, UntaggedImage, tag};
use crate::plan::rebase::{RebaseOptions, Rebasing, rebase};
use crate::session::Session;
use shared_model::event::{Event, EventSink, Step};
use shared_model::plain_line::escape_control;

/// How the image goes into the engine.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Import {
    /// The way.
    pub(crate) by: ImageBy,
    /// Whether to say why that way was chosen.
    pub(crate) verbose: bool,
}

/// `image`, which is ours, comes to be on another root file system; says so, or that it is there.
pub(crate) fn onto(
    session: &Session,
    image: &Image,
    options: &RebaseOptions<'_>,
    import: Import,
) -> Result<(), Failure> {
    let base = session.engine.image(options.base)?;
    let base = base.ok_or_else(|| ImageError::BaseMissing { base: options.base.to_owned() })?;
    let former = base_of(&*session.engine, image)?;
    let Some(Rebasing { plan, names, warning }) = rebase(image, former.as_ref(), base, options)? else {
        let text = format!("The image stands on {} already", escape_control(options.base));
        session.emit(Event::Note { text });
        let (id, names) = (image.id.clone(), options.names.to_vec());
        if !names.is_empty() {
            let made = tag(&*session.engine, UntaggedImage { id, names, droplet: String::new() })?;
            session.emit(made.event());
        }
        return Ok(());
    };
    if let Some(text) = warning {
        session.emit(Event::Warning { text });
    }
    session.emit(made(session, image, &plan, names, import)?.event());
    Ok(())
}

/// Makes the image, or finds it, and gives it the names; an image of ours that loses its last one by that goes.
pub(super) fn made(
    session: &Session,
    image: &Image,
    plan: &RebasePlan,
    names: Vec<String>,
    Import { by, verbose }: Import,
) -> Result<MadeImage, Failure> {
    let engine = &*session.engine;
    session.step(Step::Image, || {
        let untagged = session.make_image(|stop| {
            let destination = EngineDestination { engine, journal: session, by, verbose };
            let rebase = Rebase { source: engine, destination: &destination, stop, events: session };
            Ok(UntaggedImage { id: rebase.make(&image.id, plan)?, names, droplet: String::new() })
        })?;
        Ok(tag(engine, untagged)?)
    })
}
