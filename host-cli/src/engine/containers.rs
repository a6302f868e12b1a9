//! Containers: what an engine says of them, and what it does with them.

use crate::engine::attached_exec::{ExecInput, ExecSpec};
use crate::engine::container_spec::{ContainerSpec, LogConfig, RestartPolicy};
use crate::engine::engine_error::EngineError;
use crate::engine::images::ImageId;
use jiff::Timestamp;
use shared_model::event::Stream;
use shared_model::secret::Secret;
use std::collections::BTreeMap;
use std::io::Read;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// What is wanted of an engine with containers. Every call blocks, and may be made from any thread.
pub(crate) trait Containers: Send + Sync {
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
    fn exec(&self, container: &ContainerId, command: &[String], patience: Duration) -> Result<ExecResult, EngineError>;

    /// Runs a program in a container that runs, and talks to it: gives it what comes as `input` (its end is the input's, too), and
    /// what it prints to `output` as it comes; of a program with a terminal all of that is [`Stream::Out`]. Its exit status when its
    /// output has ended; `None` where `output` said that it is enough, or the engine does not tell. What nobody listens to any more
    /// goes on all the same: no engine offers to end it.
    fn exec_attached(
        &self,
        container: &ContainerId,
        spec: &ExecSpec,
        input: Receiver<ExecInput>,
        output: &mut dyn FnMut(Stream, &[u8]) -> ControlFlow<()>,
    ) -> Result<Option<i64>, EngineError>;

    /// What a container runs, with its variables, or `None` when it is gone.
    fn program(&self, container: &ContainerId) -> Result<Option<ContainerProgram>, EngineError>;

    /// What a container has used so far and uses at the moment; `None`: it does not run, or the engine does not tell.
    fn usage(&self, container: &ContainerId) -> Result<Option<Usage>, EngineError>;

    /// Whether somebody listens at an address that the engine gave to a container of its own, as far as that can be seen from
    /// here within `patience`. A connection is made and closed, as Diego's own check does.
    fn reach(&self, address: SocketAddr, patience: Duration) -> Reach;

    /// The container, or `None` when it is gone.
    fn container(&self, container: &ContainerId) -> Result<Option<Container>, EngineError>;

    /// All containers of ours, of whatever kind, stopped ones too.
    fn list_containers(&self) -> Result<Vec<ContainerSummary>, EngineError>;

    /// Containers that bear the label, stopped ones too, the newest first.
    fn containers_labelled(&self, label: &str, value: &str) -> Result<Vec<Container>, EngineError>;

    /// Waits until something happens to a container of ours, or has happened since then: it starts, ends, is removed, or its health
    /// check has another outcome. When the last of it was, by the engine's clock; `None`: nothing within `patience`. An engine
    /// remembers some hundreds of events; who asks for longer ago than that has to look.
    fn wait_for_event(&self, since: Timestamp, patience: Duration) -> Result<Option<Timestamp>, EngineError>;

    /// Gives a container, running or not, another restart policy.
    fn set_restart_policy(&self, container: &ContainerId, restart: RestartPolicy) -> Result<(), EngineError>;

    /// Whether any container, running or not and whoever made it, is of this image or of one that is built on it.
    fn is_used(&self, image: &ImageId) -> Result<bool, EngineError>;

    /// The last lines that a container printed, stdout and stderr as they came.
    fn log_tail(&self, container: &ContainerId, count: usize) -> Result<Vec<u8>, EngineError>;

    /// Gives what a container printed, and with `follow` what it prints until it ends, to `output`, entry by entry as the engine
    /// kept them; until that says that it is enough. `output` must not use the engine. A container that is gone has printed nothing.
    fn logs(
        &self,
        container: &ContainerId,
        range: &LogRange,
        output: &mut dyn FnMut(LogPiece<'_>) -> ControlFlow<()>,
    ) -> Result<(), EngineError>;

    /// A file or folder of a container, running or not, as a tar stream.
    fn copy_out(&self, container: &ContainerId, path: &str) -> Result<Box<dyn Read + Send>, EngineError>;

    /// Unpacks a tar below a folder of a container that has not started; owners and modes are the tar's.
    fn copy_in(&self, container: &ContainerId, folder: &str, archive: Vec<u8>) -> Result<(), EngineError>;

    /// Sends SIGTERM, after `grace` SIGKILL. A container that does not run is no error.
    fn stop(&self, container: &ContainerId, grace: Duration) -> Result<(), EngineError>;

    /// Removes a container with its anonymous volumes, running or not. One that is gone is no error.
    fn remove(&self, container: &ContainerId) -> Result<(), EngineError>;
}

/// An engine's id of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct ContainerId(pub(crate) String);

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
    /// Seconds since 1970 when it was started last; 0 for one that never was.
    pub(crate) started: i64,
    /// How often the engine itself has started it again.
    pub(crate) restarts: u32,
    /// Whether the engine starts it again; any other policy than ours counts as one that does.
    pub(crate) restart: RestartPolicy,
    /// Whether the kernel ended it for its memory.
    pub(crate) out_of_memory: bool,
    /// The outcome of its health checks so far.
    pub(crate) health: Health,
    /// What the last health check printed, as it was printed (foreign text); empty where there was none.
    pub(crate) health_output: String,
    /// By network name, how its neighbours there reach it.
    pub(crate) endpoints: BTreeMap<String, NetworkEndpoint>,
    /// The image that it was made of.
    pub(crate) image: ImageId,
    /// What runs instead of the image's entry point, as its maker asked for it; empty: the image's.
    pub(crate) entrypoint: Vec<String>,
    /// How the engine keeps what it prints.
    pub(crate) log: LogConfig,
}

/// What a container's main process is, as its maker asked for it and its image completed it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ContainerProgram {
    /// Program and first arguments.
    pub(crate) entrypoint: Vec<String>,
    /// The other arguments; a start command may hold a secret.
    pub(crate) command: Secret<Vec<String>>,
    /// Its variables, `NAME=VALUE`, those of its image below its own; values may be secret.
    pub(crate) environment: Secret<Vec<String>>,
    /// Its addresses on its networks; empty while it does not run.
    pub(crate) addresses: Vec<String>,
}

/// What the kernel's accounts have of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    /// When that was read, by the engine's clock.
    pub(crate) at: Timestamp,
    /// Nanoseconds of processor time so far, on all cores.
    pub(crate) processor_ns: u64,
    /// Bytes of memory, without what is kept of files and given up when memory is short.
    pub(crate) memory_bytes: u64,
    /// How many it may have; without a bound what the engine's machine has.
    pub(crate) memory_bound: u64,
}

/// How a container is reached on one network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NetworkEndpoint {
    /// Its addresses, of both families; empty while it does not run.
    pub(crate) addresses: Vec<String>,
    /// The names besides the container's own that the network's name server answers with it.
    pub(crate) names: Vec<String>,
}

/// What a list of containers tells of one, without a look at each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ContainerSummary {
    /// Its id.
    pub(crate) id: ContainerId,
    /// Its name without the leading slash.
    pub(crate) name: String,
    /// Those of its labels that are ours.
    pub(crate) labels: BTreeMap<String, String>,
    /// Whether its main process runs.
    pub(crate) running: Running,
    /// Seconds since 1970 when it was made.
    pub(crate) created: i64,
    /// Its main process's command line, as the engine shows it.
    pub(crate) command: String,
    /// The image that it was made of; empty where the engine does not say.
    pub(crate) image: ImageId,
    /// The outcome of its health checks so far; of one that does not run nothing is known.
    pub(crate) health: Health,
    /// How its main process ended; `None` while it runs, and where the engine does not say.
    pub(crate) exit_status: Option<i64>,
    /// Whether the engine waits to start it again, because it ended by itself; it counts as one that runs then.
    pub(crate) restarting: bool,
}

impl ContainerSummary {
    /// What a label of it says; empty where it has none.
    pub(crate) fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

/// What of a container's output is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogRange {
    /// So many of the newest entries of what is there; `None`: all of them.
    pub(crate) tail: Option<u64>,
    /// Only what was printed then or later.
    pub(crate) since: Option<Timestamp>,
    /// Whether what is printed from now on is wanted, too.
    pub(crate) follow: bool,
}

/// A piece of what a container printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogPiece<'a> {
    /// Where it was printed.
    pub(crate) stream: Stream,
    /// When the entry was printed that begins with this piece; `None`: it goes on, or nobody knows.
    pub(crate) time: Option<Timestamp>,
    /// As it was printed (foreign bytes), line ends included; a long line is several entries.
    pub(crate) bytes: &'a [u8],
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
    /// The last check passed.
    Healthy,
    /// It failed as often in a row as the check allows.
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

/// What comes of a connection to a container. It is a hint: where the engine is on another machine, the same address may be
/// somebody else's here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// Nobody knows: there is no way from here, or no answer.
    Unknown,
    /// Nobody listens.
    Closed,
    /// Somebody listens.
    Open,
}

/// How a program ended that was run in a container beside its main process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ExecResult {
    /// Its exit status; `None` where it has not ended in time, and may still run.
    pub(crate) status: Option<i64>,
    /// The first 4 KiB of what it printed on both streams, as it was printed (foreign text).
    pub(crate) output: Vec<u8>,
}
