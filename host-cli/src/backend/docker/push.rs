//! An engine's image goes to a registry: sent from here as the engine exports it, or by the engine itself.
//!
//! - `by_engine`: the engine's way.

mod by_engine;

use crate::backend::push_target::Target;
use crate::backend::registry::Publishing;
use crate::engine::{EngineError, ImageId};
use crate::failure::Failure;
use crate::registry::push_by::PushBy;
use crate::session::Session;
use shared_model::event::{Event, EventSink, Step};
use shared_model::plain_line::escape_control;
use std::sync::Arc;

/// Pushes an image that is called `name` here.
pub(crate) fn push_image(session: &Session, image: &ImageId, name: &str, target: &Target) -> Result<(), Failure> {
    let sent = session.step(Step::Push, || {
        session.emit(Event::Pushing { image: name.to_owned(), reference: target.reference.name().to_owned() });
        match target.by {
            PushBy::Direct => directly(session, image, &target.publishing()),
            PushBy::Engine => by_engine::push(session, image, target),
        }
    });
    sent.map_err(|failure| {
        let again = format!("`{}` pushes it again", target.command(name));
        let text = format!("{} was not pushed: {}", escape_control(name), failure.text);
        let advice = if failure.advice.is_empty() { again } else { format!("{}\n{again}", failure.advice) };
        Failure::new(failure.code, text, advice)
    })
}

/// The engine exports the image, and it is sent from here, with the config that it has on the engine, where nothing changes.
pub(crate) fn directly(session: &Session, image: &ImageId, publishing: &Publishing) -> Result<(), Failure> {
    let gone = || EngineError::NotFound { what: format!("image {}", image.0) };
    let (image, here) = (session.engine.image(&image.0)?.ok_or_else(gone)?, session.unconnected());
    let (publisher, config) = publishing.open_for(here, &image, Arc::clone(&session.engine))?;
    let sent = publisher.whole(here, &config)?;
    publisher.tag(here, &sent).map(drop)
}
