//! Which image of an app is taken: the newest of those that are ours. Labels only name candidates; see
//! [`crate::image::provenance`].

use crate::engine::{Engine, EngineError, Image, ImageId};
use crate::failure::Failure;
use crate::image::created;
use crate::image::provenance::{Foreign, Provenance, is_labelled, provenance};
use crate::labels;
use crate::plan::guard;
use crate::plan::launch::LaunchPlan;
use crate::session::Session;
use jiff::Timestamp;
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The newest image of the app that is to be launched. Says so when it is older than the request: then the app was
/// pushed again since.
pub(super) fn app_image(session: &Session, plan: &LaunchPlan) -> Result<Image, Failure> {
    let of_app = session.engine.images_labelled(labels::APP_GUID, &plan.app_guid)?;
    let found = newest(session, of_app.into_iter().filter(is_labelled));
    let Some(image) = found.map_err(|failure| Failure { code: launch_code(failure.code), ..failure })? else {
        let text = format!("no app image for \"{}\" ({})", escape_control(&plan.app), escape_control(&plan.app_guid));
        return Err(Failure::new(ExitCode::Launch, text, "stage it first: `host-cli restage APP`"));
    };
    if let Some(requested) = plan.requested.filter(|requested| (1..requested.as_second()).contains(&age(&image))) {
        let made = Timestamp::from_second(age(&image)).unwrap_or_default();
        let text = format!(
            "the image ({made}) is older than the launch request ({requested:.0}); `host-cli restage` makes a new one"
        );
        session.emit(Event::Warning { text });
    }
    Ok(image)
}

/// Whether a container of this image was made by us: its labels are its own, and not the image's. One whose image is gone is nobody's.
pub(crate) fn is_container(
    engine: &dyn Engine,
    labels: &BTreeMap<String, String>,
    image: &ImageId,
) -> Result<bool, EngineError> {
    Ok(engine.image(&image.0)?.is_some_and(|image| guard::are_its_own(labels, &image)))
}

/// An image that cannot be taken is a launch that fails.
fn launch_code(code: ExitCode) -> ExitCode {
    if code == ExitCode::Image { ExitCode::Launch } else { code }
}

/// Of images from a list the one that was made or named last and is ours, with its details: one that we remember, before any
/// that is ours by its content alone; `None` where the list is empty. A newer one that is passed over is named.
///
/// # Errors
/// There are images, and none of them is ours.
pub(crate) fn newest(session: &Session, listed: impl IntoIterator<Item = Image>) -> Result<Option<Image>, Failure> {
    let mut images = Vec::new();
    for listed in listed {
        // One that is gone by now is not the newest.
        images.extend(session.engine.image(&listed.id.0)?);
    }
    sort_newest_first(&mut images);
    let mut judged = Vec::new();
    for image in images {
        let judgement = provenance(&*session.engine, &image)?;
        let is_remembered = judgement == Ok(Provenance::Remembered);
        judged.push((image, judgement));
        if is_remembered {
            break; // whatever is older is not taken
        }
    }
    // What somebody made like ours, to the byte, is no match for what we remember.
    let first = |wanted| judged.iter().position(|(_, judgement)| *judgement == Ok(wanted));
    let Some(at) = first(Provenance::Remembered).or_else(|| first(Provenance::ByContent)) else {
        let refused = judged.first().and_then(|(image, judgement)| Some(not_ours(image, judgement.as_ref().err()?)));
        return refused.map_or(Ok(None), Err);
    };
    if let Some((newer, judgement)) = judged[..at].first() {
        let why = match judgement {
            Ok(_) => format!("this user did not make the image {} here", name_of(newer)),
            Err(foreign) => not_ours(newer, foreign).text,
        };
        session.emit(Event::Warning { text: format!("{why}; using an older one") });
    }
    let (image, judgement) = judged.swap_remove(at);
    if judgement == Ok(Provenance::ByContent) {
        session.emit(made_elsewhere(&image));
    }
    Ok(Some(image))
}

/// The image, with its details, is ours. Says so where that follows from its content alone.
pub(crate) fn require(session: &Session, image: &Image) -> Result<(), Failure> {
    match provenance(&*session.engine, image)? {
        Ok(Provenance::Remembered) => {}
        Ok(Provenance::ByContent) => session.emit(made_elsewhere(image)),
        Err(foreign) => return Err(not_ours(image, &foreign)),
    }
    Ok(())
}

fn name_of(image: &Image) -> Cow<'_, str> {
    escape_control(image.tags.first().unwrap_or(&image.id.0))
}

fn made_elsewhere(image: &Image) -> Event {
    let text = "its layers and settings are an app image's";
    Event::Note { text: format!("This user did not make the image {} here; {text}", name_of(image)) }
}

fn not_ours(image: &Image, foreign: &Foreign) -> Failure {
    let text = format!(
        "image {} ({}) is not an app image of stager's: {foreign}",
        name_of(image),
        escape_control(&image.id.0)
    );
    let advice = "`host-cli restage APP` makes the app's image anew; `docker run` and `docker push` take any image";
    Failure::new(ExitCode::Image, text, advice)
}

/// The one that was made or named last comes first; what `restage` has made another of since, behind all that are not.
pub(super) fn sort_newest_first(images: &mut [Image]) {
    images.sort_by_key(|image| Reverse((!is_superseded(image), age(image))));
}

/// When the image came to be what it is, in seconds since 1970; 0 where nobody knows. Its own time is the same for all that
/// were made reproducibly; most engines, though not Podman, know when it got its name.
fn age(image: &Image) -> i64 {
    match (image.details.named, image.created) {
        (0, created::FIXED) => 0,
        (0, created) => created,
        (named, _) => named,
    }
}

/// Whether `restage` has made a newer one of its app since: it has kept its droplet's name, and `latest` has gone on. When
/// such a one is pushed it gets one more name, and would look newer than it is.
fn is_superseded(image: &Image) -> bool {
    let mut ours = image.tags.iter().filter(|tag| tag.contains(labels::REPOSITORIES)).peekable();
    ours.peek().is_some() && ours.all(|tag| tag.contains(":droplet-"))
}
