//! Index, manifest and config of an image that is not ours, as OCI and Docker have them → what an app's image needs of it.
//! All of it is foreign bytes: what is too much, does not fit together or is nothing for us is refused in words.

use crate::engine::{Image, ImageDetails, ImageSettings, Platform};
use crate::image::ImageError;
use crate::image::app_image;
use crate::image::oci::{Descriptor, Packing, is_digest};
use crate::image::sha256::sha256_of_bytes;
use crate::registry::repository::LARGEST_MANIFEST;
use jiff::Timestamp;
use serde::Deserialize;
use shared_model::plain_line::escape_control;
use shared_model::secret::Secret;
use std::collections::{BTreeMap, BTreeSet};

/// The most bytes of a config.
pub(super) const LONGEST_CONFIG: u64 = 1 << 20;
/// The most bytes of a layer as it is kept; see `admission.rs`.
const LARGEST_LAYER: u64 = 16 << 30;
/// The most layers of an image; what stands on overlayfs can have no more.
const MOST_LAYERS: usize = 127;
/// The most platforms that a refusal names.
const MOST_NAMED: usize = 8;
/// Characters of a refusal's reason that people are shown: names of platforms and kinds are as long as a stranger likes.
const LONGEST_REASON: usize = 300;

/// Where the documents are.
pub(super) trait Documents {
    /// The manifest or index of this descriptor, of at most [`LARGEST_MANIFEST`] bytes; nobody has looked at it yet.
    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ImageError>;

    /// The config of this descriptor, of at most [`LONGEST_CONFIG`] bytes; nobody has looked at it yet.
    fn config(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ImageError>;
}

/// What an image is, as its documents say.
#[derive(Debug)]
pub(super) struct Described {
    /// The manifest's digest: `sha256:…`.
    pub(super) digest: String,
    /// The layers as they are kept, from the lowest on; in OCI's words.
    pub(super) layers: Vec<Descriptor>,
    /// What its config says of it, but for its id and its names.
    pub(super) image: Image,
    /// How each layer was made, from the lowest on; empty where the config does not tell.
    pub(super) history: Vec<String>,
}

/// An index or a manifest.
#[derive(Deserialize)]
struct Document {
    manifests: Option<Vec<Entry>>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
}

/// An image in an index.
#[derive(Clone, Deserialize)]
pub(super) struct Entry {
    #[serde(flatten)]
    descriptor: Descriptor,
    platform: Option<EntryPlatform>,
    annotations: Option<Annotations>,
}

#[derive(Clone, Deserialize)]
struct EntryPlatform {
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    os: String,
}

#[derive(Clone, Deserialize)]
struct Annotations {
    #[serde(rename = "org.opencontainers.image.ref.name")]
    name: Option<String>,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    os: String,
    #[serde(default)]
    variant: String,
    #[serde(default)]
    created: String,
    #[serde(rename = "config")]
    settings: Option<Settings>,
    rootfs: RootFs,
    #[serde(default)]
    history: Vec<History>,
}

#[derive(Deserialize)]
struct History {
    #[serde(default)]
    created_by: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Settings {
    #[serde(default)]
    user: String,
    #[serde(default)]
    working_dir: String,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    env: Option<Vec<String>>,
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct RootFs {
    diff_ids: Vec<String>,
}

impl Entry {
    /// Its name within a layout.
    pub(super) fn name(&self) -> Option<&str> {
        self.annotations.as_ref()?.name.as_deref()
    }
}

/// Who reads the documents of one image.
pub(super) struct Reader<'a> {
    /// What errors call the image.
    pub(super) called: &'a str,
    /// What it is to run on.
    pub(super) platform: &'a Platform,
    /// Where its documents are.
    pub(super) documents: &'a dyn Documents,
}

impl Reader<'_> {
    /// The images of an index.
    pub(super) fn index(&self, bytes: &[u8]) -> Result<Vec<Entry>, ImageError> {
        self.document(bytes)?.manifests.ok_or_else(|| self.refused("its index names no images"))
    }

    /// What the image is to which this index or manifest leads. Of an index the image for our platform is taken; what it leads to is
    /// no index again.
    pub(super) fn describe(&self, bytes: &[u8]) -> Result<Described, ImageError> {
        let document = self.document(bytes)?;
        let Document { manifests: Some(entries), .. } = document else { return self.described(bytes, document) };
        let bytes = self.chosen(&entries)?;
        let document = self.document(&bytes)?;
        if document.manifests.is_some() {
            return Err(self.refused("its index leads to another index, not to an image"));
        }
        self.described(&bytes, document)
    }

    /// The manifest or index of the one of these that is for our platform.
    pub(super) fn chosen(&self, entries: &[Entry]) -> Result<Vec<u8>, ImageError> {
        let Platform { architecture, os, .. } = self.platform;
        let is_ours = |platform: &EntryPlatform| platform.architecture == *architecture && platform.os == *os;
        let of_platform = entries.iter().find(|entry| entry.platform.as_ref().is_some_and(is_ours));
        let mut untold = entries.iter().filter(|entry| entry.platform.is_none());
        let entry = of_platform.or_else(|| untold.next()).ok_or_else(|| self.of_other_platforms(entries))?;
        let descriptor = &entry.descriptor;
        self.check(descriptor, LARGEST_MANIFEST, "manifest")?;
        let bytes = self.documents.manifest(descriptor)?;
        self.is_it(&bytes, descriptor, "manifest")?;
        Ok(bytes)
    }

    fn of_other_platforms(&self, entries: &[Entry]) -> ImageError {
        // An attestation says `unknown`.
        let known = entries.iter().filter_map(|entry| entry.platform.as_ref()).filter(|found| found.os != "unknown");
        let named: BTreeSet<String> = known.map(|found| format!("{}/{}", found.os, found.architecture)).collect();
        let named: Vec<String> = named.into_iter().take(MOST_NAMED).collect();
        let Platform { architecture, os, .. } = self.platform;
        if named.is_empty() {
            return self.refused("its index names no image");
        }
        self.refused(&format!("it has no image for {os}/{architecture}, but for {}", named.join(", ")))
    }

    fn described(&self, bytes: &[u8], document: Document) -> Result<Described, ImageError> {
        let Document { manifests: None, config: Some(config), layers: Some(layers) } = document else {
            return Err(self.refused("its manifest names no config and layers; it may be of a form that is out of use"));
        };
        self.check(&config, LONGEST_CONFIG, "config")?;
        if layers.is_empty() || layers.len() > MOST_LAYERS - app_image::LAYERS {
            let most = MOST_LAYERS - app_image::LAYERS;
            return Err(self.refused(&format!("it has {} layers; 1 to {most} are possible", layers.len())));
        }
        let layers: Vec<Descriptor> = layers.into_iter().map(Descriptor::in_words_of_oci).collect();
        for layer in &layers {
            self.check(layer, LARGEST_LAYER, "layer")?;
            if layer.packing().is_none() {
                let kind = escape_control(&layer.media_type).into_owned();
                return Err(self.refused(&format!("a layer is of the kind {kind}, which cannot be sent on")));
            }
        }
        let bytes_of_config = self.documents.config(&config)?;
        self.is_it(&bytes_of_config, &config, "config")?;
        let (image, history) = self.image(&bytes_of_config, &layers)?;
        let named = layers.into_iter().zip(&image.details.layers);
        let layers = named.map(|(layer, id)| if layer.digest == *id { layer.unpacked() } else { layer }).collect();
        Ok(Described { digest: format!("sha256:{}", sha256_of_bytes(bytes)), layers, image, history })
    }

    fn image(&self, config: &[u8], layers: &[Descriptor]) -> Result<(Image, Vec<String>), ImageError> {
        let config: Config = serde_json::from_slice(config).map_err(|_| self.refused("its config is none"))?;
        let Config { architecture, os, variant, created, settings, rootfs: RootFs { diff_ids }, history } = config;
        if (&architecture, &os) != (&self.platform.architecture, &self.platform.os) {
            let (found, wanted) = (format!("{os}/{architecture}"), &self.platform);
            return Err(self.refused(&format!("it is for {found}, not for {}/{}", wanted.os, wanted.architecture)));
        }
        if diff_ids.len() != layers.len() || !diff_ids.iter().all(|id| is_digest(id)) {
            return Err(self.refused("its config does not name the layers of its manifest"));
        }
        let is_unpacked = |layer: &Descriptor| layer.packing() == Some(Packing::Unpacked);
        if layers.iter().zip(&diff_ids).any(|(layer, id)| is_unpacked(layer) && layer.digest != *id) {
            return Err(self.refused("its config names other layers than its manifest"));
        }
        let Settings { user, working_dir: working_directory, entrypoint, cmd, env, labels } =
            settings.unwrap_or_default();
        let (entrypoint, command) = (entrypoint.unwrap_or_default(), cmd.unwrap_or_default());
        let environment = Secret::new(env.unwrap_or_default());
        let settings =
            ImageSettings { user, working_directory, entrypoint, command, environment, ..ImageSettings::default() };
        let platform = Platform { architecture, os, variant };
        let details = ImageDetails { layers: diff_ids, platform, settings, ..ImageDetails::default() };
        let created = created.parse::<Timestamp>().map_or(0, Timestamp::as_second);
        let image = Image { labels: labels.unwrap_or_default(), created, details, ..Image::default() };
        Ok((image, history.into_iter().map(|step| step.created_by).collect()))
    }

    fn document(&self, bytes: &[u8]) -> Result<Document, ImageError> {
        let document: Document =
            serde_json::from_slice(bytes).map_err(|_| self.refused("its manifest or index cannot be read as one"))?;
        // Who takes it for the one sees another image than who takes it for the other.
        if document.manifests.is_some() && (document.layers.is_some() || document.config.is_some()) {
            return Err(self.refused("it is an index and a manifest at once"));
        }
        Ok(document)
    }

    fn check(&self, descriptor: &Descriptor, most: u64, what: &str) -> Result<(), ImageError> {
        if !is_digest(&descriptor.digest) {
            return Err(self.refused(&format!("a {what} is named by something else than a sha256 digest")));
        }
        if descriptor.size > most {
            return Err(self.refused(&format!("a {what} of {} bytes is too large", descriptor.size)));
        }
        Ok(())
    }

    fn is_it(&self, bytes: &[u8], descriptor: &Descriptor, what: &str) -> Result<(), ImageError> {
        if bytes.len() as u64 == descriptor.size && format!("sha256:{}", sha256_of_bytes(bytes)) == descriptor.digest {
            return Ok(());
        }
        Err(ImageError::OtherBytes { what: format!("a {what} of {}", self.called), digest: descriptor.digest.clone() })
    }

    /// The error for an image that is of no use.
    pub(super) fn refused(&self, reason: &str) -> ImageError {
        ImageError::UnusableBase { base: self.called.to_owned(), reason: reason.chars().take(LONGEST_REASON).collect() }
    }
}
