//! What every container has in common in which the agent fetches: the image, the network, certificates, and the volume
//! that keeps what was fetched.

use crate::engine::container_spec::{ContainerSpec, LogConfig};
use crate::plan::name_resolution::NameResolution;
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error as _};
use shared_model::cache::MOUNTED;
use std::path::PathBuf;

/// What the agent, running as root, needs of root's rights, each tried by leaving it out. To become the
/// request's user (`SETUID`, `SETGID`), to unpack archives as that user's files (`CHOWN`) below folders that are the
/// user's (`DAC_OVERRIDE`) with modes that even their owner may not write (`FOWNER`), to end what the user left
/// running (`KILL`), and to leave none of these to whatever it starts (`SETPCAP`).
const CAPABILITIES: [&str; 7] = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETPCAP", "SETUID"];

/// A file of the engine's machine that the agent reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct MountedFile {
    /// The option that names it, of ours and of the agent.
    pub(crate) option: &'static str,
    /// Where it lies: an absolute path without a colon.
    pub(crate) host: PathBuf,
    /// Where the agent finds it.
    pub(crate) container: &'static str,
}

/// The options that name files, and where the agent finds each.
const FILES: [(&str, &str); 3] =
    [("--ca", "/etc/stager/ca.pem"), ("--cert", "/etc/stager/cert.pem"), ("--key", "/etc/stager/key.pem")];

impl MountedFile {
    /// The file of this option; `None`: no option of this name names one.
    pub(crate) fn of(option: &str, host: PathBuf) -> Option<Self> {
        let (option, container) = FILES.into_iter().find(|(known, _)| *known == option)?;
        Some(Self { option, host, container })
    }
}

impl<'de> Deserialize<'de> for MountedFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Written {
            option: String,
            host: PathBuf,
        }
        let Written { option, host } = Written::deserialize(deserializer)?;
        Self::of(&option, host).ok_or_else(|| D::Error::custom("no such option"))
    }
}

/// What becomes of that which was fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeping<'a> {
    /// Nothing is kept, and nothing that was kept is used.
    Nothing,
    /// It is kept in a volume.
    InVolume {
        /// The volume's name.
        name: &'a str,
        /// How much it may hold, as the user typed it; `None`: as the agent has it.
        limit: Option<&'a str>,
    },
    /// It is put into this directory of the container, which becomes an image.
    InImage(&'static str),
    /// What the stager image holds is used; what is fetched besides goes with the container.
    WithContainer,
}

/// How a container fetches; the same for a staging, a filling of the cache and a comparison with the servers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fetching<'a> {
    /// The stager image.
    pub(crate) image: &'a str,
    /// The network that knows the hosts in the request's URLs.
    pub(crate) network: &'a str,
    /// How it finds hosts that the network does not know.
    pub(crate) names: NameResolution<'a>,
    /// Certificates and keys.
    pub(crate) files: &'a [MountedFile],
    /// What is kept.
    pub(crate) keeping: Keeping<'a>,
    /// What followed `--`.
    pub(crate) agent_options: &'a [String],
}

impl Fetching<'_> {
    /// The container, without labels, command and limits.
    pub(crate) fn container(&self) -> ContainerSpec {
        let files = self.files.iter().map(|file| format!("{}:{}:ro", file.host.display(), file.container));
        let volume = match self.keeping {
            Keeping::InVolume { name, .. } => Some(format!("{name}:{MOUNTED}")),
            Keeping::Nothing | Keeping::InImage(_) | Keeping::WithContainer => None,
        };
        ContainerSpec {
            image: self.image.to_owned(),
            network: self.network.to_owned(),
            extra_hosts: self.names.extra_hosts(),
            dns: self.names.servers(),
            binds: files.chain(volume).collect(),
            reads_stdin: true,
            ..with_the_agents_rights()
        }
    }

    /// The agent's options where we feed it on standard input, `more` of them in front of the user's.
    pub(crate) fn arguments(&self, more: &[&str]) -> Vec<String> {
        let first = ["--output", "json", "--lease"].iter().chain(more).map(|option| (*option).to_owned());
        first.chain(self.options()).collect()
    }

    /// The agent's options wherever its request comes from.
    pub(crate) fn options(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        for file in self.files {
            arguments.extend([file.option, file.container]);
        }
        match self.keeping {
            Keeping::Nothing => arguments.push("--no-cache"),
            Keeping::InVolume { limit: Some(limit), .. } => arguments.extend(["--cache-limit", limit]),
            Keeping::InVolume { limit: None, .. } | Keeping::InImage(_) | Keeping::WithContainer => {}
        }
        arguments.into_iter().chain(self.agent_options.iter().map(String::as_str)).map(str::to_owned).collect()
    }
}

/// A container in which the agent has the rights that it needs, and whoever it starts can get no more.
pub(crate) fn with_the_agents_rights() -> ContainerSpec {
    ContainerSpec {
        drop_capabilities: vec!["ALL".to_owned()],
        add_capabilities: CAPABILITIES.map(str::to_owned).to_vec(),
        security_options: vec!["no-new-privileges".to_owned()],
        // Whoever listens hears all of it; kept, what a buildpack prints would fill the engine's disk.
        log: Some(LogConfig { driver: "none".to_owned(), ..LogConfig::default() }),
        ..ContainerSpec::default()
    }
}
