//! Containers as the engine tells them. Everything may be absent or `null`.

use super::fields::{nullable, seconds, words};
use super::image::image_id;
use crate::engine::container_spec::{LogConfig, RestartPolicy};
use crate::engine::{Container, ContainerId, ContainerProgram, ContainerSummary, Health, NetworkEndpoint, Running};
use crate::labels::PREFIX;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use shared_model::secret::Secret;
use std::collections::BTreeMap;
use std::fmt;

/// One of `GET /containers/json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::engine::docker) struct ListedContainer {
    pub(in crate::engine::docker) id: String,
    #[serde(default)]
    pub(in crate::engine::docker) created: i64,
    #[serde(default, deserialize_with = "nullable")]
    names: Vec<String>,
    #[serde(default, deserialize_with = "our_labels")]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    state: String,
    #[serde(default, deserialize_with = "nullable")]
    command: String,
    #[serde(default, rename = "ImageID", deserialize_with = "nullable")]
    image: String,
    /// `Up 2 minutes (healthy)`, `Exited (137) 5 minutes ago`.
    #[serde(default, deserialize_with = "nullable")]
    status: String,
}

/// Those of ours: the others are their image's, and may be many.
fn our_labels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    struct Ours;
    impl<'de> Visitor<'de> for Ours {
        type Value = BTreeMap<String, String>;

        fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
            text.write_str("labels, or null")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(BTreeMap::new())
        }

        fn visit_map<A: MapAccess<'de>>(self, mut labels: A) -> Result<Self::Value, A::Error> {
            let mut ours = BTreeMap::new();
            while let Some(name) = labels.next_key::<String>()? {
                if name.starts_with(PREFIX) {
                    ours.insert(name, labels.next_value()?);
                } else {
                    labels.next_value::<IgnoredAny>()?;
                }
            }
            Ok(ours)
        }
    }
    deserializer.deserialize_any(Ours)
}

impl From<ListedContainer> for ContainerSummary {
    fn from(summary: ListedContainer) -> Self {
        Self {
            name: summary.names.first().map_or("", String::as_str).trim_start_matches('/').to_owned(),
            id: ContainerId(summary.id),
            labels: summary.labels,
            running: match summary.state.as_str() {
                "created" | "configured" => Running::NotYet,
                "exited" | "stopped" | "dead" => Running::Not,
                _ => Running::Now,
            },
            created: summary.created,
            command: summary.command,
            image: image_id(summary.image),
            health: health(&summary.status),
            exit_status: exit_status(&summary.status),
            restarting: summary.state == "restarting",
        }
    }
}

/// What stands in brackets at the end of a list's status.
fn health(status: &str) -> Health {
    match status.rsplit_once('(').map(|(_, end)| end) {
        Some("health: starting)" | "starting)") => Health::Starting,
        Some("healthy)") => Health::Healthy,
        Some("unhealthy)") => Health::Unhealthy,
        _ => Health::Unchecked,
    }
}

/// `Exited (137) 5 minutes ago`, `Restarting (137) 5 seconds ago` → 137.
fn exit_status(status: &str) -> Option<i64> {
    let ended = status.strip_prefix("Exited (").or_else(|| status.strip_prefix("Restarting ("));
    ended?.split_once(')')?.0.parse().ok()
}

/// `GET /containers/ID/json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::engine::docker) struct ContainerDetails {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    state: ContainerState,
    #[serde(default, deserialize_with = "nullable")]
    config: ContainerConfig,
    #[serde(default, deserialize_with = "nullable")]
    network_settings: NetworkSettings,
    #[serde(default, deserialize_with = "nullable")]
    host_config: HostConfig,
    #[serde(default, deserialize_with = "nullable")]
    image: String,
    #[serde(default)]
    restart_count: u32,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContainerState {
    #[serde(default)]
    running: bool,
    #[serde(default)]
    exit_code: i64,
    #[serde(default, deserialize_with = "nullable")]
    finished_at: String,
    #[serde(default, deserialize_with = "nullable")]
    started_at: String,
    #[serde(default, rename = "OOMKilled")]
    out_of_memory: bool,
    health: Option<HealthState>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HealthState {
    #[serde(default)]
    status: String,
    #[serde(default, deserialize_with = "nullable")]
    log: Vec<HealthLog>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HealthLog {
    #[serde(default)]
    output: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContainerConfig {
    #[serde(default, deserialize_with = "nullable")]
    labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "words")]
    entrypoint: Vec<String>,
    #[serde(default, rename = "Cmd", deserialize_with = "words")]
    command: Vec<String>,
    #[serde(default, rename = "Env", deserialize_with = "nullable")]
    environment: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HostConfig {
    #[serde(default, deserialize_with = "log_config")]
    log_config: LogConfig,
    #[serde(default, deserialize_with = "nullable")]
    restart_policy: RestartPolicyDetails,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RestartPolicyDetails {
    /// Empty and `no` are the same.
    #[serde(default, deserialize_with = "nullable")]
    name: String,
}

impl From<RestartPolicyDetails> for RestartPolicy {
    fn from(details: RestartPolicyDetails) -> Self {
        match &*details.name {
            "" | "no" => Self::No,
            "always" => Self::Always,
            _ => Self::UnlessStopped,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LogConfigDetails {
    #[serde(default, rename = "Type", deserialize_with = "nullable")]
    driver: String,
    #[serde(default, deserialize_with = "nullable")]
    config: BTreeMap<String, String>,
}

fn log_config<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LogConfig, D::Error> {
    let LogConfigDetails { driver, config } = nullable(deserializer)?;
    Ok(LogConfig { driver, options: config })
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NetworkSettings {
    #[serde(default, deserialize_with = "nullable")]
    networks: BTreeMap<String, EndpointDetails>,
}

#[derive(Deserialize)]
struct EndpointDetails {
    #[serde(default, rename = "IPAddress", deserialize_with = "nullable")]
    address: String,
    #[serde(default, rename = "GlobalIPv6Address", deserialize_with = "nullable")]
    address_6: String,
    #[serde(default, rename = "Aliases", deserialize_with = "nullable")]
    aliases: Vec<String>,
    /// All of its names, where an engine tells them (Docker 25 and later).
    #[serde(default, rename = "DNSNames", deserialize_with = "nullable")]
    dns_names: Vec<String>,
}

impl From<EndpointDetails> for NetworkEndpoint {
    fn from(details: EndpointDetails) -> Self {
        let EndpointDetails { address, address_6, mut aliases, dns_names } = details;
        aliases.extend(dns_names);
        let addresses = [address, address_6].into_iter().filter(|address| !address.is_empty()).collect();
        Self { addresses, names: aliases }
    }
}

impl From<ContainerDetails> for Container {
    fn from(details: ContainerDetails) -> Self {
        let health = details.state.health;
        Self {
            id: ContainerId(details.id),
            name: details.name.trim_start_matches('/').to_owned(),
            labels: details.config.labels,
            running: details.state.running,
            exit_status: details.state.exit_code,
            ended: seconds(&details.state.finished_at),
            started: seconds(&details.state.started_at),
            restarts: details.restart_count,
            restart: details.host_config.restart_policy.into(),
            out_of_memory: details.state.out_of_memory,
            health: match health.as_ref().map(|health| health.status.as_str()) {
                Some("starting") => Health::Starting,
                Some("healthy") => Health::Healthy,
                Some("unhealthy") => Health::Unhealthy,
                _ => Health::Unchecked,
            },
            health_output: health.and_then(|mut health| health.log.pop()).map_or_else(String::new, |last| last.output),
            endpoints: details
                .network_settings
                .networks
                .into_iter()
                .map(|(name, endpoint)| (name, endpoint.into()))
                .collect(),
            image: image_id(details.image),
            entrypoint: details.config.entrypoint,
            log: details.host_config.log_config,
        }
    }
}

impl From<ContainerDetails> for ContainerProgram {
    fn from(details: ContainerDetails) -> Self {
        let endpoints = details.network_settings.networks.into_values().map(NetworkEndpoint::from);
        Self {
            entrypoint: details.config.entrypoint,
            command: Secret::new(details.config.command),
            environment: Secret::new(details.config.environment),
            addresses: endpoints.flat_map(|endpoint| endpoint.addresses).collect(),
        }
    }
}

/// `GET /exec/ID/json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::engine::docker) struct ExecDetails {
    #[serde(default)]
    pub(in crate::engine::docker) running: bool,
    pub(in crate::engine::docker) exit_code: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels;

    #[test]
    fn a_container_with_nulls_or_hardly_any_fields_is_understood() {
        let container: ContainerDetails = serde_json::from_str(r#"{"Id":"1","State":{"Health":null}}"#).unwrap();
        assert_eq!(Container::from(container).health, Health::Unchecked);
    }

    #[test]
    fn a_list_tells_what_runs_and_what_has_never_run() {
        for (state, running) in [
            ("created", Running::NotYet),
            ("configured", Running::NotYet),
            ("running", Running::Now),
            ("paused", Running::Now),
            ("removing", Running::Now),
            ("exited", Running::Not),
            ("dead", Running::Not),
        ] {
            let text = format!(r#"{{"Id":"1","Names":["/n"],"State":"{state}","Created":7,"Labels":null}}"#);
            let seen = ContainerSummary::from(serde_json::from_str::<ListedContainer>(&text).unwrap());
            assert_eq!((seen.name.as_str(), seen.created, seen.running), ("n", 7, running), "{state}");
        }
        let text = r#"{"Id":"1","Labels":{"maintainer":"x","stager.kind":"app","org.stager.x":"y"}}"#;
        let seen = ContainerSummary::from(serde_json::from_str::<ListedContainer>(text).unwrap());
        assert_eq!(seen.labels, [(labels::KIND.to_owned(), "app".to_owned())].into(), "an image's own may be many");
        let details = |at: &str| format!(r#"{{"Id":"1","State":{{"FinishedAt":"{at}"}}}}"#);
        for (at, ended) in [("0001-01-01T00:00:00Z", 0), ("1980-01-01T00:00:00.123456789Z", 315_532_800)] {
            let details: ContainerDetails = serde_json::from_str(&details(at)).unwrap();
            assert_eq!(Container::from(details).ended, ended);
        }
    }

    #[test]
    fn a_lists_status_tells_health_and_exit_status() {
        for (status, expected) in [
            ("Up 2 minutes (healthy)", (Health::Healthy, None)),
            ("Up 1 second (health: starting)", (Health::Starting, None)),
            ("Up 3 hours (unhealthy)", (Health::Unhealthy, None)),
            ("Up 3 hours", (Health::Unchecked, None)),
            ("Exited (137) 5 minutes ago", (Health::Unchecked, Some(137))),
            ("Restarting (1) 5 seconds ago", (Health::Unchecked, Some(1))),
            ("Exited (nonsense) 5 minutes ago", (Health::Unchecked, None)),
            ("Created", (Health::Unchecked, None)),
            ("", (Health::Unchecked, None)),
        ] {
            assert_eq!((health(status), exit_status(status)), expected, "{status}");
        }
    }

    #[test]
    fn of_a_health_check_the_last_output_is_kept() {
        let text = r#"{"Id":"1","Name":"/n","State":{"Running":true,"OOMKilled":true,"ExitCode":137,
            "Health":{"Status":"unhealthy","Log":[{"Output":"first"},{"Output":"last"}]}},
            "Image":"sha256:1","Config":{"Entrypoint":["true"],"Cmd":["app","s3cret"],"Env":["A=s3cret"]},
            "HostConfig":{"LogConfig":{"Type":"json-file","Config":{"max-size":"1m"}}},
            "NetworkSettings":{"Networks":{"hcf":{"IPAddress":"172.18.0.2","Aliases":["n"]}}}}"#;
        let container = Container::from(serde_json::from_str::<ContainerDetails>(text).unwrap());
        assert_eq!((container.health, container.health_output.as_str()), (Health::Unhealthy, "last"));
        assert_eq!((container.name.as_str(), container.out_of_memory, container.exit_status), ("n", true, 137));
        let endpoint = &container.endpoints["hcf"];
        assert_eq!((&*endpoint.addresses, &*endpoint.names), (&["172.18.0.2".to_owned()][..], &["n".to_owned()][..]));
        assert_eq!((container.image.0.as_str(), container.entrypoint.join(" ")), ("sha256:1", "true".to_owned()));
        assert_eq!(container.log.options["max-size"], "1m");
        let program = ContainerProgram::from(serde_json::from_str::<ContainerDetails>(text).unwrap());
        assert_eq!((&*program.addresses, program.command.reveal().len()), (&["172.18.0.2".to_owned()][..], 2));
        assert!(program.environment.reveal() == &["A=s3cret"] && !format!("{program:?}").contains("s3cret"));
    }

    #[test]
    fn a_restart_policy_is_no_or_one_by_which_the_engine_starts_it_again() {
        for (policy, expected) in [
            (r#"{"RestartPolicy":{"Name":"no"}}"#, RestartPolicy::No),
            (r#"{"RestartPolicy":{"Name":""}}"#, RestartPolicy::No),
            (r#"{"RestartPolicy":null}"#, RestartPolicy::No),
            (r#"{"RestartPolicy":{"Name":"always"}}"#, RestartPolicy::Always),
            (r#"{"RestartPolicy":{"Name":"on-failure"}}"#, RestartPolicy::UnlessStopped),
            (r#"{"RestartPolicy":{"Name":"unless-stopped"}}"#, RestartPolicy::UnlessStopped),
        ] {
            let text = format!(r#"{{"Id":"1","RestartCount":3,"HostConfig":{policy}}}"#);
            let container = Container::from(serde_json::from_str::<ContainerDetails>(&text).unwrap());
            assert_eq!((container.restart, container.restarts), (expected, 3), "{policy}");
        }
    }
}
