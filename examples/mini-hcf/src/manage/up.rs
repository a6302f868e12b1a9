//! `mini-hcf up`: network, certificates, image, containers; ends when all of them answer.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::manage::{certificates, docker, image, network};
use crate::services::Service;
use crate::state::{Settings, State};

/// How long a service may take to answer; it takes a tenth of a second.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often we look.
const POLL: Duration = Duration::from_millis(50);

/// What `up` is told.
pub(crate) struct UpOptions {
    /// The network, if nobody else has it.
    pub(crate) network: String,
    /// This mini-HCF's name; `None`: the state's earlier one, or `demo`.
    pub(crate) instance: Option<String>,
    /// The Debian image below ours.
    pub(crate) base: String,
    /// The name of our image.
    pub(crate) image: String,
    /// Whether the services' full names are kept from the network.
    pub(crate) hidden_names: bool,
    /// Whether every TLS port asks for a client certificate.
    pub(crate) mutual_tls: bool,
    /// A static build of this program; `None`: the running one.
    pub(crate) binary: Option<PathBuf>,
}

/// Starts everything anew; what the state holds (buildpacks, apps, blobs, secret) stays.
pub(crate) fn up(state: &State, options: &UpOptions, out: &mut dyn Write) -> Result<(), Failure> {
    let before = state.settings()?;
    let instance = options.instance.clone().or_else(|| before.as_ref().map(|old| old.instance.clone()));
    let instance = instance.unwrap_or_else(|| "demo".to_owned());
    check_name(&instance)?;
    let binary = options.binary.clone().map_or_else(image::own_binary, Ok)?;
    docker::reach()?;
    let former = image::id(&options.image);
    image::build(&image::ImageBuild { base: &options.base, binary: &binary, name: &options.image })?;
    let chosen = network::choose(&options.network, &instance, network::look)?;
    if chosen.name != options.network {
        say(out, &format!("the network {} is not ours: using {}", options.network, chosen.name));
    }
    let settings = Settings {
        network: chosen.name.clone(),
        image: options.image.clone(),
        instance,
        hidden_names: options.hidden_names,
        mutual_tls: options.mutual_tls,
        ..before.unwrap_or_else(Settings::fresh)
    };
    state.create()?;
    certificates::provide(state)?;
    state.keep(&settings)?;
    if chosen.make {
        network::make(&chosen.name, &settings.instance)?;
    }
    super::down::remove_containers(&settings.instance)?;
    if let Err(failure) = start(state, &settings) {
        // The error tells what the service said; half a mini-HCF helps nobody.
        super::down::remove(&settings)?;
        return Err(failure);
    }
    image::forget(former, &options.image);
    say(out, &format!("mini-HCF `{}` is up on network {}", settings.instance, settings.network));
    for service in Service::ALL {
        say(out, &format!("  {}", service.names_on(&settings).join(", ")));
    }
    if settings.mutual_tls {
        let (certificate, key) = (state.path("client.pem"), state.path("client.key"));
        say(out, &format!("client certificate: {}, {}", certificate.display(), key.display()));
    }
    say(out, &format!("certificate authority: {}", state.path("ca.pem").display()));
    say(out, &format!("logs: {}", state.path("log").display()));
    Ok(())
}

fn say(out: &mut dyn Write, line: &str) {
    let _ = writeln!(out, "{line}"); // a closed pipe is no reason to stop
}

/// Docker's rule for names, without its longer exceptions.
fn check_name(instance: &str) -> Result<(), Failure> {
    let fits = |character: char| character.is_ascii_alphanumeric() || "_.-".contains(character);
    if !instance.is_empty() && instance.chars().all(fits) {
        return Ok(());
    }
    Err(Failure::CommandLine(format!(
        "`{instance}` is no name for an instance: letters, digits, `_`, `.` and `-` only"
    )))
}

fn start(state: &State, settings: &Settings) -> Result<(), Failure> {
    let folder = state.absolute()?;
    let metadata = fs::metadata(&folder).map_err(Failure::file("read", &folder))?;
    let ids = format!("{}:{}", metadata.uid(), metadata.gid());
    let caller = docker::caller(ids)?;
    for service in Service::ALL {
        docker::run(&docker::run_arguments(settings, service, &folder, &caller))?;
    }
    Service::ALL.into_iter().try_for_each(|service| wait_until_ready(settings, service))
}

/// A service says `ready` when all its ports answer.
fn wait_until_ready(settings: &Settings, service: Service) -> Result<(), Failure> {
    let container = docker::container_name(settings, service);
    let start = Instant::now();
    loop {
        let said = docker::logs(&container, 10)?;
        if said.lines().any(|line| line == "ready") {
            return Ok(());
        }
        let running = docker::run(&["inspect", "--format", "{{.State.Running}}", &container])?;
        let ended = running != "true";
        if ended || start.elapsed() > PATIENCE {
            let how = if ended { "ended at once" } else { "does not answer" };
            return Err(Failure::Service { service: service.role().to_owned(), how, said });
        }
        sleep(POLL);
    }
}
