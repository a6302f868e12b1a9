//! What host-clis left that are gone: killed, or cut off by a machine or an engine that went down. The next one that speaks to
//! the engine removes it first, and says so; where it cannot, its own work is not the worse for it.
//!
//! Labels name candidates. A container is ours where its labels are its own and not its image's; an image without a name is
//! ours where a guard tells of it and it is as we make it. A guard whose image was not seen stays for [`LONGEST_LOAD`]: the
//! engine may still be taking it in.

use crate::engine::{Container, ContainerSummary, EngineError, Image, ImageId, Images};
use crate::image::app_image;
use crate::image::config;
use crate::labels;
use crate::plan::guard;
use crate::plan::orphans::{LONGEST_LOAD, OLD, Verdict, guards_a_making, is_left_by_a_build, verdict};
use crate::session::Session;
use crate::session::temporary_tag::TemporaryTag;
use jiff::Timestamp;
use shared_model::event::{Event, EventSink};
use shared_model::plain_line::escape_control;
use std::collections::BTreeSet;
use std::time::Duration;

/// Removes what has no living owner.
#[expect(clippy::disallowed_methods, reason = "how long ago something ended is told by the clock on the wall")]
pub(crate) fn remove(session: &Session) {
    let Ok(seen) = session.engine.list_containers() else { return };
    let now = Timestamp::now().as_second();
    let (gone, foreign): (Vec<Orphan>, Vec<Orphan>) =
        seen.iter().filter_map(|one| Orphan::of(session, one, now)).partition(Orphan::is_ours);
    let mut strangers: Vec<&str> = foreign.iter().map(|one| one.seen.name.as_str()).collect();
    strangers.sort_unstable(); // An engine lists them by age.
    if let Some(text) = left_alone(&strangers) {
        session.emit(Event::Warning { text });
    }
    let guards = || gone.iter().filter(|one| one.is_guard());
    // Before the guards, which tell of them.
    for lent in guards().filter_map(|guard| TemporaryTag::from_labels(&guard.seen.labels)) {
        let was_out = lent.is_out(&*session.engine).is_ok_and(|out| out);
        let back = lent.take_back(&*session.engine);
        // The only name that an image has stays.
        if was_out && lent.is_out(&*session.engine).is_ok_and(|out| !out) {
            say(session, &format!("the name {} of an image", escape_control(&lent.name)), back);
        }
    }
    let makings: Vec<&Orphan> = guards().filter(|guard| guard.build_key().is_some()).collect();
    let settled = if makings.is_empty() { BTreeSet::new() } else { remove_images(session, &makings) };
    for one in gone.iter().filter(|one| !one.is_awaited(&settled, now)) {
        let name = escape_control(&one.seen.name);
        let what = if one.is_guard() { format!("guard {name}") } else { format!("container {name}") };
        say(session, &what, session.engine.remove(&one.seen.id));
    }
    // Behind the containers, which take their own along.
    for volume in session.engine.unused_volumes(labels::KIND_FILES).unwrap_or_default() {
        let what = format!("volume {}, with files of a container that is gone", escape_control(&volume));
        say(session, &what, session.engine.remove_volume(&volume));
    }
}

/// A container whose labels say that it is ours and has no living owner, with the image that it was made of.
struct Orphan<'a> {
    seen: &'a ContainerSummary,
    image: Image,
    container: Container,
}

impl<'a> Orphan<'a> {
    /// `None` for one that stays.
    fn of(session: &Session, seen: &'a ContainerSummary, now: i64) -> Option<Self> {
        let (engine, verdict) = (&*session.engine, verdict(seen));
        if verdict == Verdict::Stays {
            return None;
        }
        // Whoever has ended in order since the list was made has removed it.
        let container = engine.container(&seen.id).ok().flatten()?;
        let image = engine.image(&seen.image.0).ok().flatten()?;
        let goes = verdict == Verdict::Goes || is_older(seen, &container, OLD, now);
        goes.then_some(Self { seen, image, container })
    }

    /// Whether we made it; its labels say so of itself and not of its image.
    fn is_ours(&self) -> bool {
        if self.is_guard() {
            guard::is_one(&self.container, &self.image)
        } else {
            guard::are_its_own(&self.seen.labels, &self.image)
        }
    }

    fn is_guard(&self) -> bool {
        self.seen.labels.get(labels::KIND).is_some_and(|kind| kind == labels::KIND_GUARD)
    }

    /// Of what an image was being made behind this guard; `None`: it guards something else, be it of an app's image, whose
    /// build key it then has from there.
    fn build_key(&self) -> Option<&String> {
        let build_key = self.seen.labels.get(app_image::BUILD_KEY);
        build_key.filter(|_| self.is_guard() && self.image.labels.get(app_image::BUILD_KEY) != build_key)
    }

    /// Whether the image that this guard tells of may still come, or be there without a name; `settled` are the build keys
    /// of which that is not so.
    fn is_awaited(&self, settled: &BTreeSet<String>, now: i64) -> bool {
        let is_old = now.saturating_sub(self.seen.created) > seconds(LONGEST_LOAD);
        self.build_key().is_some_and(|build_key| !settled.contains(build_key)) && !is_old
    }

    /// Whether this image is what was being made, or a step on the way there.
    fn tells_of(&self, engine: &dyn Images, image: &Image) -> bool {
        self.tells_of_step(image) || self.tells_of_result(engine, image)
    }

    /// Whether it is a step of a build on this guard's image: of our labels it has one that its base has not.
    fn tells_of_step(&self, image: &Image) -> bool {
        let ours = image.labels.keys().filter(|name| name.starts_with(labels::PREFIX));
        let own: Vec<&String> = ours.filter(|name| self.own_label(image, name).is_some()).collect();
        let is_step = own == [labels::KIND] && self.own_label(image, labels::KIND) == Some(labels::KIND_APP);
        is_step && self.above(image).is_some_and(|above| above.len() <= app_image::LAYERS)
    }

    /// Whether it is the image whose build key this guard tells of, and nothing was done to it since.
    fn tells_of_result(&self, engine: &dyn Images, image: &Image) -> bool {
        let (Some(above), Some(build_key)) = (self.above(image), self.build_key()) else { return false };
        if image.labels.get(app_image::BUILD_KEY) != Some(build_key) {
            return false;
        }
        match image.labels.get(labels::KIND).map(String::as_str) {
            Some(labels::KIND_STAGER) => above.len() == 1,
            Some(labels::KIND_APP) => {
                let by_us = above.last().map(|digest| config::made_by_layer("droplet", digest));
                let steps = engine.history(&image.id).ok().flatten().unwrap_or_default();
                // A build's last line gives the labels.
                let is_last = |step: &String| Some(step) == by_us.as_ref() || step.contains(build_key.as_str());
                above.len() == app_image::LAYERS && steps.last().is_some_and(is_last)
            }
            _ => false,
        }
    }

    /// The layers above those of this guard's image; `None` where the image does not stand on it.
    fn above<'i>(&self, image: &'i Image) -> Option<&'i [String]> {
        image.details.layers.strip_prefix(&*self.image.details.layers)
    }

    /// A label that an image did not get from this guard's.
    fn own_label<'i>(&self, image: &'i Image, name: &str) -> Option<&'i str> {
        image.labels.get(name).filter(|value| self.image.labels.get(name) != Some(value)).map(String::as_str)
    }
}

/// What is said of containers that only look like ours: one line, however many a stranger made. `None`: there is none.
fn left_alone(names: &[&str]) -> Option<String> {
    const NAMED: usize = 3;
    let shown: Vec<_> = names.iter().take(NAMED).map(|name| escape_control(name)).collect();
    let shown = shown.join(", ");
    let more = names.len().saturating_sub(NAMED);
    match names.len() {
        0 => None,
        1 => Some(format!("container {shown} has stager's labels but was not made by stager; it is left alone")),
        count => {
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            let text = "containers have stager's labels but were not made by stager; they are left alone";
            Some(format!("{count} {text}: {shown}{more}"))
        }
    }
}

fn is_older(seen: &ContainerSummary, container: &Container, age: Duration, now: i64) -> bool {
    let since = if container.ended > 0 { container.ended } else { seen.created };
    since > 0 && now.saturating_sub(since) > seconds(age)
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

/// Removes images without a name that somebody was making who is gone, and what a build left of them. The build keys of
/// which nothing is left to do: their image has a name, was removed, or is made by somebody else too. One that the engine
/// took in behind the list of those without a name, or did not remove, waits for the next look.
fn remove_images(session: &Session, gone: &[&Orphan]) -> BTreeSet<String> {
    let engine = &*session.engine;
    let whole = |listed: &Image| engine.image(&listed.id.0).ok().flatten();
    let of_gone = |image: &Image| gone.iter().any(|guard| guard.tells_of(engine, image));
    let nameless = engine.dangling_images().unwrap_or_default();
    let nameless: Vec<Image> = nameless.iter().filter_map(whole).filter(of_gone).collect();
    let build_key_of = |image: &Image| image.labels.get(app_image::BUILD_KEY).cloned();
    let mut settled = BTreeSet::new();
    for build_key in gone.iter().filter_map(|guard| guard.build_key()) {
        let labelled = engine.images_labelled(app_image::BUILD_KEY, build_key).unwrap_or_default();
        if labelled.iter().filter_map(whole).any(|image| !image.tags.is_empty() && of_gone(&image)) {
            settled.insert(build_key.clone());
        }
    }
    // Looked at only now: whoever began to make one of these before it was listed has a guard here, or has ended.
    let Ok(seen) = engine.list_containers() else { return settled };
    let makings: Vec<&ContainerSummary> = seen.iter().filter(|one| guards_a_making(one)).collect();
    if makings.is_empty() {
        let is_of_gone = |one: &&ContainerSummary| {
            let image = engine.image(&one.image.0).ok().flatten();
            let is_of = |guard: &&Orphan, image: &Image| guard.image.id == image.id || guard.tells_of_step(image);
            image.is_some_and(|image| gone.iter().any(|guard| is_of(guard, &image)))
        };
        for one in seen.iter().filter(|one| is_left_by_a_build(one)).filter(is_of_gone) {
            say(session, &format!("container {}", escape_control(&one.name)), engine.remove(&one.id));
        }
    }
    let is_step = |image: &Image| gone.iter().any(|guard| guard.tells_of_step(image));
    let being_made = |image: &Image| {
        let same = |guard: &&ContainerSummary| guard.labels.get(app_image::BUILD_KEY) == build_key_of(image).as_ref();
        if is_step(image) { !makings.is_empty() } else { makings.iter().any(same) }
    };
    for image in &nameless {
        let ImageId(id) = &image.id;
        let is_shared = being_made(image);
        let removed = if is_shared { Ok(()) } else { engine.remove_dangling(&image.id) };
        // One that a container uses stays.
        let is_gone = !is_shared && matches!(engine.image(id), Ok(None));
        if is_gone {
            say(session, &format!("image {id}, which never got a name"), removed);
        }
        settled.extend(build_key_of(image).filter(|_| is_shared || is_gone));
    }
    settled
}

fn say(session: &Session, what: &str, removed: Result<(), EngineError>) {
    session.emit(match removed {
        Ok(()) => Event::Note { text: format!("Removed leftovers of an earlier host-cli: {what}") },
        Err(error) => {
            Event::Warning { text: format!("an earlier host-cli left {what}, which cannot be removed: {error}") }
        }
    });
}
