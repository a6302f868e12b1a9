//! A launch request, an app image and what was chosen for this start → the container that runs the app as Diego would.
//!
//! Left out: `diego-sshd` and port 2222 (`docker exec` is there), sidecars, volume mounts and egress rules; [`left_out`]
//! names what of it a request has.

use crate::engine::ImageId;
use crate::engine::container_spec::{ContainerSpec, LogConfig, PublishedPort};
use crate::labels;
use crate::plan::left_out::{counted, not_done};
use crate::plan::ports::LOOPBACK;
use crate::plan::stager::{DEFAULT_PIDS, cpu_shares, memory_bytes, open_files, positive};
use crate::plan::{guard, health, instance};
use shared_model::action::{Action, RunAction};
use shared_model::application::Application;
use shared_model::desired_lrp::{DesiredLrp, is_sidecar};
use shared_model::environment::{self, EnvironmentVariable};
use shared_model::task::is_root;
use std::collections::BTreeMap;
use std::time::Duration;

/// The process type that a launch request is for.
pub(crate) const WEB: &str = "web";

/// Below which the network knows apps. Diego's own `apps.internal` is for the routes that a request names.
const DOMAIN: &str = "apps.stager.internal";

/// Diego's default where a request gives no start timeout.
const DEFAULT_START_TIMEOUT: Duration = Duration::from_secs(60);

/// What is decided for one start of an app.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start<'a> {
    /// The app image.
    pub(crate) image: &'a ImageId,
    /// The process type.
    pub(crate) process: &'a str,
    /// The launcher's arguments, see [`arguments`].
    pub(crate) arguments: &'a [String],
    /// Which port of the host leads where.
    pub(crate) ports: &'a [PublishedPort],
    /// The network that it joins.
    pub(crate) network: &'a str,
    /// A guid of its own.
    pub(crate) instance: &'a str,
    /// How what it prints is kept; `None`: as the engine keeps it.
    pub(crate) log: Option<&'a LogConfig>,
}

/// Why a request cannot be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StartError {
    /// Nothing in it runs a launcher.
    #[error("the launch request runs no launcher")]
    NoLauncher,
    /// The image has no such process.
    #[error("the app has no process type {wanted:?}; its image has {}", if known.is_empty() { "none" } else { known })]
    NoSuchProcess { wanted: String, known: String },
}

/// The run that starts the app itself.
pub(crate) fn launcher(lrp: &DesiredLrp) -> Result<&RunAction, StartError> {
    lrp.launcher().ok_or(StartError::NoLauncher)
}

/// The launcher's arguments for `process`: the request's for `web`; for another type the start command is the one that
/// the image's label (see [`labels::PROCESS_TYPES`]) gives it.
pub(crate) fn arguments(
    run: &RunAction,
    process: &str,
    process_types: Option<&str>,
) -> Result<Vec<String>, StartError> {
    const START_COMMAND: usize = 1;
    let mut arguments = run.arguments().to_vec();
    if process == WEB {
        return Ok(arguments);
    }
    let types: BTreeMap<String, String> =
        process_types.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    let Some(command) = types.get(process) else {
        let known: Vec<&str> = types.keys().map(String::as_str).collect();
        return Err(StartError::NoSuchProcess { wanted: process.to_owned(), known: known.join(", ") });
    };
    match arguments.get_mut(START_COMMAND) {
        Some(start_command) => start_command.clone_from(command),
        None => arguments = vec!["app".to_owned(), command.clone(), String::new()],
    }
    Ok(arguments)
}

/// The container that runs the app: `run` is its launcher's.
pub(crate) fn app_container(lrp: &DesiredLrp, run: &RunAction, start: &Start<'_>) -> ContainerSpec {
    let application = lrp.application();
    let mut labels = labels::of_container(labels::KIND_APP, &application, start.instance);
    labels.insert(labels::PROCESS.to_owned(), start.process.to_owned());
    let ports: Vec<String> = start.ports.iter().map(|port| format!("{}:{}", port.host_address, port.host)).collect();
    labels.insert(labels::PORTS.to_owned(), ports.join(" "));
    ContainerSpec {
        image: start.image.0.clone(),
        entrypoint: vec![run.path.clone()],
        command: start.arguments.to_vec(),
        environment: app_environment(lrp, run, start),
        labels,
        user: run.user.clone(),
        working_directory: run.dir.clone().unwrap_or_default(),
        network: start.network.to_owned(),
        aliases: vec![alias(&application, start.process)],
        ports: start.ports.to_vec(),
        memory_bytes: memory_bytes(lrp.memory_mb),
        cpu_shares: cpu_shares(lrp.cpu_weight),
        nofile: open_files(run.nofile()),
        pids: lrp.max_pids.and_then(positive).unwrap_or(DEFAULT_PIDS),
        disk_bytes: positive(lrp.disk_mb).map_or(0, |mib| mib << 20),
        // Root keeps what engines give everybody; nobody else has a use for any of it but by a set-user-id program.
        drop_capabilities: if is_root(&run.user) { Vec::new() } else { vec!["ALL".to_owned()] },
        security_options: vec!["no-new-privileges".to_owned()],
        log: start.log.cloned(),
        // Diego's container has an init as process 1, so an app without a handler for SIGTERM ends on it.
        init: true,
        // The request's check is for its own process type.
        health_check: (start.process == WEB).then(|| health::health_check(lrp, start_timeout(lrp))).flatten(),
        ..ContainerSpec::default()
    }
}

/// Which guard holds the launch of this process while it goes on.
pub(crate) fn guard_name(lrp: &DesiredLrp, process: &str) -> String {
    guard::of_launch(lrp.app_guid(), process)
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

/// The app's name for people; its guid where it has none.
pub(crate) fn shown_name(lrp: &DesiredLrp) -> String {
    let application = lrp.application();
    if application.name.is_empty() { application.guid } else { application.name }
}

/// The container's ports that are published: only `web` is known to listen.
pub(crate) fn published(lrp: &DesiredLrp, process: &str) -> Vec<u32> {
    if process == WEB { lrp.app_ports() } else { Vec::new() }
}

/// Where the app answers on this machine; empty where no port is published.
pub(crate) fn url(ports: &[PublishedPort]) -> String {
    const EVERYWHERE: &str = "0.0.0.0";
    let address = |port: &PublishedPort| {
        if port.host_address == EVERYWHERE { LOOPBACK.to_owned() } else { port.host_address.clone() }
    };
    ports.first().map(|port| format!("http://{}:{}", address(port), port.host)).unwrap_or_default()
}

/// How long the app may take until it is healthy.
pub(crate) fn start_timeout(lrp: &DesiredLrp) -> Duration {
    lrp.start_timeout().unwrap_or(DEFAULT_START_TIMEOUT)
}

/// The container's name. The end differs, because the earlier container stays until the new one is healthy.
pub(crate) fn container_name(lrp: &DesiredLrp, process: &str, instance: &str) -> String {
    let application = lrp.application();
    let slug = labels::slug(&application.name);
    let slug = if process == WEB { slug } else { format!("{slug}-{}", labels::slug(process)) };
    format!("cf-app-{slug}-{}-{}", short(&application.guid), short(instance))
}

/// The one name under which the network knows the app: `<slug>-<start of the guid>.apps.stager.internal`, for another process
/// than `web` with its slug as a label in front. A tenant chooses the slug; behind it stands what the system gave, below a
/// domain that is no platform's, so that no app is taken for a host that somebody else asks for.
fn alias(application: &Application, process: &str) -> String {
    let host = format!("{}-{}.{DOMAIN}", labels::slug(&application.name), short(&application.guid));
    if process == WEB { host } else { format!("{}.{host}", labels::slug(process)) }
}

/// The start of a guid, as names have it.
fn short(guid: &str) -> String {
    const CHARACTERS: usize = 8;
    guid.chars().filter(char::is_ascii_alphanumeric).take(CHARACTERS).collect::<String>().to_ascii_lowercase()
}

/// The container's variables below the run's, below executor's: the order in which Diego merges them. `USER` is garden's.
fn app_environment(lrp: &DesiredLrp, run: &RunAction, start: &Start<'_>) -> Vec<(String, String)> {
    let merged = environment::merge([
        &[EnvironmentVariable::new("USER", run.user.as_str())][..],
        lrp.environment(),
        &instance::of_rep(start.instance),
        run.environment(),
        &instance::of_executor(start.ports),
    ]);
    merged.into_iter().map(|variable| (variable.name, variable.value.reveal().clone())).collect()
}

/// What of the request is not done, in words; empty where nothing is left out that a user would miss.
pub(crate) fn left_out(lrp: &DesiredLrp) -> Vec<String> {
    let mut notes = Vec::new();
    let own = lrp.launcher();
    let others = lrp.launchers().filter(|run| own.is_none_or(|own| !std::ptr::eq(*run, own)));
    let names: Vec<&str> = others
        .map(|run| run.log_source.as_deref().filter(|_| is_sidecar(run)).and_then(|source| source.rsplit('/').next()))
        .map(|name| name.unwrap_or("without a name"))
        .chain(lrp.sidecars.iter().flatten().map(|_| "without a name"))
        .collect();
    if !names.is_empty() {
        notes.push(format!("Not started: {} ({})", counted(names.len(), "sidecar"), names.join(", ")));
    }
    let count = |list: Option<usize>| list.unwrap_or_default();
    notes.extend(not_done(
        count(lrp.volume_mounts.as_ref().map(Vec::len)),
        count(lrp.egress_rules.as_ref().map(Vec::len)),
    ));
    if lrp.action.iter().flat_map(Action::runs).any(|run| run.program() == "diego-sshd") {
        notes.push("Not started: diego-sshd; `docker exec -it` opens a shell".to_owned());
    }
    notes
}

#[cfg(test)]
mod tests;
