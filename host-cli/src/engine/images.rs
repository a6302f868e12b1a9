//! Images that an engine has, and their names.

use crate::engine::engine_error::EngineError;
use shared_model::secret::Secret;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What is wanted of an engine with images that it has. Every call blocks, and may be made from any thread.
pub(crate) trait Images: Send + Sync {
    /// The user's folder for what is remembered of this engine's images; it need not exist. `None`: there is no place for it.
    fn records(&self) -> Option<PathBuf>;

    /// The image called `reference`, or `None`.
    fn image(&self, reference: &str) -> Result<Option<Image>, EngineError>;

    /// How the image came to be: what made each of its layers, and what changed its config, the oldest first. `None`: it is
    /// gone.
    fn history(&self, image: &ImageId) -> Result<Option<Vec<String>>, EngineError>;

    /// Images that bear the label, the newest first.
    fn images_labelled(&self, label: &str, value: &str) -> Result<Vec<Image>, EngineError>;

    /// Images of ours, of whatever kind, that have neither a name nor a digest in a registry; as far as the engine hides none
    /// of them under another.
    fn dangling_images(&self) -> Result<Vec<Image>, EngineError>;

    /// Gives an image one more name, `repository:tag`.
    fn tag(&self, image: &ImageId, name: &str) -> Result<(), EngineError>;

    /// Takes a name from the image that bears it, and removes the image if it was its last. A name that nothing bears is
    /// no error.
    fn untag(&self, name: &str) -> Result<(), EngineError>;

    /// Removes an image of ours (`stager.kind=app` or `stager`) that has lost its last name, or never had one, and what
    /// lies under it, as far as that is ours, dangling and unused too. All others stay; that is no error.
    fn remove_dangling(&self, image: &ImageId) -> Result<(), EngineError>;
}

/// An engine's id of an image: `sha256:…`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct ImageId(pub(crate) String);

impl ImageId {
    /// Whether it is an id with its algorithm and all of its digits. What a label says may be a name, which means whatever
    /// bears it, or nothing that an engine can look for.
    pub(crate) fn is_whole(&self) -> bool {
        const DIGITS: usize = 64;
        let digits = self.0.strip_prefix("sha256:").unwrap_or_default();
        digits.len() == DIGITS && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }
}

/// What an engine says of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Image {
    /// Its id.
    pub(crate) id: ImageId,
    /// Its names, `repository:tag`; empty for a dangling one.
    pub(crate) tags: Vec<String>,
    /// Its labels.
    pub(crate) labels: BTreeMap<String, String>,
    /// Bytes, with all layers.
    pub(crate) bytes: u64,
    /// Seconds since 1970 when it was made, as its config says; 0 where it does not say.
    pub(crate) created: i64,
    /// What a list of images does not tell.
    pub(crate) details: ImageDetails,
}

/// What only a look at one image tells; empty in what [`Images::images_labelled`] gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ImageDetails {
    /// Seconds since 1970 when this engine last gave it a name; 0 where the engine does not say.
    pub(crate) named: i64,
    /// `repository@sha256:…` for each repository of a registry that it was pushed to or pulled from.
    pub(crate) digests: Vec<String>,
    /// What its containers run, and how.
    pub(crate) settings: ImageSettings,
    /// Its layers from the lowest on, each by the digest of its uncompressed bytes: `sha256:…`.
    pub(crate) layers: Vec<String>,
    /// What its programs run on.
    pub(crate) platform: Platform,
}

/// What the containers of an image run, unless they are told otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ImageSettings {
    /// The user; empty: root.
    pub(crate) user: String,
    /// The working directory; empty: `/`.
    pub(crate) working_directory: String,
    /// The program and its first arguments.
    pub(crate) entrypoint: Vec<String>,
    /// What comes behind the entry point.
    pub(crate) command: Vec<String>,
    /// The variables that it sets, `NAME=VALUE`; values may be secret.
    pub(crate) environment: Secret<Vec<String>>,
    /// What else it sets of that which changes how a container behaves: `Healthcheck`, `OnBuild`, `Volumes`, `Shell`.
    pub(crate) others: Vec<String>,
}

impl ImageSettings {
    /// Whether it has folders of which each container gets a volume of its own.
    pub(crate) fn has_volumes(&self) -> bool {
        self.others.iter().any(|other| other == "Volumes")
    }

    /// The names of the variables that it sets.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.environment.reveal().iter().map(|pair| pair.split('=').next().unwrap_or_default())
    }
}

/// What an image's programs run on, in the words of Go: `amd64`, `linux`, and a variant such as `v8`, mostly empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Platform {
    /// The processor: `amd64`.
    pub(crate) architecture: String,
    /// The operating system: `linux`.
    pub(crate) os: String,
    /// The kind of processor where that matters.
    pub(crate) variant: String,
}
