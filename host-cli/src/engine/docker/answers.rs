//! What engines answer, as far as we read it. Models of our own: docker-api's demand fields that newer engines no
//! longer send. Everything may be absent or `null`.

use crate::engine::container_spec::LogConfig;
use crate::engine::{
    Container, ContainerId, Endpoint, Health, Image, ImageDetails, ImageId, ImageSettings, Platform, Running, Seen,
};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use shared_model::secret::Secret;
use std::collections::BTreeMap;

/// `null` as the empty value.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// `GET /images/NAME/json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ImageDocument {
    id: String,
    #[serde(default)]
    pub(super) parent: String,
    #[serde(default, deserialize_with = "nullable")]
    repo_tags: Vec<String>,
    /// `repository@sha256:…`, one for each repository that it was pushed to or pulled from.
    #[serde(default, deserialize_with = "nullable")]
    pub(super) repo_digests: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    created: String,
    #[serde(default)]
    size: u64,
    #[serde(default, deserialize_with = "nullable")]
    config: ImageConfig,
    #[serde(default, rename = "RootFS", deserialize_with = "nullable")]
    root_fs: RootFs,
    #[serde(default, deserialize_with = "nullable")]
    architecture: String,
    #[serde(default, deserialize_with = "nullable")]
    os: String,
    #[serde(default, deserialize_with = "nullable")]
    variant: String,
    #[serde(default, deserialize_with = "nullable")]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RootFs {
    #[serde(default, deserialize_with = "nullable")]
    layers: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    #[serde(default, deserialize_with = "nullable")]
    last_tag_time: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ImageConfig {
    #[serde(default, deserialize_with = "nullable")]
    labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "nullable")]
    env: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    user: String,
    #[serde(default, deserialize_with = "nullable")]
    working_dir: String,
    #[serde(default, deserialize_with = "words")]
    entrypoint: Vec<String>,
    #[serde(default, deserialize_with = "words")]
    cmd: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    healthcheck: Value,
    #[serde(default, deserialize_with = "nullable")]
    on_build: Value,
    #[serde(default, deserialize_with = "nullable")]
    volumes: Value,
    #[serde(default, deserialize_with = "nullable")]
    shell: Value,
}

impl ImageConfig {
    fn settings(&self) -> ImageSettings {
        let is_set = |value: &Value| match value {
            Value::Null => false,
            Value::Array(list) => !list.is_empty(),
            Value::Object(object) => !object.is_empty(),
            _ => true,
        };
        let others = [
            ("Healthcheck", &self.healthcheck),
            ("OnBuild", &self.on_build),
            ("Volumes", &self.volumes),
            ("Shell", &self.shell),
        ];
        ImageSettings {
            user: self.user.clone(),
            working_directory: self.working_dir.clone(),
            entrypoint: self.entrypoint.clone(),
            command: self.cmd.clone(),
            environment: Secret::new(self.env.clone()),
            others: others.iter().filter(|(_, value)| is_set(value)).map(|(name, _)| (*name).to_owned()).collect(),
        }
    }
}

/// One of `GET /images/NAME/history`, the newest first.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct HistoryEntry {
    #[serde(default, deserialize_with = "nullable")]
    pub(super) created_by: String,
}

impl From<ImageDocument> for Image {
    fn from(document: ImageDocument) -> Self {
        let settings = document.config.settings();
        Self {
            id: ImageId(document.id),
            tags: real_tags(document.repo_tags),
            labels: document.config.labels,
            bytes: document.size,
            created: seconds(&document.created),
            details: ImageDetails {
                named: seconds(&document.metadata.last_tag_time),
                settings,
                layers: document.root_fs.layers,
                platform: Platform { architecture: document.architecture, os: document.os, variant: document.variant },
            },
        }
    }
}

/// Seconds since 1970; 0 for what is no time, and for the year 1, which is how an engine says "never".
fn seconds(time: &str) -> i64 {
    time.parse::<jiff::Timestamp>().map_or(0, |time| time.as_second().max(0))
}

/// Podman leaves the algorithm out here and there, and takes such an id for an impossible name when the image is gone.
pub(super) fn image_id(id: String) -> ImageId {
    let is_bare = id.len() == 64 && id.chars().all(|c| c.is_ascii_hexdigit());
    ImageId(if is_bare { format!("sha256:{id}") } else { id })
}

/// One of `GET /images/json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ImageSummary {
    id: String,
    #[serde(default, deserialize_with = "nullable")]
    repo_tags: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    repo_digests: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    created: i64,
    #[serde(default)]
    size: u64,
}

impl ImageSummary {
    /// Whether a registry knows it under a digest.
    pub(super) fn has_digests(&self) -> bool {
        self.repo_digests.iter().any(|digest| !digest.contains('<'))
    }
}

impl From<ImageSummary> for Image {
    fn from(summary: ImageSummary) -> Self {
        Self {
            id: ImageId(summary.id),
            tags: real_tags(summary.repo_tags),
            labels: summary.labels,
            bytes: summary.size,
            created: summary.created,
            details: ImageDetails::default(),
        }
    }
}

/// An image without a name is listed under the name `<none>:<none>`.
fn real_tags(tags: Vec<String>) -> Vec<String> {
    tags.into_iter().filter(|tag| !tag.contains('<')).collect()
}

/// One of `GET /containers/json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ContainerSummary {
    pub(super) id: String,
    #[serde(default)]
    pub(super) created: i64,
    #[serde(default, deserialize_with = "nullable")]
    names: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    state: String,
    #[serde(default, deserialize_with = "nullable")]
    command: String,
    #[serde(default, rename = "ImageID", deserialize_with = "nullable")]
    image: String,
}

impl From<ContainerSummary> for Seen {
    fn from(summary: ContainerSummary) -> Self {
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
        }
    }
}

/// `POST /containers/create`, `POST /commit`, `POST /containers/ID/exec`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Created {
    pub(super) id: String,
}

/// `GET /exec/ID/json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ExecDetails {
    #[serde(default)]
    pub(super) running: bool,
    pub(super) exit_code: Option<i64>,
}

/// `GET /networks/NAME`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NetworkDetails {
    #[serde(default)]
    pub(super) name: String,
}

/// `GET /volumes/NAME`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct VolumeDetails {
    #[serde(default)]
    pub(super) name: String,
}

/// Of `GET /images/NAME/json` the configuration, in the engine's own form.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ImageConfigAsIs {
    #[serde(default)]
    pub(super) config: serde_json::Value,
}

/// `GET /containers/ID/json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ContainerDetails {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    state: State,
    #[serde(default, deserialize_with = "nullable")]
    config: ContainerConfig,
    #[serde(default, deserialize_with = "nullable")]
    network_settings: NetworkSettings,
    #[serde(default, deserialize_with = "nullable")]
    host_config: HostConfig,
    #[serde(default, deserialize_with = "nullable")]
    image: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    #[serde(default)]
    running: bool,
    #[serde(default)]
    exit_code: i64,
    #[serde(default, deserialize_with = "nullable")]
    finished_at: String,
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
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HostConfig {
    #[serde(default, deserialize_with = "log_config")]
    log_config: LogConfig,
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

/// A command line: Podman 4 tells one of a single word as a text.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Words {
        One(String),
        Several(Vec<String>),
    }
    Ok(match Option::<Words>::deserialize(deserializer)? {
        None => Vec::new(),
        Some(Words::One(word)) if word.is_empty() => Vec::new(),
        Some(Words::One(word)) => vec![word],
        Some(Words::Several(words)) => words,
    })
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

impl From<EndpointDetails> for Endpoint {
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
            out_of_memory: details.state.out_of_memory,
            health: match health.as_ref().map(|health| health.status.as_str()) {
                Some("starting") => Health::Starting,
                Some("healthy") => Health::Healthy,
                Some("unhealthy") => Health::Unhealthy,
                _ => Health::Unchecked,
            },
            was_checked: health.as_ref().is_some_and(|health| !health.log.is_empty()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_with_nulls_or_hardly_any_fields_is_understood() {
        let image: ImageDocument =
            serde_json::from_str(r#"{"Id":"sha256:1","RepoTags":null,"Config":{"Labels":null,"Env":null}}"#).unwrap();
        assert_eq!(Image::from(image), Image { id: ImageId("sha256:1".into()), ..Image::default() });
        let never: ImageDocument = serde_json::from_str(
            r#"{"Id":"1","RootFS":null,"Metadata":{"LastTagTime":"0001-01-01T00:00:00Z"},"Created":"1980-01-01T00:00:00Z"}"#,
        )
        .unwrap();
        let never = Image::from(never);
        assert_eq!((never.details.named, never.created), (0, 315_532_800));
        let listed: ImageSummary =
            serde_json::from_str(r#"{"Id":"sha256:1","RepoTags":["<none>:<none>"],"Labels":null}"#).unwrap();
        assert!(Image::from(listed).tags.is_empty());
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
            let seen = Seen::from(serde_json::from_str::<ContainerSummary>(&text).unwrap());
            assert_eq!((seen.name.as_str(), seen.created, seen.running), ("n", 7, running), "{state}");
        }
        let details = |at: &str| format!(r#"{{"Id":"1","State":{{"FinishedAt":"{at}"}}}}"#);
        for (at, ended) in [("0001-01-01T00:00:00Z", 0), ("1980-01-01T00:00:00.123456789Z", 315_532_800)] {
            let details: ContainerDetails = serde_json::from_str(&details(at)).unwrap();
            assert_eq!(Container::from(details).ended, ended);
        }
    }

    #[test]
    fn of_a_health_check_the_last_output_is_kept() {
        let text = r#"{"Id":"1","Name":"/n","State":{"Running":true,"OOMKilled":true,"ExitCode":137,
            "Health":{"Status":"unhealthy","Log":[{"Output":"first"},{"Output":"last"}]}},
            "Image":"sha256:1","Config":{"Entrypoint":["true"]},
            "HostConfig":{"LogConfig":{"Type":"json-file","Config":{"max-size":"1m"}}},
            "NetworkSettings":{"Networks":{"hcf":{"IPAddress":"172.18.0.2","Aliases":["n"]}}}}"#;
        let container = Container::from(serde_json::from_str::<ContainerDetails>(text).unwrap());
        assert_eq!((container.health, container.health_output.as_str()), (Health::Unhealthy, "last"));
        assert!(container.was_checked);
        assert_eq!((container.name.as_str(), container.out_of_memory, container.exit_status), ("n", true, 137));
        let endpoint = &container.endpoints["hcf"];
        assert_eq!((&*endpoint.addresses, &*endpoint.names), (&["172.18.0.2".to_owned()][..], &["n".to_owned()][..]));
        assert_eq!((container.image.0.as_str(), container.entrypoint.join(" ")), ("sha256:1", "true".to_owned()));
        assert_eq!(container.log.options["max-size"], "1m");
    }
}
