//! A launch request and the user's options → all that a launch is to be. Nothing is asked of the request after this. Pure.

use super::app_container::{app_container, container_name, environment_of, pairs, start_timeout};
use super::error::PlanError;
use super::fetching::Fetching;
use super::filled_folder::{FilledFolder, Identity};
use super::image_source::{self, ImageSource, Pull};
use super::lifecycle::{LifecycleFrom, LifecyclePlan};
use super::local_wishes::LocalWishes;
use super::name_resolution::NameResolution;
use super::not_done::NotDone;
use super::orchestration::Orchestration;
use super::ports::{LOOPBACK, PortRequest, port_requests};
use super::process::Process;
use super::restage::app_word;
use super::supervisor::Supervised;
use super::volumes::{self, VolumeMapping, Volumes};
use super::{guard, instance, process, sidecars};
use crate::engine::container_spec::{ContainerSpec, LogConfig, PublishedPort};
use crate::engine::{Image, ImageId, ImageSettings};
use crate::labels;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared_model::action::RunAction;
use shared_model::desired_lrp::DesiredLrp;
use shared_model::environment::EnvironmentVariable;
use shared_model::mounted_file::{IDENTITY_FILES, INSTANCE_IDENTITY, SYSTEM_CERTIFICATES_VARIABLE};
use shared_model::process_type::WEB;
use shared_model::validate;
use std::time::Duration;

/// What Diego gives an app between SIGTERM and SIGKILL: `graceful_shutdown_interval`.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// What the user decides about a launch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LaunchOptions<'a> {
    /// The process type that was typed; `None`: the request's own.
    pub(crate) process: Option<&'a str>,
    /// What was typed behind each `--port`.
    pub(crate) ports: &'a [String],
    /// Folders for the request's volumes.
    pub(crate) volumes: &'a [VolumeMapping],
    /// The network that the app joins.
    pub(crate) network: &'a str,
    /// How it finds hosts that the network does not know.
    pub(crate) names: NameResolution<'a>,
    /// How its lifecycle is fetched, where that is wanted.
    pub(crate) fetching: Fetching<'a>,
    /// Whose lifecycle an app of a droplet has.
    pub(crate) lifecycle: LifecycleFrom,
    /// When a docker app's registry is asked for its image.
    pub(crate) pull: Pull,
    /// What the app is to trust: a file's name and a certificate in PEM each.
    pub(crate) authorities: &'a [(String, String)],
    /// Who the instance is; `None`: nobody said.
    pub(crate) identity: Option<&'a Identity>,
    /// What is wanted besides the request; `None`: nothing.
    pub(crate) local: Option<&'a LocalWishes>,
    /// A guid of its own.
    pub(crate) instance: &'a str,
    /// Which of the process's instances it is, from 0.
    pub(crate) index: u32,
    /// How it is to differ from the request in what it may use.
    pub(crate) size: Size,
}

/// How much an instance may use, where that is not the request's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Size {
    /// MiB of memory; `None`: the request's.
    pub(crate) memory_mb: Option<i32>,
    /// MiB that it may write; `None`: the request's.
    pub(crate) disk_mb: Option<i32>,
}

/// A launch, decided but for what only the engine knows: the image, and which ports are free.
#[derive(Debug)]
pub(crate) struct LaunchPlan {
    /// What of the request is not done.
    pub(crate) not_done: NotDone,
    /// The app's guid, by which its images and earlier containers are found.
    pub(crate) app_guid: String,
    /// The app's name for people; its guid where it has none.
    pub(crate) app: String,
    /// When the request was logged; `None` where nobody knows.
    pub(crate) requested: Option<Timestamp>,
    /// Which image it starts.
    pub(crate) image: ImageSource,
    /// The lifecycle that is fetched for it; `None`: its image has one. A docker app always has one fetched.
    pub(crate) lifecycle: Option<LifecyclePlan>,
    /// The stager image.
    pub(crate) stager_image: String,
    /// The stack that the request wants below it; empty for a docker app.
    pub(crate) stack: String,
    /// The process.
    pub(crate) process: Process,
    /// Which of its instances, from 0.
    pub(crate) index: u32,
    /// Which ports are to be published.
    pub(crate) ports: Vec<PortRequest>,
    /// The guard that holds the launch of this process while it goes on.
    pub(crate) guard: String,
    /// The container's name.
    pub(crate) container_name: String,
    /// The request's memory in MiB.
    pub(crate) memory_mb: i32,
    /// How long the app may take until it is healthy.
    pub(crate) start_timeout: Duration,
    /// The volumes that the request has, whether they are mounted or not.
    pub(crate) volume_ids: Vec<String>,
    /// What a platform of many machines does besides.
    pub(crate) orchestration: Orchestration,
    /// Folders that are filled before the container starts.
    pub(crate) folders: Vec<FilledFolder>,
    /// What a supervisor starts beside the launcher, each with its variables but for those of the image and of the ports.
    pub(crate) sidecars: Vec<RunAction>,
    /// The container as far as it is decided.
    template: ContainerSpec,
    /// The arguments of the request's launcher.
    arguments: Vec<String>,
    /// Whether the command among them was typed.
    is_command_typed: bool,
}

/// A launch on an engine, whose ports and image are known.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The container.
    pub(crate) container: ContainerSpec,
    /// What of the request is not done.
    pub(crate) not_done: NotDone,
    /// What comes in with the supervisor; `None`: it has none.
    pub(crate) supervisor: Option<FilledFolder>,
}

impl Size {
    /// What this leaves open as the other has it.
    pub(crate) fn or(self, other: Self) -> Self {
        Self { memory_mb: self.memory_mb.or(other.memory_mb), disk_mb: self.disk_mb.or(other.disk_mb) }
    }

    /// The request with this size.
    fn of(self, lrp: DesiredLrp) -> DesiredLrp {
        let (memory_mb, disk_mb) = (self.memory_mb.unwrap_or(lrp.memory_mb), self.disk_mb.unwrap_or(lrp.disk_mb));
        DesiredLrp { memory_mb, disk_mb, ..lrp }
    }
}

impl LaunchPlan {
    /// What `document`, a launch request that was logged at `requested`, becomes.
    ///
    /// # Errors
    /// The request cannot be used, or what was typed does not suit it.
    pub(crate) fn new(
        document: &str,
        requested: Option<Timestamp>,
        options: &LaunchOptions<'_>,
    ) -> Result<Self, PlanError> {
        let lrp = options.size.of(validate::desired_lrp(document)?);
        let application = lrp.application();
        let run = lrp.launcher().ok_or(PlanError::NoLauncher)?;
        let LaunchOptions { process: typed, ports, volumes: typed_folders, network, names, .. } = *options;
        let LaunchOptions { authorities, identity, instance, index, fetching, .. } = *options;
        let image = ImageSource::new(&lrp, options.pull)?;
        let is_fetched = image != ImageSource::Droplet || options.lifecycle == LifecycleFrom::Request;
        let lifecycle = is_fetched.then(|| LifecyclePlan::new(&lrp, run, &fetching)).transpose()?;
        let process = Process::new(&lrp, typed)?;
        let process_type = &*process.process_type;
        let app_ports = if process.listens(&lrp) { lrp.app_ports() } else { Vec::new() };
        let volume_mounts = lrp.volume_mounts.as_deref().unwrap_or_default();
        let bindings = FilledFolder::of_bindings(lrp.mounted_files());
        let of_user = |identity| FilledFolder::of_identity(identity, &run.user, &image);
        let identity = identity.map(of_user).transpose()?;
        let filled = bindings.iter().chain(&identity).map(|folder| &folder.at);
        let mut own_volumes: Vec<String> =
            filled.chain(lifecycle.iter().map(|lifecycle| &lifecycle.at)).cloned().collect();
        let certificates = lrp.trusted_system_certificates_path.as_deref().unwrap_or_default();
        let kind = lrp.lifecycle_kind();
        let trusted = FilledFolder::of_authorities(certificates, authorities, kind, &own_volumes)?;
        own_volumes.extend(trusted.iter().map(|folder| folder.at.clone()));
        let volumes = Volumes::new(volume_mounts, typed_folders, kind, &own_volumes)?;
        let mut template = app_container(&lrp, run, &process, network, (instance, index));
        let mut told: Vec<(&str, String)> = Vec::new();
        told.extend(trusted.iter().map(|folder| (SYSTEM_CERTIFICATES_VARIABLE, folder.at.clone())));
        let of_identity = identity.iter().flat_map(|_| IDENTITY_FILES);
        told.extend(of_identity.map(|(name, file)| (name, format!("{INSTANCE_IDENTITY}/{file}"))));
        for (name, value) in &told {
            instance::tell(&mut template.environment, run.environment(), name, value);
        }
        if let Some(local) = options.local {
            local.tell(&mut template.environment);
        }
        let has_identity = identity.is_some();
        let sidecar = |run: &RunAction| {
            let mut environment = pairs(environment_of(&lrp, run, (instance, index)));
            for (name, value) in &told {
                instance::tell(&mut environment, run.environment(), name, value);
            }
            if let Some(local) = options.local {
                local.tell(&mut environment);
            }
            let variable = |(name, value): (String, String)| EnvironmentVariable::new(name, value);
            let env = Some(environment.into_iter().map(variable).collect());
            RunAction { env, log_source: Some(sidecars::source(run)), ..run.clone() }
        };
        let folders = [bindings, trusted, identity].into_iter().flatten().collect();
        Ok(Self {
            not_done: NotDone::of_launch(&lrp, &app_word(&application.name, lrp.app_guid()), has_identity, &volumes),
            app_guid: lrp.app_guid().to_owned(),
            app: if application.name.is_empty() { application.guid } else { application.name },
            requested,
            image,
            lifecycle,
            stager_image: fetching.image.to_owned(),
            stack: lrp.stack().unwrap_or_default().to_owned(),
            ports: port_requests(&app_ports, ports)?,
            guard: guard::of_launch(lrp.app_guid(), process_type),
            container_name: container_name(&lrp, process_type, instance),
            memory_mb: lrp.memory_mb,
            start_timeout: start_timeout(&lrp),
            volume_ids: volumes::ids(volume_mounts),
            orchestration: Orchestration::new(&lrp, process.listens(&lrp), &volumes),
            template: ContainerSpec {
                extra_hosts: names.extra_hosts(),
                dns: names.servers(),
                binds: volumes.binds.into_iter().chain(options.local.and_then(LocalWishes::bind)).collect(),
                volumes: own_volumes,
                ..template
            },
            folders,
            arguments: process::started_with(
                run.arguments(),
                options.local.and_then(|local| local.command.as_ref()).map(|command| command.reveal().as_str()),
            ),
            is_command_typed: options.local.is_some_and(|local| local.command.is_some()),
            // Of another process type they are the request's, not this one's.
            sidecars: if process.has_request { sidecars::startable(&lrp).map(sidecar).collect() } else { Vec::new() },
            process,
            index,
        })
    }

    /// The app for people, with its process type where that is not `web`: `shop (worker)`.
    pub(crate) fn subject(&self) -> String {
        let Process { process_type, .. } = &self.process;
        if process_type == WEB { self.app.clone() } else { format!("{} ({process_type})", self.app) }
    }

    /// What shows the app's logs.
    pub(crate) fn logs_command(&self) -> String {
        format!("host-cli logs {}", app_word(&self.app, &self.app_guid))
    }

    /// The network that the app joins.
    pub(crate) fn network(&self) -> &str {
        &self.template.network
    }

    /// The container of this image.
    ///
    /// # Errors
    /// As [`Self::container`].
    pub(crate) fn container_of(&self, image: &Image) -> Result<ContainerSpec, PlanError> {
        match &self.image {
            ImageSource::Droplet => {
                self.container(&image.id, image.labels.get(labels::PROCESS_TYPES).map(String::as_str))
            }
            ImageSource::Registry(_) => Ok(image_source::of_stranger(self.container(&image.id, None)?, image)),
        }
    }

    /// The container of this image, whose label [`labels::PROCESS_TYPES`] is `process_types`.
    ///
    /// # Errors
    /// The process has no request of its own, and the image no such process.
    pub(crate) fn container(&self, image: &ImageId, process_types: Option<&str>) -> Result<ContainerSpec, PlanError> {
        let command = if self.is_command_typed {
            self.arguments.clone()
        } else {
            self.process.arguments(&self.arguments, process_types)?
        };
        Ok(ContainerSpec { image: image.0.clone(), command, ..self.template.clone() })
    }

    /// The launch with this container, whose ports are published. `image` is its image's, `program` the supervisor's, if there is one.
    pub(crate) fn prepared(&self, container: ContainerSpec, image: &ImageSettings, program: Option<&[u8]>) -> Prepared {
        let Some(program) = program else {
            return Prepared { container, not_done: self.not_done.clone(), supervisor: None };
        };
        let supervised = Supervised::new(container, &self.sidecars, image);
        let supervisor = Some(supervised.folder(program.to_vec(), &self.image));
        // What runs with another process's request starts none of that one's sidecars.
        let not_done = if self.process.has_request { self.not_done.supervised() } else { self.not_done.clone() };
        Prepared { container: supervised.container, not_done, supervisor }
    }
}

/// The container as an instance that others can tell from its siblings.
pub(crate) fn numbered(mut container: ContainerSpec, index: u32, revision: u64) -> ContainerSpec {
    container.labels.insert(labels::INDEX.to_owned(), index.to_string());
    container.labels.insert(labels::REVISION.to_owned(), revision.to_string());
    container
}

/// The revision of a container that is [`numbered`]; 0: it is not.
pub(crate) fn revision(container: &ContainerSpec) -> u64 {
    container.labels.get(labels::REVISION).and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// The container, which tells whether the cell made it.
pub(crate) fn made_by(mut container: ContainerSpec, cell: bool) -> ContainerSpec {
    let by = if cell { labels::BY_CELL } else { "" };
    container.labels.insert(labels::BY.to_owned(), by.to_owned());
    container
}

/// The container with these ports of the host, which it is told of too.
pub(crate) fn published(mut container: ContainerSpec, ports: &[PublishedPort]) -> ContainerSpec {
    let list: Vec<String> = ports.iter().map(|port| format!("{}:{}", port.host_address, port.host)).collect();
    container.labels.insert(labels::PORTS.to_owned(), list.join(" "));
    container.ports = ports.to_vec();
    // Over everything else, in the place of what the request has under these names, as Diego merges them.
    for (name, value) in pairs(instance::of_executor(ports)) {
        instance::set(&mut container.environment, &name, value);
    }
    container
}

/// How an app's output is kept on an engine that would keep this container's as `usual`: where that has no bound, the newest
/// 30 MB. `None`: as usual.
pub(crate) fn log_config(usual: &LogConfig) -> Option<LogConfig> {
    // Of Docker's and Podman's drivers these write files of their own; the others are bounded, or somebody else's.
    const FILES: [(&str, &[(&str, &str)]); 2] =
        [("json-file", &[("max-size", "10m"), ("max-file", "3")]), ("k8s-file", &[("max-size", "30m")])];
    let (driver, options) = FILES.iter().find(|(driver, _)| *driver == usual.driver)?;
    if usual.options.contains_key("max-size") {
        return None;
    }
    let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Some(LogConfig { driver: (*driver).to_owned(), options })
}

/// Where the app answers on this machine; empty where no port is published.
pub(crate) fn url(ports: &[PublishedPort]) -> String {
    const EVERYWHERE: &str = "0.0.0.0";
    let address = |port: &PublishedPort| {
        if port.host_address == EVERYWHERE { LOOPBACK.to_owned() } else { port.host_address.clone() }
    };
    ports.first().map(|port| format!("http://{}:{}", address(port), port.host)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
