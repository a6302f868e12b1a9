//! A container as a value: what the engine is to be asked for. Pure data, made by the plans, sent by the engine.

use std::collections::BTreeMap;
use std::time::Duration;

/// All that our containers need of an engine. `Default` is an empty one that asks for nothing.
#[expect(clippy::struct_excessive_bools, reason = "each is an option of engines, and they go in any combination")]
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct ContainerSpec {
    /// The image's name or id.
    pub(crate) image: String,
    /// What runs instead of the image's entry point; empty: the image's.
    pub(crate) entrypoint: Vec<String>,
    /// Its arguments; empty: the image's, or none where `entrypoint` is given.
    pub(crate) command: Vec<String>,
    /// Names and values; values may be secret, so this type's `Debug` hides them.
    pub(crate) environment: Vec<(String, String)>,
    /// Labels; never secret.
    pub(crate) labels: BTreeMap<String, String>,
    /// `vcap`, `2000:2000`; empty: the image's.
    pub(crate) user: String,
    /// The folder in which the program starts; empty: the image's.
    pub(crate) working_directory: String,
    /// The one network it is on; empty: the engine's default.
    pub(crate) network: String,
    /// Names under which the network knows it, besides its own.
    pub(crate) aliases: Vec<String>,
    /// Lines of its `/etc/hosts` besides the engine's own: `HOST:IP`, `HOST:host-gateway`.
    pub(crate) extra_hosts: Vec<String>,
    /// Addresses of name servers; empty: the engine's.
    pub(crate) dns: Vec<String>,
    /// TCP ports of the host that lead into it; empty: none.
    pub(crate) ports: Vec<PublishedPort>,
    /// Bytes of memory; 0: no limit.
    pub(crate) memory_bytes: u64,
    /// Bytes that the storage driver lets it write; 0: no limit. An engine whose storage has no such bound refuses it.
    pub(crate) disk_bytes: u64,
    /// Relative weight, the engine's default is 1024; 0: the default.
    pub(crate) cpu_shares: u64,
    /// Open files, soft and hard; 0: the engine's default.
    pub(crate) nofile: u64,
    /// Processes at once; 0: no limit.
    pub(crate) pids: u64,
    /// Capabilities taken away: `ALL`.
    pub(crate) drop_capabilities: Vec<String>,
    /// Capabilities given back: `SETUID`.
    pub(crate) add_capabilities: Vec<String>,
    /// `no-new-privileges` and the like.
    pub(crate) security_options: Vec<String>,
    /// Mounts in the engine's short form, `/host:/container:ro`.
    pub(crate) binds: Vec<String>,
    /// Folders that are volumes of its own: they stay when it starts again, are part of no image that is made of it, and the
    /// engine removes them with it.
    pub(crate) volumes: Vec<String>,
    /// Folders that are volumes of its own, too, and begin as its image has them, with their owner and mode.
    pub(crate) scratch_folders: Vec<String>,
    /// Folders in memory, empty at each start; only root writes there.
    pub(crate) memory_folders: Vec<String>,
    /// True: it reads standard input, which is closed after the first attachment.
    pub(crate) reads_stdin: bool,
    /// True: the engine's little init reaps orphans as process 1.
    pub(crate) init: bool,
    /// True: the engine removes it when it has ended.
    pub(crate) auto_remove: bool,
    /// How the engine asks whether it is healthy.
    pub(crate) health_check: Option<HealthCheck>,
    /// What of its image's settings does not count.
    pub(crate) overruled: Overruled,
    /// How the engine keeps what it prints; `None`: as it keeps it for everybody.
    pub(crate) log: Option<LogConfig>,
    /// Whether the engine starts it again.
    pub(crate) restart: RestartPolicy,
    /// True: it sees the processes of the engine's machine, as that sees its.
    pub(crate) host_processes: bool,
}

/// Whether an engine starts a container again that has ended, and after its own start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RestartPolicy {
    /// It does not.
    #[default]
    No,
    /// It does, unless somebody has stopped it. An engine that was killed stops what outlived it, and takes that for such a stop.
    UnlessStopped,
    /// It does; what somebody has stopped, when the engine itself is started.
    Always,
}

/// What of an image's settings does not count in a container, besides what its spec says itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Overruled {
    /// All of them count.
    #[default]
    Nothing,
    /// Neither its health check, nor the signal that stops it, which is SIGTERM then.
    HealthAndStop,
}

/// How an engine keeps what a container prints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogConfig {
    /// The log driver: `json-file`, `none`; empty where an engine does not say.
    pub(crate) driver: String,
    /// The driver's options: `max-size`.
    pub(crate) options: BTreeMap<String, String>,
}

/// A port of the host that leads into the container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublishedPort {
    /// The address on the host; empty: all.
    pub(crate) host_address: String,
    /// The port on the host.
    pub(crate) host: u16,
    /// The TCP port in the container.
    pub(crate) container: u16,
}

/// A program that the engine runs in the container again and again; status 0 means healthy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HealthCheck {
    /// Program and arguments, without a shell.
    pub(crate) command: Vec<String>,
    /// Others that must succeed before an app counts as healthy, and that no engine runs.
    pub(crate) beside: Vec<Vec<String>>,
    /// Ports of the container at which somebody must listen, or the check cannot pass; empty: not known.
    pub(crate) ports: Vec<u16>,
    /// Time between two checks once one has passed.
    pub(crate) interval: Duration,
    /// Time between any two checks, for an engine that knows one interval only.
    pub(crate) only_interval: Duration,
    /// Time between two checks until one has passed or the start period is over.
    pub(crate) start_interval: Duration,
    /// How long one check may take.
    pub(crate) timeout: Duration,
    /// Failures in a row after which the container is unhealthy.
    pub(crate) retries: u32,
    /// Failures within this time after the start do not count.
    pub(crate) start_period: Duration,
}

impl std::fmt::Debug for ContainerSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.environment.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("ContainerSpec")
            .field("image", &self.image)
            .field("environment", &names)
            .field("labels", &self.labels)
            .field("network", &self.network)
            .field("ports", &self.ports)
            .finish_non_exhaustive()
    }
}
