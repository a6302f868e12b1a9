//! The one seam to Docker. The pipeline knows this trait; `docker/` alone knows docker-api and async; `fake.rs`
//! records what the pipeline asks for.

mod advice;
pub(crate) mod connect_error;
pub(crate) mod container_spec;
pub(crate) mod docker;
mod engine_error;
mod facts;
#[cfg(test)]
pub(crate) mod fake;

use crate::engine::container_spec::{ContainerSpec, LogConfig};
use crate::registry::credentials::Credentials;
use crate::registry::reference::Reference;
pub(crate) use engine_error::EngineError;
pub(crate) use facts::{EngineFacts, Limits, Quota, Store};
use shared_model::event::Stream;
use shared_model::secret::Secret;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

/// An engine's id of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct ContainerId(pub(crate) String);

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

/// What only a look at one image tells; empty in what [`Engine::images_labelled`] gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ImageDetails {
    /// Seconds since 1970 when this engine last gave it a name; 0 where the engine does not say.
    pub(crate) named: i64,
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
    /// The names of the variables that it sets.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.environment.reveal().iter().map(|pair| pair.split('=').next().unwrap_or_default())
    }
}

/// What an image's programs run on, in the words of Go: `amd64`, `linux`, and a variant such as `v8`, mostly empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Platform {
    /// The processor.
    pub(crate) architecture: String,
    /// The operating system.
    pub(crate) os: String,
    /// The kind of processor where that matters.
    pub(crate) variant: String,
}

/// What an engine says of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Container {
    /// Its id.
    pub(crate) id: ContainerId,
    /// Its name without the leading slash.
    pub(crate) name: String,
    /// Its labels.
    pub(crate) labels: BTreeMap<String, String>,
    /// Whether its main process runs.
    pub(crate) running: bool,
    /// The main process's exit status; meaningless while it runs.
    pub(crate) exit_status: i64,
    /// Seconds since 1970 when that was; 0 for one that never ran.
    pub(crate) ended: i64,
    /// Whether the kernel ended it for its memory.
    pub(crate) out_of_memory: bool,
    /// What its health check says.
    pub(crate) health: Health,
    /// Whether the engine shows the outcome of a health check, good or bad.
    pub(crate) was_checked: bool,
    /// What the last health check printed, as it was printed (foreign text); empty where there was none.
    pub(crate) health_output: String,
    /// By network name, how its neighbours there reach it.
    pub(crate) endpoints: BTreeMap<String, Endpoint>,
    /// The image that it was made of.
    pub(crate) image: ImageId,
    /// What runs instead of the image's entry point, as its maker asked for it; empty: the image's.
    pub(crate) entrypoint: Vec<String>,
    /// How the engine keeps what it prints.
    pub(crate) log: LogConfig,
}

/// How a container is reached on one network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Its addresses, of both families; empty while it does not run.
    pub(crate) addresses: Vec<String>,
    /// The names besides the container's own that the network's name server answers with it.
    pub(crate) names: Vec<String>,
}

/// What a list of containers tells of one, without a look at each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Its id.
    pub(crate) id: ContainerId,
    /// Its name without the leading slash.
    pub(crate) name: String,
    /// Its labels.
    pub(crate) labels: BTreeMap<String, String>,
    /// Whether its main process runs.
    pub(crate) running: Running,
    /// Seconds since 1970 when it was made.
    pub(crate) created: i64,
    /// Its main process's command line, as the engine shows it.
    pub(crate) command: String,
    /// The image that it was made of; empty where the engine does not say.
    pub(crate) image: ImageId,
}

/// Whether a container's main process runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Running {
    /// It was never started.
    NotYet,
    /// It runs, or is about to again.
    Now,
    /// It has ended.
    #[default]
    Not,
}

/// What a health check says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Health {
    /// There is no check.
    #[default]
    Unchecked,
    /// It has not passed yet.
    Starting,
    /// It passed.
    Healthy,
    /// It failed too often.
    Unhealthy,
}

/// What a container is given on its standard input.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Input<'a> {
    /// This, and then its end.
    Whole(&'a [u8]),
    /// This, with a mark behind it, and then a sign of life every few seconds for as long as we live: see
    /// [`shared_model::lease`].
    Leased(&'a [u8]),
}

/// How a program ended that was run in a container beside its main process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ran {
    /// Its exit status; `None` where it has not ended in time, and may still run.
    pub(crate) status: Option<i64>,
    /// The first 4 KiB of what it printed on both streams, as it was printed (foreign text).
    pub(crate) output: Vec<u8>,
}

/// What an image made of a container is to be like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CommitOptions {
    /// The image whose entry point and command the new one gets: the container's own image. Those of the container were
    /// for one run.
    pub(crate) like: String,
    /// Labels; with those of that image, and with those of the container where neither has them.
    pub(crate) labels: BTreeMap<String, String>,
}

/// What an engine tells of one layer while it pushes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LayerTold {
    /// A short id, by which the layer is known during this push only.
    pub(crate) layer: String,
    /// What becomes of it.
    pub(crate) state: LayerState,
}

/// What becomes of a layer that is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LayerState {
    /// It will have its turn.
    Waiting,
    /// So many bytes of so many were sent, as the engine counts; mostly uncompressed. `total` may be too low.
    Sending { bytes: u64, total: u64 },
    /// It was sent.
    Sent,
    /// The registry had it, here or in another repository.
    Known,
    /// It could not be sent, and is tried again after this time.
    Again { wait: Duration },
}

/// What the pipeline wants of an engine. Every call blocks, and may be made from any thread.
pub(crate) trait Engine: Send + Sync {
    /// What it says of itself.
    fn facts(&self) -> Result<EngineFacts, EngineError>;

    /// The image called `reference`, or `None`.
    fn image(&self, reference: &str) -> Result<Option<Image>, EngineError>;

    /// How the image came to be: what made each of its layers, and what changed its config, the oldest first. `None`: it is
    /// gone.
    fn history(&self, image: &ImageId) -> Result<Option<Vec<String>>, EngineError>;

    /// The user's folder for what is remembered of this engine; it need not exist. `None`: there is no place for it.
    fn records(&self) -> Option<PathBuf>;

    /// Images that bear the label, the newest first.
    fn images_labelled(&self, label: &str, value: &str) -> Result<Vec<Image>, EngineError>;

    /// Images of ours, of whatever kind, that have neither a name nor a digest in a registry; as far as the engine hides none
    /// of them under another.
    fn nameless_images(&self) -> Result<Vec<Image>, EngineError>;

    /// Gives an image one more name, `repository:tag`.
    fn tag(&self, image: &ImageId, name: &str) -> Result<(), EngineError>;

    /// Takes a name from the image that bears it, and removes the image if it was its last. A name that nothing bears is
    /// no error.
    fn untag(&self, name: &str) -> Result<(), EngineError>;

    /// Removes an image of ours (`stager.kind=app` or `stager`) that has lost its last name, or never had one, and what
    /// lies under it, as far as that is ours, nameless and unused too. All others stay; that is no error.
    fn remove_nameless(&self, image: &ImageId) -> Result<(), EngineError>;

    /// Builds an image without a name from a build context (a tar), and reads the answer to its end: an error in it is
    /// an error. A build that fails leaves neither containers nor nameless images.
    fn build(&self, context: Box<dyn Read + Send>) -> Result<ImageId, EngineError>;

    /// Takes in an archive of images (a tar), and reads the answer to its end: an error in it is an error.
    fn load(&self, archive: Box<dyn Read + Send>) -> Result<(), EngineError>;

    /// An image as an archive, in the form that the engine itself prefers.
    fn save(&self, image: &ImageId) -> Result<Box<dyn Read + Send>, EngineError>;

    /// Pushes the image that bears this name to the registry that the name says, tells `hear` of its layers, and reads the
    /// answer to its end: an error in it is an error. The digest of the manifest: `sha256:…`.
    fn push(
        &self,
        reference: &Reference,
        credentials: &Credentials,
        hear: &mut dyn FnMut(LayerTold),
    ) -> Result<String, EngineError>;

    /// The digest that the registry itself has under this name; `None` where that cannot be found out.
    fn digest_in_registry(&self, reference: &Reference, credentials: &Credentials) -> Option<String>;

    /// Makes an image without a name of a container that has ended. Its files become one layer.
    fn commit(&self, container: &ContainerId, options: &CommitOptions) -> Result<ImageId, EngineError>;

    /// Whether there is a volume of this name.
    fn has_volume(&self, name: &str) -> Result<bool, EngineError>;

    /// Makes a volume with these labels, unless there is one of that name: that one is left as it is.
    fn ensure_volume(&self, name: &str, labels: &BTreeMap<String, String>) -> Result<(), EngineError>;

    /// Whether there is a network of this name.
    fn has_network(&self, name: &str) -> Result<bool, EngineError>;

    /// Makes a container; nothing runs yet.
    fn create(&self, name: Option<&str>, spec: &ContainerSpec) -> Result<ContainerId, EngineError>;

    /// Starts a container and returns at once.
    fn start(&self, container: &ContainerId) -> Result<(), EngineError>;

    /// Starts a container, gives it its input, gives what it prints to `output` as it comes, and returns its exit status
    /// when it has ended. Ends too when the container is removed meanwhile.
    fn run(
        &self,
        container: &ContainerId,
        input: Input<'_>,
        output: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<i64, EngineError>;

    /// Runs a program in a container that runs, as the container's own user and in its folder, without a shell and without
    /// input, and waits until it has ended, but no longer than `patience`. Refused where the container does not run.
    fn exec(&self, container: &ContainerId, command: &[String], patience: Duration) -> Result<Ran, EngineError>;

    /// The container, or `None` when it is gone.
    fn container(&self, container: &ContainerId) -> Result<Option<Container>, EngineError>;

    /// Whether any container, running or not and whoever made it, is of this image or of one that is built on it.
    fn is_used(&self, image: &ImageId) -> Result<bool, EngineError>;

    /// All containers of ours, of whatever kind, stopped ones too.
    fn seen(&self) -> Result<Vec<Seen>, EngineError>;

    /// Containers that bear the label, stopped ones too, the newest first.
    fn containers_labelled(&self, label: &str, value: &str) -> Result<Vec<Container>, EngineError>;

    /// The last lines that a container printed, stdout and stderr as they came.
    fn last_lines(&self, container: &ContainerId, count: usize) -> Result<Vec<u8>, EngineError>;

    /// A file or folder of a container, running or not, as a tar stream.
    fn copy_out(&self, container: &ContainerId, path: &str) -> Result<Box<dyn Read + Send>, EngineError>;

    /// Sends SIGTERM, after `grace` SIGKILL. A container that does not run is no error.
    fn stop(&self, container: &ContainerId, grace: Duration) -> Result<(), EngineError>;

    /// Removes a container with its anonymous volumes, running or not. One that is gone is no error.
    fn remove(&self, container: &ContainerId) -> Result<(), EngineError>;
}
