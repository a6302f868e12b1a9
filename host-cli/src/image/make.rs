//! From droplet, lifecycle and base to an image at its destination.

use super::ImageError;
use super::bound::{Bound, GENEROUS, length};
use super::build_key::build_key;
use super::created::Created;
use super::destination::{Destination, FinishedImage, ImageBy, UntaggedImage};
use super::droplet::droplet_layer;
use super::error::checked_names;
use super::lifecycle::{LifecycleSource, lifecycle_layer};
use super::sha256::sha256_of;
use super::stop::Stop;
use crate::engine::Image;
use crate::image::app_image;
use crate::image::config::{self, AppImageConfig};
use crate::labels;
use shared_model::event::{Event, EventSink};
use shared_model::lifecycle::Lifecycle;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Seek;

/// What an image is to be; decided before anything of it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImagePlan {
    /// The root file system's name or id.
    pub(crate) base: String,
    /// How the app was staged.
    pub(crate) lifecycle: Lifecycle,
    /// What it will be called.
    pub(crate) names: ImageNames,
    /// Labels besides those of droplet, lifecycle and result; nothing secret.
    pub(crate) labels: BTreeMap<String, String>,
    /// How large the droplet's layer may become.
    pub(crate) bound: Bound,
    /// How it is made.
    pub(crate) options: ImageOptions,
}

/// What an image is made of, besides its base.
pub(crate) struct ImageParts {
    /// The droplet (tgz); it is read from its start, twice.
    pub(crate) droplet: File,
    /// The launcher and its like.
    pub(crate) lifecycle: LifecycleSource,
    /// The builder's result file; empty: none.
    pub(crate) result: String,
}

/// What the user decides about the making of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ImageOptions {
    /// The way into the engine.
    pub(crate) by: ImageBy,
    /// Whether to say why that way was chosen.
    pub(crate) verbose: bool,
    /// The time that the image gives as its own, and what no file of it is newer than.
    pub(crate) created: Created,
}

/// What an image will be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ImageNames {
    /// These names; with the tag `latest` where one has none.
    Given(Vec<String>),
    /// As an app's images are called, after the app and the droplet.
    OfApp { name: String, guid: String },
}

/// Makes images at one place.
pub(crate) struct ImageMaker<'a> {
    /// The place.
    pub(crate) destination: &'a dyn Destination,
    /// Whether the image is still wanted.
    pub(crate) stop: &'a Stop,
    /// Told warnings and notes only; steps and the image itself are for the caller to tell.
    pub(crate) events: &'a dyn EventSink,
}

impl ImageMaker<'_> {
    /// Makes the image, or finds one that was made of the same things; its names stay where they are.
    pub(crate) fn make(&self, plan: &ImagePlan, mut parts: ImageParts) -> Result<UntaggedImage, ImageError> {
        let Self { destination, stop, events } = *self;
        let droplet_sha256 = droplet_digest(&mut parts.droplet)?;
        let names = match &plan.names {
            ImageNames::Given(names) => checked_names(names)?,
            ImageNames::OfApp { name, guid } => app_image::names(name, guid, &droplet_sha256),
        };
        let base = self.base(&plan.base, plan.lifecycle)?;
        let Created { time: created, newest } = plan.options.created;
        // The lifecycle is the platform's; a request's disk is the app's.
        let lifecycle = lifecycle_layer(&mut parts.lifecycle, newest, Bound::from_option(GENEROUS))?;
        let mut all_labels = plan.labels.clone();
        all_labels.extend(result_labels(&parts.result, events));
        all_labels.extend(
            [
                (labels::KIND, labels::KIND_APP),
                (app_image::DROPLET, &droplet_sha256),
                (app_image::REVISION, &droplet_sha256),
                (app_image::LIFECYCLE, &lifecycle.sha256),
                (app_image::BASE_DIGEST, &base.id.0),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        all_labels.extend(destination.base_name(&plan.base).map(|name| (app_image::BASE_NAME.to_owned(), name)));
        for value in all_labels.values_mut() {
            *value = config::plain(value);
        }
        let unkeyed = AppImageConfig { base: &base, lifecycle: plan.lifecycle, labels: &all_labels, created };
        let build_key = build_key(newest, &unkeyed);
        let found = destination.find(&build_key)?;
        if found.as_ref().is_none_or(|found| found.tags.is_empty()) {
            destination.begin(&base.id, &build_key);
        }
        let id = if let Some(found) = found {
            events.emit(Event::Note { text: "The same image exists already".to_owned() });
            found.id
        } else {
            all_labels.insert(app_image::BUILD_KEY.to_owned(), build_key.clone());
            let config = AppImageConfig { base: &base, lifecycle: plan.lifecycle, labels: &all_labels, created };
            let bound = plan.bound.with_ratio(length(&parts.droplet));
            let droplet = droplet_layer(stop.over(&parts.droplet), plan.lifecycle, newest, bound, events, |layer| {
                destination.ahead(layer)
            })?;
            destination.put(&FinishedImage { config, lifecycle, droplet, build_key }, stop, events)?
        };
        Ok(UntaggedImage { id, names, droplet: droplet_sha256 })
    }

    /// The image to build on. Warns where it sets what the app image sets too.
    fn base(&self, name: &str, lifecycle: Lifecycle) -> Result<Image, ImageError> {
        let found = self.destination.base(name)?.ok_or_else(|| ImageError::BaseMissing { base: name.to_owned() })?;
        let foreign = |name: &&str| !config::variables(lifecycle).any(|(ours, _)| ours == *name);
        let foreign: Vec<&str> = found.details.settings.variables().filter(foreign).collect();
        if !foreign.is_empty() {
            let text = format!("{name} sets {}; the app image sets them too", foreign.join(", "));
            self.events.emit(Event::Warning { text });
        }
        Ok(found)
    }
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

fn result_labels(result: &str, events: &dyn EventSink) -> BTreeMap<String, String> {
    if result.is_empty() {
        return BTreeMap::new();
    }
    app_image::labels_of_result(result).unwrap_or_else(|| {
        let text = "the builder's result cannot be read; the image has no labels for buildpack and process types";
        events.emit(Event::Warning { text: text.to_owned() });
        BTreeMap::new()
    })
}

#[cfg(test)]
mod tests;
