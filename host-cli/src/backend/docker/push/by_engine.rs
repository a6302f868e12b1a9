//! The engine pushes: what bears the name that the image gets there, which it keeps here too. When that fails, the name goes back to
//! where it was.

use crate::backend::docker::hearing::{Direction, Hearing};
use crate::backend::docker::layer_totals::Sum;
use crate::backend::docker::refusal;
use crate::backend::push_target::Target;
use crate::backend::registry::warn_of_helper;
use crate::engine::{EngineError, ImageId};
use crate::failure::Failure;
use crate::registry::reference::Reference;
use crate::registry::refusal::Speaker;
use crate::session::{Session, bears, millis};
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use std::time::Instant;

/// Has the engine push its image, and says under which digest the registry has it.
pub(super) fn push(session: &Session, image: &ImageId, target: &Target) -> Result<(), Failure> {
    let (Target { reference, credentials, .. }, began) = (target, Instant::now());
    warn_of_helper(session, credentials, "pushing");
    let guard = session.tag_temporarily(image, reference.name())?;
    let mut hearing = Hearing::new(session, reference, Direction::Push);
    let digest = session.engine.push(reference, credentials, &mut |told| hearing.hear(&told));
    let digest = digest.map_err(|error| refused(error, target))?;
    it_was_this_image(session, image, reference)?;
    the_registry_has_it(session, target, &digest)?;
    session.dismiss(guard.as_ref()); // first, or it would be taken back from a killed host-cli
    session.cleanup().keep_tag(reference.name())?;
    let Sum { bytes, sent: layers_pushed, known: layers_existing, .. } = hearing.sum();
    let (reference, ms) = (reference.name().to_owned(), millis(began));
    session.emit(Event::Pushed { reference, digest, bytes, layers_pushed, layers_existing, ms });
    Ok(())
}

/// What the engine, or the registry through it, answered instead of a digest.
fn refused(error: EngineError, target: &Target) -> Failure {
    let Target { reference, credentials, .. } = target;
    match error {
        EngineError::Refused { reason, .. } => {
            let refusal = refusal::parse(&reason);
            let text = format!("{}: {reason}", refusal.text(Speaker::Engine, reference, credentials));
            Failure::new(ExitCode::Image, text, refusal.advice(Speaker::Engine, reference, credentials))
        }
        EngineError::NotFound { .. } | EngineError::InvalidReference { .. } => {
            Failure::new(ExitCode::Image, error.to_string(), "")
        }
        EngineError::Connect(_) | EngineError::Unreachable { .. } | EngineError::Forbidden { .. } => error.into(),
    }
}

/// An engine pushes whatever bears the name; another push to the same name may have given it to another image meanwhile.
fn it_was_this_image(session: &Session, image: &ImageId, reference: &Reference) -> Result<(), Failure> {
    if bears(&*session.engine, image, reference.name())? {
        return Ok(());
    }
    let text = format!("{reference} was moved to another image during the push; the registry may have that one");
    Err(Failure::new(ExitCode::Image, text, "push again, and run one push to a name at a time"))
}

/// What the registry answers for the name is what was pushed. A registry that does not answer is believed.
fn the_registry_has_it(session: &Session, target: &Target, pushed: &str) -> Result<(), Failure> {
    let Target { reference, credentials, .. } = target;
    match session.engine.digest_in_registry(reference, credentials) {
        Some(found) if found != pushed => {
            let text = format!(
                "what {} got is not what was sent (digest mismatch): {pushed} was sent, and {reference} is {found}",
                reference.registry()
            );
            let advice = "did somebody else push there at the same time? A registry, or a proxy in front of it, that \
                          changes what passes cannot be relied on";
            Err(Failure::new(ExitCode::Image, text, advice))
        }
        _ => Ok(()),
    }
}
