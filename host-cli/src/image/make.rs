//! From droplet, lifecycle and base to an image in the engine.

use super::ImageError;
use super::bound::{Bound, GENEROUS, length};
use super::created::Created;
use super::droplet::droplet_layer;
use super::error::checked_names;
use super::lifecycle::{Lifecycle, lifecycle_layer};
use super::names;
use super::records::Records;
use super::send::{Finished, Sending};
use super::sha256::{sha256_of, sha256_of_bytes};
use super::stop::Stop;
use super::way::ImageBy;
use crate::engine::{Engine, EngineError, Image, ImageId};
use crate::image::app_image;
use crate::image::config::{self, ImagePlan};
use crate::labels;
use shared_model::event::{Event, EventSink};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Seek;

/// How layers are written; a change here makes images anew that would otherwise be taken as they are.
const LAYERS: &str = "3";

/// What the image is to be made of.
pub(crate) struct ImageOrder<'a> {
    /// The droplet (tgz); it is read from its start, twice.
    pub(crate) droplet: File,
    /// The launcher and its like.
    pub(crate) lifecycle: Lifecycle,
    /// The root file system's name or id.
    pub(crate) base: &'a str,
    /// What the image will be called.
    pub(crate) names: Names<'a>,
    /// Labels besides those of droplet, lifecycle and result; nothing secret.
    pub(crate) labels: BTreeMap<String, String>,
    /// The builder's result file; empty: none.
    pub(crate) result: String,
    /// How large the droplet's layer may become.
    pub(crate) bound: Bound,
    /// How the image is made.
    pub(crate) options: ImageOptions,
    /// Told of the base and the recipe before anything of the image is on the engine.
    pub(crate) begins: &'a dyn Fn(&str, &str),
    /// Whether it is still wanted.
    pub(crate) stop: Stop,
}

/// What the user decides about the making of an image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ImageOptions {
    /// The way into the engine.
    pub(crate) by: ImageBy,
    /// Whether to say why that way was chosen.
    pub(crate) verbose: bool,
    /// The time that the image gives as its own, and what no file of it is newer than.
    pub(crate) created: Created,
}

/// What an image will be called.
pub(crate) enum Names<'a> {
    /// So.
    Given(&'a [String]),
    /// As an app's images are called, after the app and the droplet.
    OfApp { name: &'a str, guid: &'a str },
}

/// An image that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MadeImage {
    /// Its first name.
    pub(crate) name: String,
    pub(crate) id: ImageId,
    /// With all layers.
    pub(crate) bytes: u64,
}

/// An image that is there, but not under the names that it is to get.
#[derive(Debug)]
pub(crate) struct Unnamed {
    /// It.
    pub(crate) id: ImageId,
    /// Those names; the first is what people read.
    pub(crate) names: Vec<String>,
    /// The sha256 of the droplet that it was made of, in hexadecimal digits; empty for an image of something else.
    pub(crate) droplet: String,
}

/// Makes the image, or finds one that was made of the same things; its names stay where they are. Says warnings and notes
/// only; steps and the image itself are for the caller to tell.
pub(crate) fn make_unnamed(
    engine: &dyn Engine,
    mut order: ImageOrder<'_>,
    events: &dyn EventSink,
) -> Result<Unnamed, ImageError> {
    let droplet_sha256 = droplet_digest(&mut order.droplet)?;
    let names = match order.names {
        Names::Given(names) => checked_names(names)?,
        Names::OfApp { name, guid } => app_image::names(name, guid, &droplet_sha256),
    };
    let base = find_base(engine, order.base, events)?;
    let Created { time: created, newest } = order.options.created;
    // The lifecycle is the platform's; a request's disk is the app's.
    let lifecycle = lifecycle_layer(&mut order.lifecycle, newest, Bound::of_option(GENEROUS))?;
    let mut all_labels = order.labels;
    all_labels.extend(result_labels(&order.result, events));
    all_labels.extend(
        [
            (labels::KIND, labels::KIND_APP),
            (app_image::DROPLET, &droplet_sha256),
            (app_image::REVISION, &droplet_sha256),
            (app_image::LIFECYCLE, &lifecycle.sha256),
            (app_image::BASE_NAME, order.base),
            (app_image::BASE_DIGEST, &base.id.0),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    for value in all_labels.values_mut() {
        *value = config::plain(value);
    }
    let recipe = recipe(newest, &ImagePlan { base: &base, labels: &all_labels, created });
    // An image that only says so may be anybody's: it is made again, of the layers that are here already.
    let records = Records::of(engine);
    let found = records.made_of(&recipe).map_or(Ok(None), |ImageId(id)| engine.image(&id))?;
    if found.as_ref().is_none_or(|found| found.tags.is_empty()) {
        (order.begins)(&base.id.0, &recipe);
    }
    let id = if let Some(found) = found {
        events.emit(Event::Note { text: "the same image is here already".to_owned() });
        found.id
    } else {
        all_labels.insert(app_image::RECIPE.to_owned(), recipe.clone());
        let plan = ImagePlan { base: &base, labels: &all_labels, created };
        let bound = order.bound.with_ratio(length(&order.droplet));
        let droplet = droplet_layer(order.stop.over(&order.droplet), newest, bound, events)?;
        let finished = Finished { plan, lifecycle, droplet };
        let ImageOptions { by, verbose, .. } = order.options;
        let sending = Sending { by, verbose, stop: &order.stop, events };
        let id = finished.send(engine, &sending)?;
        records.remember(&recipe, &id);
        id
    };
    Ok(Unnamed { id, names, droplet: droplet_sha256 })
}

/// Gives the image its names: all of them, or none and it is removed.
pub(crate) fn give_names(
    engine: &dyn Engine,
    Unnamed { id, names, droplet: _ }: Unnamed,
) -> Result<MadeImage, ImageError> {
    if let Err(refused) = names::give(engine, &id, &names) {
        engine.remove_nameless(&id)?;
        return Err(refused.into());
    }
    let gone = || EngineError::NotFound { what: format!("the image that was just made ({})", id.0) };
    let image = engine.image(&id.0)?.ok_or_else(gone)?;
    Ok(MadeImage { name: names.into_iter().next().unwrap_or_default(), id, bytes: image.bytes })
}

/// The droplet file's sha256; the file stands at its start again.
fn droplet_digest(droplet: &mut File) -> Result<String, ImageError> {
    let read = droplet.rewind().and_then(|()| sha256_of(&*droplet)).and_then(|found| droplet.rewind().map(|()| found));
    let unreadable =
        |error: std::io::Error| ImageError::Unreadable { what: "the droplet".to_owned(), reason: error.to_string() };
    match read.map_err(unreadable)? {
        (_, 0) => Err(ImageError::Empty { archive: "droplet" }),
        (sha256, _) => Ok(sha256),
    }
}

fn find_base(engine: &dyn Engine, base: &str, events: &dyn EventSink) -> Result<Image, ImageError> {
    let found = engine.image(base)?.ok_or_else(|| ImageError::BaseMissing { base: base.to_owned() })?;
    let foreign = |name: &&str| !config::VARIABLES.iter().any(|(ours, _)| ours == name);
    let foreign: Vec<&str> = found.details.settings.variables().filter(foreign).collect();
    if !foreign.is_empty() {
        let text = format!("{base} sets {}; the app image sets them too", foreign.join(", "));
        events.emit(Event::Warning { text });
    }
    Ok(found)
}

fn result_labels(result: &str, events: &dyn EventSink) -> BTreeMap<String, String> {
    if result.is_empty() {
        return BTreeMap::new();
    }
    app_image::labels_of_result(result).unwrap_or_else(|| {
        let text = "the builder's result cannot be read; the image tells neither buildpack nor process types";
        events.emit(Event::Warning { text: text.to_owned() });
        BTreeMap::new()
    })
}

/// The digest of all that the image is made of: the config names base, lifecycle and droplet by their digests.
fn recipe(newest: Option<u64>, plan: &ImagePlan<'_>) -> String {
    let mut text = format!("{LAYERS}\n{newest:?}\n{}\n", plan.base.id.0).into_bytes();
    text.extend(plan.config(&[]));
    sha256_of_bytes(&text)
}

#[cfg(test)]
mod tests;
