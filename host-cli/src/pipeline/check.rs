//! What must be there before anything is done: better said now than after minutes of staging.

use crate::engine::{Engine, EngineError, Image, Limits, Quota};
use crate::failure::Failure;
use crate::image::created;
use crate::pipeline::road::Road;
use crate::plan::container::ContainerSpec;
use crate::plan::{app, cache, labels};
use jiff::Timestamp;
use shared_model::desired_lrp::DesiredLrp;
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::visible;

/// The network exists.
pub(crate) fn network(engine: &dyn Engine, name: &str) -> Result<(), Failure> {
    if engine.has_network(name)? {
        return Ok(());
    }
    Err(Failure::new(
        ExitCode::Engine,
        format!("there is no network {:?} on this Docker Engine", visible(name)),
        "`docker network ls` lists those that there are, --network chooses one; for a try-out `mini-hcf up` makes one",
    ))
}

/// Says which of the container's limits this engine does not keep; it would not say so itself. What its storage can bound.
pub(crate) fn limits(road: &Road, spec: &ContainerSpec) -> Result<Quota, Failure> {
    let facts = road.engine.facts()?;
    let Limits { memory, processes } = facts.limits;
    let lost = match (spec.memory_bytes > 0 && !memory, spec.pids > 0 && !processes) {
        (false, false) => return Ok(facts.quota),
        (true, false) => "memory",
        (false, true) => "processes",
        (true, true) => "memory and processes",
    };
    let text = format!(
        "this Docker Engine keeps no limit of {lost}: the container may use all that there is (`docker info` says why)"
    );
    road.emit(Event::Warning { text });
    Ok(facts.quota)
}

/// The image `reference` exists; `role` says what it is for.
pub(crate) fn image(engine: &dyn Engine, reference: &str, role: &str) -> Result<Image, Failure> {
    engine.image(reference)?.ok_or_else(|| {
        Failure::new(
            ExitCode::Engine,
            format!("there is no {role} {:?} on this Docker Engine", visible(reference)),
            "`docker/build` makes it; `docker image ls` lists the images that there are",
        )
    })
}

/// The newest image of the launch request's app; found by its label, since names can be given to anything. Says so when
/// it is older than the request, `requested`: then the app was pushed again since.
pub(crate) fn app_image(road: &Road, lrp: &DesiredLrp, requested: Option<Timestamp>) -> Result<Image, Failure> {
    let of_app = road.engine.images_labelled(labels::APP_GUID, lrp.app_guid())?;
    let Some(image) = newest(&*road.engine, of_app.into_iter().filter(is_app))? else {
        let text = format!("there is no image of {} ({}) yet", visible(&app::shown_name(lrp)), visible(lrp.app_guid()));
        return Err(Failure::new(ExitCode::Launch, text, "restage it first: `host-cli restage APP`"));
    };
    if let Some(requested) = requested.filter(|requested| (1..requested.as_second()).contains(&age(&image))) {
        let made = Timestamp::from_second(age(&image)).unwrap_or_default();
        let text = format!(
            "the image of {made} is older than the launch request of {requested:.0}: `restage` makes a new one"
        );
        road.emit(Event::Warning { text });
    }
    Ok(image)
}

/// Whether it is an app's image of ours.
pub(crate) fn is_app(image: &Image) -> bool {
    image.labels.get(labels::KIND).is_some_and(|kind| kind == labels::KIND_APP)
}

/// Of images from a list the one that was made or named last, with its details; `None` where there is none.
pub(crate) fn newest(
    engine: &dyn Engine,
    listed: impl IntoIterator<Item = Image>,
) -> Result<Option<Image>, EngineError> {
    let mut newest = None;
    for listed in listed {
        // One that is gone by now is not the newest.
        let image = engine.image(&listed.id.0)?;
        newest = image.into_iter().chain(newest).max_by_key(|image| (!is_superseded(image), age(image)));
    }
    Ok(newest)
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

/// The cache volume exists.
pub(crate) fn volume(engine: &dyn Engine, name: &str) -> Result<(), Failure> {
    volume_name(name)?;
    if engine.has_volume(name)? {
        return Ok(());
    }
    Err(Failure::new(
        ExitCode::Engine,
        format!("there is no volume {:?} on this Docker Engine, so nothing is cached in it", visible(name)),
        "`host-cli cache-up` or `host-cli restage` makes it; --cache-volume names another",
    ))
}

/// `name` can be a volume's.
pub(crate) fn volume_name(name: &str) -> Result<(), Failure> {
    if cache::is_volume_name(name) {
        return Ok(());
    }
    Err(Failure::new(
        ExitCode::CommandLine,
        format!("--cache-volume {:?} is no name of a volume", visible(name)),
        "letters, digits and _.- make one; `docker volume ls` lists those that there are",
    ))
}
