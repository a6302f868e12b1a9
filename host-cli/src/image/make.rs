//! From droplet, lifecycle and base to an image in the engine.

use super::ImageError;
use super::context::context;
use super::droplet::droplet_layer;
use super::error::checked_names;
use super::lifecycle::{Lifecycle, lifecycle_layer};
use super::sha256::{sha256_of, sha256_of_bytes};
use crate::engine::{BuildOptions, Engine, EngineError, Image, ImageId};
use crate::plan::{app_image, labels};
use shared_model::event::{Event, EventSink};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Seek;

/// How layers are written; a change here makes images anew that would otherwise be taken as they are.
const LAYERS: &str = "1";

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

/// Makes the image, or finds one that was made of the same things. Says warnings and notes only; steps and the image
/// itself are for the caller to tell.
pub(crate) fn make(
    engine: &dyn Engine,
    mut order: ImageOrder<'_>,
    events: &dyn EventSink,
) -> Result<MadeImage, ImageError> {
    let droplet_sha256 = droplet_digest(&mut order.droplet)?;
    let names = match order.names {
        Names::Given(names) => checked_names(names)?,
        Names::OfApp { name, guid } => app_image::names(name, guid, &droplet_sha256),
    };
    let base = find_base(engine, order.base, events)?;
    let lifecycle = lifecycle_layer(&mut order.lifecycle)?;
    let mut all_labels = order.labels;
    all_labels.extend(result_labels(&order.result, events));
    all_labels.insert(labels::KIND.to_owned(), labels::KIND_APP.to_owned());
    all_labels.insert(app_image::DROPLET.to_owned(), droplet_sha256);
    all_labels.insert(app_image::LIFECYCLE.to_owned(), lifecycle.sha256.clone());
    let recipe = recipe(&app_image::dockerfile(&base.id.0, &all_labels));
    let before = bearers(engine, &names)?;
    let id = if let Some(found) = engine.images_labelled(app_image::RECIPE, &recipe)?.into_iter().next() {
        events.emit(Event::Note { text: "the same image is here already".to_owned() });
        for name in &names {
            engine.tag(&found.id, name)?;
        }
        found.id
    } else {
        let droplet = droplet_layer(&order.droplet)?;
        all_labels.insert(app_image::RECIPE.to_owned(), recipe);
        let dockerfile = app_image::dockerfile(&base.id.0, &all_labels);
        let options = BuildOptions { tags: names.clone(), labels: BTreeMap::new() };
        engine.build(context(&dockerfile, lifecycle, droplet)?, &options)?
    };
    for nameless in before.iter().filter(|other| other.id != id) {
        engine.remove_nameless(&nameless.id)?;
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
    let foreign = |name: &&String| !app_image::VARIABLES.iter().any(|(ours, _)| ours == &name.as_str());
    let foreign: Vec<&str> = found.variables.iter().filter(foreign).map(String::as_str).collect();
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

/// The digest of all that the image is made of: the Dockerfile names base, lifecycle and droplet by theirs.
fn recipe(dockerfile: &str) -> String {
    let text = format!("{LAYERS}\n{dockerfile}");
    sha256_of_bytes(text.as_bytes())
}

/// The images that bear the names now, and may bear none afterwards.
fn bearers(engine: &dyn Engine, names: &[String]) -> Result<Vec<Image>, EngineError> {
    names.iter().filter_map(|name| engine.image(name).transpose()).collect()
}

#[cfg(test)]
mod tests;
