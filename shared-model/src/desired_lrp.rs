//! The launch request: what nsync asks Diego to keep running.

use crate::action::{Action, RunAction, positive};
use crate::application::{self, Application};
use crate::dependency::{CachedDependency, ImageLayer};
use crate::docker_app::ExecutionMetadata;
use crate::environment::{self, EnvironmentVariable};
use crate::lifecycle::Lifecycle;
use crate::mounted_file::MountedFile;
use crate::network::{EgressRule, Network, VolumeMount};
use crate::process_type;
use crate::secret::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;

/// A desired long-running process in any form from 2016 to today. Every key may be absent; unknown keys are ignored.
/// Read one with [`crate::validate::desired_lrp`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DesiredLrp {
    /// `<app guid>-<app version>`.
    pub process_guid: String,
    /// `cf-apps`.
    pub domain: String,
    /// `preloaded:<stack>`, or `docker:///image#tag` for a docker app.
    pub rootfs: String,
    /// How many Diego would run. `launch` starts one.
    pub instances: i32,
    /// Variables of the whole container; may be `null` on the wire.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<Vec<EnvironmentVariable>>,
    /// What prepares the container: the droplet's download.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setup: Option<Action>,
    /// What runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// **Seconds** until the app must be healthy; before mid-2016.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_timeout: Option<i64>,
    /// The same in milliseconds; later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_timeout_ms: Option<i64>,
    /// Seconds again, under the misleading key that a down-converted request has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deprecated_timeout_ns: Option<i64>,
    /// What tells whether it is healthy; absent: a process check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitor: Option<Action>,
    /// Disk in MiB; 0 means no limit.
    pub disk_mb: i32,
    /// Memory in MiB; 0 means no limit.
    pub memory_mb: i32,
    /// Share of the CPU, 1 to 100.
    pub cpu_weight: u32,
    /// Whether Diego's container would be privileged. Ours never is.
    pub privileged: bool,
    /// Ports in the container; 2222 for ssh comes last where it is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ports: Option<Vec<u32>>,
    /// One entry for each router. `diego-ssh` holds a private key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routes: Option<Secret<Map<String, Value>>>,
    /// `CELL`.
    pub log_source: String,
    /// The app's guid.
    pub log_guid: String,
    /// The app's guid again.
    pub metrics_guid: String,
    /// Cloud Controller's etag of the app.
    pub annotation: String,
    /// Allowed traffic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress_rules: Option<Vec<EgressRule>>,
    /// Set by the BBS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modification_tag: Option<Value>,
    /// The lifecycle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_dependencies: Option<Vec<CachedDependency>>,
    /// Whose files downloads become.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legacy_download_user: Option<String>,
    /// Where the container would find more certificates to trust.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_system_certificates_path: Option<String>,
    /// Volumes to mount; absent for an app without volume services.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_mounts: Option<Vec<VolumeMount>>,
    /// Properties for the container network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// 2017 and later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement_tags: Option<Vec<String>>,
    /// Processes at once; 0 means no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pids: Option<i32>,
    /// 2017 and later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_properties: Option<Value>,
    /// Registry user of a docker app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_username: Option<Secret<String>>,
    /// Registry password of a docker app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_password: Option<Secret<String>>,
    /// Health checks without a program in the container; today's requests only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check_definition: Option<CheckDefinition>,
    /// Today's form of dependencies and downloads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_layers: Option<Vec<ImageLayer>>,
    /// Today's requests only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_tags: Option<Value>,
    /// Processes beside the app's; Cloud Controller sends them as further launcher runs instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sidecars: Option<Vec<Sidecar>>,
    /// Today's requests only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_rate_limit: Option<Value>,
    /// Files with service credentials, for today's Diego to mount.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_mounted_files: Option<Vec<MountedFile>>,
    /// Today's requests only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_strategy: Option<Value>,
}

/// Health checks that today's Diego makes itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckDefinition {
    /// All must pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checks: Option<Vec<Check>>,
    /// `HEALTH`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_source: Option<String>,
    /// Whether traffic may be routed to it; `launch` does not wait for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readiness_checks: Option<Vec<Check>>,
}

/// One check: an object with exactly one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The port accepts a connection.
    TcpCheck(TcpCheck),
    /// `GET path` answers 200.
    HttpCheck(HttpCheck),
}

/// See [`Check::TcpCheck`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TcpCheck {
    /// The port in the container.
    pub port: u32,
    /// Milliseconds; absent or 0: Diego's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_timeout_ms: Option<u64>,
    /// Milliseconds between two checks of a healthy app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_ms: Option<u64>,
}

/// See [`Check::HttpCheck`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HttpCheck {
    /// The port in the container.
    pub port: u32,
    /// The path with its leading slash; empty: `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Milliseconds; absent or 0: Diego's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_timeout_ms: Option<u64>,
    /// Milliseconds between two checks of a healthy app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_ms: Option<u64>,
}

/// A process beside the app's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sidecar {
    /// What runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// Disk in MiB.
    pub disk_mb: i32,
    /// Memory in MiB.
    pub memory_mb: i32,
}

impl DesiredLrp {
    /// Variables of the container; empty where the request has none.
    #[must_use]
    pub fn environment(&self) -> &[EnvironmentVariable] {
        self.env.as_deref().unwrap_or_default()
    }

    /// Files to mount; empty where the request has none.
    #[must_use]
    pub fn mounted_files(&self) -> &[MountedFile] {
        self.volume_mounted_files.as_deref().unwrap_or_default()
    }

    /// All runs of the launcher in their order: the app's own first, then its sidecars.
    pub fn launchers(&self) -> impl Iterator<Item = &RunAction> {
        self.action.iter().flat_map(Action::runs).filter(|run| run.program() == "launcher")
    }

    /// The launcher's run of the app itself: the first whose log source does not name a sidecar.
    #[must_use]
    pub fn launcher(&self) -> Option<&RunAction> {
        self.launchers().find(|run| !is_sidecar(run))
    }

    /// What runs beside the app: the launcher's other runs, then those of [`Self::sidecars`].
    pub fn sidecar_runs(&self) -> impl Iterator<Item = &RunAction> {
        let own = self.launcher();
        let of_field = self.sidecars.iter().flatten().filter_map(|sidecar| sidecar.action.as_ref());
        self.launchers()
            .filter(move |run| own.is_none_or(|own| !std::ptr::eq(*run, own)))
            .chain(of_field.flat_map(Action::runs))
    }

    /// How long the app may take until it is healthy; `None`: no limit is given (Diego's default is a minute).
    #[must_use]
    pub fn start_timeout(&self) -> Option<Duration> {
        positive(self.start_timeout_ms)
            .map(Duration::from_millis)
            .or_else(|| positive(self.start_timeout.or(self.deprecated_timeout_ns)).map(Duration::from_secs))
    }

    /// The process type that this starts: `web`, `worker` …; `web` where the request does not say.
    #[must_use]
    pub fn process_type(&self) -> String {
        let run = self.launcher();
        let vcap_application = run.and_then(|run| environment::value_of(run.environment(), "VCAP_APPLICATION"));
        let log_source = run.and_then(|run| run.log_source.as_deref());
        process_type::process_type(vcap_application, self.metric_tags.as_ref(), log_source)
    }

    /// Whether a router sends something to the app; `diego-ssh` leads to the ssh daemon and does not count.
    #[must_use]
    pub fn has_routes(&self) -> bool {
        let leads_to_the_app = |(router, routes): (&String, &Value)| {
            router != "diego-ssh" && routes.as_array().is_some_and(|routes| !routes.is_empty())
        };
        self.routes.iter().flat_map(Secret::reveal).any(leads_to_the_app)
    }

    /// Whether Diego would run an ssh daemon beside the app.
    #[must_use]
    pub fn has_sshd(&self) -> bool {
        self.action.iter().flat_map(Action::runs).any(|run| run.program() == "diego-sshd")
    }

    /// The app's ports; where there is none those of a docker app's image, else 8080. 2222 is none of them where the request
    /// runs `diego-sshd`, which listens there.
    #[must_use]
    pub fn app_ports(&self) -> Vec<u32> {
        const SSH: u32 = 2222;
        const DEFAULT: u32 = 8080;
        let is_ssh = |port: u32| port == SSH && self.has_sshd();
        let mut ports: Vec<u32> = self.ports.iter().flatten().copied().filter(|port| !is_ssh(*port)).collect();
        if ports.is_empty() && self.is_docker() {
            ports = self.execution_metadata().tcp_ports();
        }
        if ports.is_empty() {
            ports.push(DEFAULT);
        }
        ports
    }

    /// How a docker app's image runs, as its launcher is told.
    fn execution_metadata(&self) -> ExecutionMetadata {
        const METADATA: usize = 2; // launcher's arguments: directory, start command, metadata
        let told = self.launcher().and_then(|run| run.arguments().get(METADATA));
        told.map(|text| ExecutionMetadata::read(text)).unwrap_or_default()
    }

    /// The app guid: `log_guid`, else the start of the process guid.
    #[must_use]
    pub fn app_guid(&self) -> &str {
        if self.log_guid.is_empty() {
            application::app_guid(&self.process_guid).unwrap_or(&self.process_guid)
        } else {
            &self.log_guid
        }
    }

    /// The app that this launches, as far as the request says.
    #[must_use]
    pub fn application(&self) -> Application {
        let environments = self.action.iter().flat_map(Action::runs).map(RunAction::environment);
        Application::found_in(environments, self.app_guid())
    }

    /// The name behind `preloaded:` or `preloaded+layer:`; `None` for any other root file system.
    #[must_use]
    pub fn stack(&self) -> Option<&str> {
        application::stack(&self.rootfs)
    }

    /// How its image was made.
    #[must_use]
    pub fn lifecycle_kind(&self) -> Lifecycle {
        let dependencies = self.cached_dependencies.as_deref().unwrap_or_default();
        Lifecycle::of(&self.rootfs, dependencies, self.image_layers.as_deref().unwrap_or_default(), std::iter::empty())
    }

    /// True for a docker app, which has no droplet.
    #[must_use]
    pub fn is_docker(&self) -> bool {
        self.rootfs.starts_with("docker:")
    }
}

/// True for a launcher run that starts a sidecar: its log source reads `APP/PROC/WEB/SIDECAR/NAME`.
#[must_use]
pub fn is_sidecar(run: &RunAction) -> bool {
    run.log_source.as_deref().is_some_and(process_type::names_a_sidecar)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lrp(json: &str) -> DesiredLrp {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_start_timeout_is_read_from_seconds_and_from_milliseconds() {
        for (json, seconds) in [
            (r#"{"start_timeout":60}"#, Some(60)),
            (r#"{"start_timeout_ms":60000}"#, Some(60)),
            (r#"{"deprecated_timeout_ns":60}"#, Some(60)),
            (r#"{"start_timeout_ms":0}"#, None),
        ] {
            assert_eq!(lrp(json).start_timeout(), seconds.map(Duration::from_secs), "{json}");
        }
    }

    #[test]
    fn the_port_of_the_ssh_daemon_is_no_port_of_the_app() {
        let ports = |ports: &str, program: &str| {
            lrp(&format!(r#"{{"ports":{ports},"action":{{"run":{{"path":"/tmp/lifecycle/{program}"}}}}}}"#)).app_ports()
        };
        assert_eq!(ports("[8080,2222]", "diego-sshd"), [8080]);
        assert_eq!(ports("[2222]", "diego-sshd"), [8080]);
        assert_eq!(ports("[2222]", "launcher"), [2222], "an app may listen there");
        assert_eq!(lrp("{}").app_ports(), [8080]);
    }

    #[test]
    fn a_docker_app_without_ports_of_its_own_has_its_images() {
        let ports = |rootfs: &str, ports: &str| {
            let metadata = r#"{\"ports\":[{\"Port\":6379,\"Protocol\":\"tcp\"},{\"Port\":53,\"Protocol\":\"udp\"}]}"#;
            let run = format!(r#"{{"path":"/tmp/lifecycle/launcher","args":["app","","{metadata}"]}}"#);
            lrp(&format!(r#"{{"rootfs":"{rootfs}","ports":{ports},"action":{{"run":{run}}}}}"#)).app_ports()
        };
        assert_eq!(ports("docker:///library/redis#7", "null"), [6379]);
        assert_eq!(ports("docker:///library/redis#7", "[80]"), [80]);
        assert_eq!(ports("preloaded:cflinuxfs4", "[]"), [8080]);
    }

    #[test]
    fn every_recorded_request_names_its_process_type() {
        let recorded = include_str!("../../examples/requests/cfdot/cfdot-desired-lrps.jsonl");
        let mut types: Vec<String> = recorded.lines().map(|line| lrp(line).process_type()).collect();
        types.sort();
        assert_eq!(types, ["web", "web", "web", "web", "web", "web", "worker"]);
        assert_eq!(lrp("{}").process_type(), "web");
    }

    #[test]
    fn only_what_leads_to_the_app_is_a_route() {
        assert!(lrp(r#"{"routes":{"cf-router":[{"hostnames":["a.example.com"],"port":8080}]}}"#).has_routes());
        for routes in [r#"{"cf-router":[],"tcp-router":[]}"#, r#"{"diego-ssh":{"container_port":2222}}"#, "{}", "null"]
        {
            assert!(!lrp(&format!(r#"{{"routes":{routes}}}"#)).has_routes(), "{routes}");
        }
    }

    #[test]
    fn a_process_type_may_be_called_sidecar() {
        let lrp = lrp(r#"{"action":{"codependent":{"actions":[
                {"run":{"path":"/tmp/lifecycle/launcher","log_source":"APP/PROC/SIDECAR/SIDECAR/X","args":["app","x",""]}},
                {"run":{"path":"/tmp/lifecycle/launcher","log_source":"APP/PROC/SIDECAR","args":["app","y",""]}}]}}}"#);
        assert_eq!(lrp.launcher().unwrap().arguments()[1], "y");
        assert_eq!(lrp.process_type(), "sidecar");
    }

    #[test]
    fn a_sidecar_is_not_taken_for_the_app() {
        let lrp = lrp(r#"{"action":{"codependent":{"actions":[
                {"run":{"path":"/tmp/lifecycle/launcher","log_source":"APP/PROC/WEB/SIDECAR/CONFIG","args":["app","sidecar",""]}},
                {"run":{"path":"/tmp/lifecycle/launcher","log_source":"APP/PROC/WEB","args":["app","web",""]}}]}}}"#);
        assert_eq!(lrp.launcher().unwrap().arguments()[1], "web");
        assert_eq!(lrp.launchers().count(), 2);
        assert_eq!(lrp.sidecar_runs().map(|run| &*run.arguments()[1]).collect::<Vec<_>>(), ["sidecar"]);
    }

    #[test]
    fn the_field_for_sidecars_brings_some_too() {
        let lrp = lrp(r#"{"action":{"run":{"path":"/tmp/lifecycle/launcher"}},"sidecars":[
                {"action":{"timeout":{"action":{"run":{"path":"/proxy"}},"timeout_ms":1}},"memory_mb":32},{"memory_mb":5}]}"#);
        assert_eq!(lrp.sidecar_runs().map(|run| &*run.path).collect::<Vec<_>>(), ["/proxy"]);
    }
}
