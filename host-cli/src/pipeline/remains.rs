//! What host-clis left that are gone: killed, or cut off by a machine or an engine that went down. The next one that makes
//! something removes it first, and says so; where it cannot, its own work is not the worse for it.

use crate::engine::{Engine, EngineError, Image, ImageId, Seen};
use crate::owner::Life;
use crate::pipeline::lent::Lent;
use crate::pipeline::road::Road;
use crate::plan::remains::{Fate, OLD, fate, guards_a_making, is_left_by_a_build, life_of};
use crate::plan::{app_image, labels};
use jiff::Timestamp;
use shared_model::event::{Event, EventSink};
use shared_model::plain_line::visible;

/// Removes what has no living owner.
#[expect(clippy::disallowed_methods, reason = "how long ago something ended is told by the clock on the wall")]
pub(crate) fn remove(road: &Road) {
    let Ok(seen) = road.engine.seen() else { return };
    let now = Timestamp::now().as_second();
    // Whoever has ended in order since the list was made has removed it.
    let is_there = |one: &&Seen| !matches!(road.engine.container(&one.id), Ok(None));
    let gone: Vec<&Seen> = seen.iter().filter(|one| goes(&*road.engine, one, now)).filter(is_there).collect();
    let guards = || gone.iter().filter(|one| is(one, labels::KIND, labels::KIND_GUARD));
    // Before the guards, which tell of them.
    for lent in guards().filter_map(|guard| Lent::of_labels(&guard.labels)) {
        let was_out = lent.is_out(&*road.engine).is_ok_and(|out| out);
        let back = lent.take_back(&*road.engine);
        // The only name that an image has stays.
        if was_out && lent.is_out(&*road.engine).is_ok_and(|out| !out) {
            say(road, &format!("the name {} of an image", visible(&lent.name)), back);
        }
    }
    remove_images(road, &seen, &guards().filter_map(|guard| guard.labels.get(app_image::RECIPE)).collect::<Vec<_>>());
    for one in gone {
        let removed = road.engine.remove(&one.id);
        if !is(one, labels::KIND, labels::KIND_GUARD) {
            say(road, &format!("container {}", visible(&one.name)), removed);
        }
    }
}

fn is(seen: &Seen, name: &str, value: &str) -> bool {
    seen.labels.get(name).is_some_and(|found| found == value)
}

fn goes(engine: &dyn Engine, seen: &Seen, now: i64) -> bool {
    match fate(seen) {
        Fate::Stays => false,
        Fate::Goes => true,
        Fate::GoesWhenOld => {
            let ended = engine.container(&seen.id).ok().flatten().map(|container| container.ended);
            let since = ended.map(|ended| if ended > 0 { ended } else { seen.created }).filter(|since| *since > 0);
            since.is_some_and(|since| now.saturating_sub(since) > i64::try_from(OLD.as_secs()).unwrap_or(i64::MAX))
        }
    }
}

/// Removes images without a name that somebody was making who is gone, and what a build left of them.
fn remove_images(road: &Road, before: &[Seen], recipes: &[&String]) {
    let Ok(nameless) = road.engine.nameless_images() else { return };
    let label = |image: &Image, name: &str| image.labels.get(name).cloned();
    let by_build = |image: &Image| is_app(image) && label(image, app_image::RECIPE).is_none();
    let by_recipe = |image: &Image| label(image, app_image::RECIPE).is_some_and(|recipe| recipes.contains(&&recipe));
    let by_owner = |image: &Image| {
        let is_stager = label(image, labels::KIND).as_deref() == Some(labels::KIND_STAGER);
        is_stager && life_of(label(image, labels::OWNER).as_deref()) == Life::Ended
    };
    let wanted = |image: &&Image| by_build(image) || by_recipe(image) || by_owner(image);
    let gone: Vec<&Image> = nameless.iter().filter(wanted).collect();
    if gone.is_empty() && !before.iter().any(is_left_by_a_build) {
        return;
    }
    // Looked at only now: whoever began to make one of these before it was listed has a guard here, or has ended.
    let Ok(seen) = road.engine.seen() else { return };
    let makings: Vec<&Seen> = seen.iter().filter(|one| guards_a_making(one)).collect();
    let being_made = |image: &Image| {
        let same = |guard: &&Seen| guard.labels.get(app_image::RECIPE) == image.labels.get(app_image::RECIPE);
        if by_build(image) { !makings.is_empty() } else { makings.iter().any(same) }
    };
    if makings.is_empty() {
        for one in seen.iter().filter(|one| is_left_by_a_build(one)) {
            say(road, &format!("container {}", visible(&one.name)), road.engine.remove(&one.id));
        }
    }
    for image in gone.into_iter().filter(|image| !being_made(image)) {
        let ImageId(id) = &image.id;
        let removed = road.engine.remove_nameless(&image.id);
        // One that a container uses stays.
        if matches!(road.engine.image(id), Ok(None)) {
            say(road, &format!("image {id}, which never got a name"), removed);
        }
    }
}

fn is_app(image: &Image) -> bool {
    image.labels.get(labels::KIND).is_some_and(|kind| kind == labels::KIND_APP)
}

fn say(road: &Road, what: &str, removed: Result<(), EngineError>) {
    road.emit(match removed {
        Ok(()) => Event::Note { text: format!("Removed what an earlier host-cli had left when it was ended: {what}") },
        Err(error) => Event::Warning { text: format!("an earlier host-cli has left {what}; it stays ({error})") },
    });
}
