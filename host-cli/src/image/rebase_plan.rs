//! What becomes of an app image on another root file system, decided by looking at both alone. Its two layers are the same bytes, and
//! its config is made anew as [`super::make`] makes one: what comes of it is the image that droplet and lifecycle would give on that
//! root file system, with the same build key, and so the same id. Pure.

use super::app_image::{self, LAYERS};
use super::build_key::build_key;
use super::config::{self, AppImageConfig, NewLayer};
use super::created::{Created, FIXED};
use super::provenance::lifecycle_of;
use super::sha256::sha256_of_bytes;
use crate::engine::{Image, ImageDetails, ImageId};
use shared_model::lifecycle::Lifecycle;
use std::collections::BTreeMap;

/// What an app image becomes on another root file system.
#[derive(Debug)]
pub(crate) struct RebasePlan {
    /// The root file system, with its details.
    pub(crate) base: Image,
    /// What it is made of, and how; see [`app_image::BUILD_KEY`].
    pub(crate) build_key: String,
    lifecycle: Lifecycle,
    labels: BTreeMap<String, String>,
    created: i64,
    /// The digests of the two layers, `sha256:…`.
    pub(super) layers: [String; LAYERS],
    /// Those of the layers below them.
    pub(super) below: Vec<String>,
}

impl RebasePlan {
    /// `image`, an app image, on `base`, which is called `name`. `None`: its two layers are not those of an app image.
    pub(crate) fn new(image: &Image, base: Image, name: &str) -> Option<Self> {
        let (below, [lifecycle_layer, droplet_layer]) = image.details.layers.split_last_chunk()?;
        let label = |name: &str| image.labels.get(name).map_or("", String::as_str);
        if lifecycle_layer.strip_prefix("sha256:") != Some(label(app_image::LIFECYCLE)) {
            return None;
        }
        let lifecycle = lifecycle_of(&image.details.settings);
        let former = Image {
            id: ImageId(label(app_image::BASE_DIGEST).to_owned()),
            details: ImageDetails {
                layers: below.to_vec(),
                platform: image.details.platform.clone(),
                ..ImageDetails::default()
            },
            ..Image::default()
        };
        let mut labels = image.labels.clone();
        // A stranger's image may bear names with which a line of a Dockerfile ends.
        labels.retain(|name, _| app_image::is_label(name));
        labels.remove(app_image::BUILD_KEY);
        let key_on = |base: &Image, labels: &BTreeMap<String, String>, Created { time, newest }| {
            build_key(newest, &AppImageConfig { base, lifecycle, labels, created: time })
        };
        let was = |created: &Created| key_on(&former, &labels, *created) == label(app_image::BUILD_KEY);
        let how = ways(image.created).into_iter().find(was);
        labels.insert(app_image::BASE_NAME.to_owned(), config::plain(name));
        labels.insert(app_image::BASE_DIGEST.to_owned(), base.id.0.clone());
        let layers = [lifecycle_layer.clone(), droplet_layer.clone()];
        let (created, build_key) = if let Some(how) = how {
            (how.time, key_on(&base, &labels, how))
        } else {
            // Made by another release, or by an engine that put more into it: no key of ours may stand for these layers.
            let how = Created { time: image.created, newest: None };
            let text = format!("as it was\n{}\n{}", key_on(&base, &labels, how), layers.join("\n"));
            (how.time, sha256_of_bytes(text.as_bytes()))
        };
        labels.insert(app_image::BUILD_KEY.to_owned(), build_key.clone());
        Some(Self { base, build_key, lifecycle, labels, created, layers, below: below.to_vec() })
    }

    /// The config of what comes of it, to the byte.
    pub(in crate::image) fn document(&self) -> Vec<u8> {
        let [lifecycle, droplet] = self.layers.each_ref().map(|digest| digest.trim_start_matches("sha256:"));
        self.config()
            .config(&[NewLayer { name: "lifecycle", sha256: lifecycle }, NewLayer { name: "droplet", sha256: droplet }])
    }

    /// All but its layers.
    pub(super) fn config(&self) -> AppImageConfig<'_> {
        let Self { base, lifecycle, labels, created, .. } = self;
        AppImageConfig { base, lifecycle: *lifecycle, labels, created: *created }
    }
}

/// How an image may have been made that gives this as its time. It does not tell whether the time was asked for, and one that an
/// engine built gives its own.
fn ways(created: i64) -> [Created; 3] {
    let newest = |time: i64| u64::try_from(time).ok();
    [
        Created { time: FIXED, newest: None },
        Created { time: created, newest: newest(created) },
        Created { time: FIXED, newest: newest(FIXED) },
    ]
}
