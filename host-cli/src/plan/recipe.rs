//! All that it takes to start a process of an app again without asking anybody: its launch request, and what was typed with it. It is
//! kept with what is remembered of the app ([`super::wish`]), for a restart, another instance, a rollback. Pure.
//!
//! It holds secrets: who keeps it, keeps it closed.

use super::error::PlanError;
use super::fetching::{Fetching, Keeping, MountedFile};
use super::filled_folder::Identity;
use super::image_source::Pull;
use super::launch::{LaunchOptions, LaunchPlan, Size};
use super::lifecycle::LifecycleFrom;
use super::local_wishes::LocalWishes;
use super::name_resolution::{HostMapping, NameResolution, NameServer};
use super::volumes::VolumeMapping;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared_model::secret::Secret;

/// A launch request with what was typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recipe {
    /// The request, byte for byte.
    pub(crate) document: Secret<String>,
    /// When it was logged; `None` where nobody knows.
    pub(crate) requested: Option<Timestamp>,
    /// The process type that was typed; `None`: the request's own.
    pub(crate) process: Option<String>,
    /// What was typed behind each `--port`; of several instances it is the first one's.
    pub(crate) ports: Vec<String>,
    /// Folders for the request's volumes, by their whole paths.
    pub(crate) volumes: Vec<VolumeMapping>,
    /// The network that the app joins.
    pub(crate) network: String,
    /// `--add-host`.
    pub(crate) hosts: Vec<HostMapping>,
    /// `--dns`.
    pub(crate) dns: Vec<NameServer>,
    /// The stager image.
    pub(crate) stager_image: String,
    /// Files of the engine's machine with which a lifecycle is fetched.
    pub(crate) files: Vec<MountedFile>,
    /// The volume that keeps what is fetched, and how much it may hold; `None`: nothing is kept.
    pub(crate) cache: Option<(String, Option<String>)>,
    /// Whose lifecycle starts the app.
    pub(crate) lifecycle: LifecycleFrom,
    /// When a docker app's registry is asked for its image.
    pub(crate) pull: Pull,
    /// What the app is to trust: a file's name and a certificate in PEM each.
    pub(crate) authorities: Vec<(String, String)>,
    /// Who the instance is; `None`: nobody said.
    pub(crate) identity: Option<Identity>,
    /// What is wanted here and the request does not say.
    #[serde(default)]
    pub(crate) local: LocalWishes,
}

/// Which instance of the process is meant, and how it is to differ from its request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Which<'a> {
    /// A guid of its own.
    pub(crate) instance: &'a str,
    /// From 0.
    pub(crate) index: u32,
    /// How much it may use.
    pub(crate) size: Size,
}

impl Recipe {
    /// What one instance becomes.
    ///
    /// # Errors
    /// The request cannot be used, or what was typed does not suit it.
    pub(crate) fn plan(&self, which: Which<'_>) -> Result<LaunchPlan, PlanError> {
        let names = NameResolution { hosts: &self.hosts, dns: &self.dns };
        let keeping = match &self.cache {
            Some((name, limit)) => Keeping::InVolume { name, limit: limit.as_deref() },
            None => Keeping::Nothing,
        };
        let (image, network) = (&*self.stager_image, &*self.network);
        let options = LaunchOptions {
            process: self.process.as_deref(),
            // A port of this machine leads to one container.
            ports: if which.index == 0 { &self.ports } else { &[] },
            volumes: &self.volumes,
            network,
            names,
            fetching: Fetching { image, network, names, files: &self.files, keeping, agent_options: &[] },
            lifecycle: self.lifecycle,
            pull: self.pull,
            authorities: &self.authorities,
            identity: self.identity.as_ref(),
            local: Some(&self.local),
            instance: which.instance,
            index: which.index,
            size: which.size,
        };
        LaunchPlan::new(self.document.reveal(), self.requested, &options)
    }
}
