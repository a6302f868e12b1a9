//! A launch request → the container that runs the app as Diego would, as far as nothing has to be asked of the engine.
//!
//! Left out: `diego-sshd` and port 2222 (`host-cli ssh` is there), egress rules, and volumes that nobody gave a folder for; the
//! plan's notes name what of it a request has. Sidecars are a supervisor's ([`super::supervisor`]).

use super::limits::{DEFAULT_PIDS, cpu_shares, memory_bytes, open_files, positive};
use super::process::Process;
use super::{health, instance};
use crate::engine::container_spec::ContainerSpec;
use crate::labels;
use shared_model::action::RunAction;
use shared_model::application::Application;
use shared_model::desired_lrp::DesiredLrp;
use shared_model::environment::{self, EnvironmentVariable};
use shared_model::process_type::WEB;
use shared_model::task::is_root;
use std::time::Duration;

/// Below which the network knows apps. Diego's own `apps.internal` is for the routes that a request names.
const DOMAIN: &str = "apps.stager.internal";

/// Diego's default where a request gives no start timeout.
const DEFAULT_START_TIMEOUT: Duration = Duration::from_secs(60);

/// The container that runs `process` of the app, without its image, its arguments, its ports and its log, which depend on
/// the engine. `run` is its launcher's.
pub(super) fn app_container(
    lrp: &DesiredLrp,
    run: &RunAction,
    process: &Process,
    network: &str,
    (instance, index): (&str, u32),
) -> ContainerSpec {
    let Process { process_type, has_request } = process;
    let application = lrp.application();
    let mut labels = labels::of_container(labels::KIND_APP, &application, instance);
    labels.insert(labels::PROCESS.to_owned(), process_type.clone());
    ContainerSpec {
        entrypoint: vec![run.path.clone()],
        environment: pairs(environment_of(lrp, run, (instance, index))),
        labels,
        user: run.user.clone(),
        working_directory: run.dir.clone().unwrap_or_default(),
        network: network.to_owned(),
        aliases: vec![alias(&application, process_type)],
        memory_bytes: memory_bytes(lrp.memory_mb),
        cpu_shares: cpu_shares(lrp.cpu_weight),
        nofile: open_files(run.nofile()),
        pids: lrp.max_pids.and_then(positive).unwrap_or(DEFAULT_PIDS),
        disk_bytes: positive(lrp.disk_mb).map_or(0, |mib| mib << 20),
        // Root keeps what engines give everybody; nobody else has a use for any of it but by a set-user-id program.
        drop_capabilities: if is_root(&run.user) { Vec::new() } else { vec!["ALL".to_owned()] },
        security_options: vec!["no-new-privileges".to_owned()],
        // Diego's container has an init as process 1, so an app without a handler for SIGTERM ends on it. The engine's is for
        // where there is no supervisor.
        init: true,
        // The request's check is for its own process type.
        health_check: has_request.then(|| health::health_check(lrp, start_timeout(lrp))).flatten(),
        ..ContainerSpec::default()
    }
}

/// How long the app may take until it is healthy.
pub(super) fn start_timeout(lrp: &DesiredLrp) -> Duration {
    lrp.start_timeout().unwrap_or(DEFAULT_START_TIMEOUT)
}

/// The container's name. The end differs, because the earlier container stays until the new one is healthy.
pub(super) fn container_name(lrp: &DesiredLrp, process: &str, instance: &str) -> String {
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

/// The container's variables below the run's: the order in which Diego merges them, but for executor's, which stand above
/// all. Rep's are below the request's; `USER` is garden's, where nobody else has it.
pub(super) fn environment_of(
    lrp: &DesiredLrp,
    run: &RunAction,
    (instance, index): (&str, u32),
) -> Vec<EnvironmentVariable> {
    environment::merge([
        &[EnvironmentVariable::new("USER", run.user.as_str())][..],
        &instance::of_rep(instance, index),
        lrp.environment(),
        run.environment(),
    ])
}

/// As engines take them.
pub(super) fn pairs(variables: Vec<EnvironmentVariable>) -> Vec<(String, String)> {
    variables.into_iter().map(|variable| (variable.name, variable.value.reveal().clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_that_a_tenant_can_choose_stands_alone_and_apps_whose_slugs_are_the_same_differ() {
        const GUID: &str = "18C50A86-b045-5fed-bae9-e6ea03383693";
        let alias_of = |name: &str, guid: &str| {
            let application = Application { name: name.into(), guid: guid.into(), ..Application::default() };
            (alias(&application, WEB), alias(&application, name))
        };
        for name in ["diego-access", "API", "api.hcf", "🍹", "あうえお", "", &"x".repeat(300), "a.apps.stager.internal"]
        {
            let (web, other) = alias_of(name, GUID);
            assert!(web.ends_with("-18c50a86.apps.stager.internal"), "{web}");
            assert!(other.strip_suffix(&web).is_some_and(|first| first.ends_with('.')), "{other}");
            assert!(other.split('.').all(|label| (1..=63).contains(&label.len())), "{other}");
        }
        assert_ne!(alias_of("🍹", GUID), alias_of("あうえお", "28c50a86-b045-5fed-bae9-e6ea03383693"));
    }
}
