//! The staging request: what the stager asks Diego to do once.

use crate::action::{Action, RunAction};
use crate::application::{self, Application};
use crate::dependency::{CachedDependency, ImageLayer};
use crate::docker_app;
use crate::environment::EnvironmentVariable;
use crate::lifecycle::Lifecycle;
use crate::mounted_file::MountedFile;
use crate::network::{EgressRule, Network, VolumeMount};
use crate::safe_url::SafeUrl;
use crate::secret::Secret;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// A staging task in any form from 2016 to today. Every key may be absent; unknown keys are ignored.
/// Read one with [`crate::validate::task`], which reports all that is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskDefinition {
    /// `preloaded:<stack>`.
    pub rootfs: String,
    /// Variables of the whole container. The key is `env`, never `environment_variables`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<Vec<EnvironmentVariable>>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// Disk in MiB; 0 means no limit.
    pub disk_mb: i32,
    /// Memory in MiB; 0 means no limit.
    pub memory_mb: i32,
    /// Share of the CPU, 1 to 100; the stager sends 50.
    pub cpu_weight: u32,
    /// Whether Diego's container would be privileged. Ours never is.
    pub privileged: bool,
    /// `STG`.
    pub log_source: String,
    /// The app's guid.
    pub log_guid: String,
    /// Empty for a staging.
    pub metrics_guid: String,
    /// The file whose text is the result; `/tmp/result.json`.
    pub result_file: String,
    /// Where Diego would report to. Its path holds the staging guid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_callback_url: Option<SafeUrl>,
    /// JSON in a string, with Cloud Controller's password in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotation: Option<Secret<String>>,
    /// Allowed traffic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress_rules: Option<Vec<EgressRule>>,
    /// The lifecycle first, then buildpacks in their order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_dependencies: Option<Vec<CachedDependency>>,
    /// Whose files EXCLUSIVE layers and old downloads become.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legacy_download_user: Option<String>,
    /// Where the container would find more certificates to trust.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_system_certificates_path: Option<String>,
    /// Volumes to mount; absent for a staging.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_mounts: Option<Vec<VolumeMount>>,
    /// Properties for the container network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// 2017 and later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement_tags: Option<Vec<String>>,
    /// Processes at once; 2017 and later; 0 means no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pids: Option<i32>,
    /// 2017 and later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_properties: Option<Value>,
    /// Registry user of a docker app; 2017 and later, mostly empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_username: Option<Secret<String>>,
    /// Registry password of a docker app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_password: Option<Secret<String>>,
    /// Today's form of dependencies and downloads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_layers: Option<Vec<ImageLayer>>,
    /// Today's requests only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_rate_limit: Option<Value>,
    /// Today's requests only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_tags: Option<Value>,
    /// Files with service credentials, for today's Diego to mount.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_mounted_files: Option<Vec<MountedFile>>,
}

impl TaskDefinition {
    /// Variables of the container; empty where the request has none.
    #[must_use]
    pub fn environment(&self) -> &[EnvironmentVariable] {
        self.env.as_deref().unwrap_or_default()
    }

    /// The builder's run, wherever it stands in the tree: the first whose program is called `builder`.
    #[must_use]
    pub fn builder(&self) -> Option<&RunAction> {
        self.action.as_ref()?.runs().find(|run| run.program() == "builder")
    }

    /// Files to mount; empty where the request has none.
    #[must_use]
    pub fn mounted_files(&self) -> &[MountedFile] {
        self.volume_mounted_files.as_deref().unwrap_or_default()
    }

    /// Dependencies of the old form; empty where the request has none.
    #[must_use]
    pub fn dependencies(&self) -> &[CachedDependency] {
        self.cached_dependencies.as_deref().unwrap_or_default()
    }

    /// Dependencies and downloads of today's form; empty where the request has none.
    #[must_use]
    pub fn layers(&self) -> &[ImageLayer] {
        self.image_layers.as_deref().unwrap_or_default()
    }

    /// The hosts that a staging speaks to: where dependencies, package and caches come from and the droplet goes, whom it
    /// would report to, and what the arguments of its programs name (the URLs of custom buildpacks, a docker app's registry). In lower case,
    /// an IPv6 address in brackets; a text that names no host is left out.
    #[must_use]
    pub fn hosts(&self) -> BTreeSet<String> {
        let actions = || self.action.iter();
        let of_urls = (self.dependencies().iter().map(|dependency| &dependency.from))
            .chain(self.layers().iter().map(|layer| &layer.url))
            .chain(actions().flat_map(Action::downloads).map(|download| &download.from))
            .chain(actions().flat_map(Action::uploads).map(|upload| &upload.to))
            .chain(&self.completion_callback_url)
            .map(SafeUrl::host);
        let arguments = actions().flat_map(Action::runs).flat_map(RunAction::arguments);
        let of_arguments = arguments
            .flat_map(|argument| argument.split([',', '=', ' ']))
            .filter(|word| word.contains("://"))
            .map(|word| SafeUrl::new(word).host());
        let of_image = self.docker_image().and_then(docker_app::registry);
        of_urls.chain(of_arguments).chain(of_image).filter(|host| !host.is_empty()).collect()
    }

    /// The name behind `preloaded:` or `preloaded+layer:`; `None` for any other root file system.
    #[must_use]
    pub fn stack(&self) -> Option<&str> {
        application::stack(&self.rootfs)
    }

    /// The staging guid: the last path segment but one of the completion callback. The request holds it nowhere else.
    #[must_use]
    pub fn staging_guid(&self) -> Option<&str> {
        let path = self.completion_callback_url.as_ref()?.path();
        let mut segments = path.rsplit('/');
        segments.next();
        segments.next().filter(|guid| !guid.is_empty())
    }

    /// The app that this stages, as far as the request says.
    #[must_use]
    pub fn application(&self) -> Application {
        let environments = self.action.iter().flat_map(Action::runs).map(RunAction::environment);
        Application::found_in(environments, &self.log_guid)
    }

    /// The image that a docker app's builder looks at, as the builder is told; `None` for any other app.
    #[must_use]
    pub fn docker_image(&self) -> Option<&str> {
        self.builder()?.options("dockerRef").next().filter(|image| !image.is_empty())
    }

    /// True for a docker app, which has an image and no droplet: `annotation.lifecycle` says so, or [`Self::lifecycle_kind`].
    #[must_use]
    pub fn is_docker(&self) -> bool {
        if self.droplet().is_some() {
            return false;
        }
        let annotated = self
            .annotation
            .as_ref()
            .and_then(|annotation| serde_json::from_str::<Value>(annotation.reveal()).ok())
            .is_some_and(|annotation| annotation.get("lifecycle").and_then(Value::as_str) == Some("docker"));
        annotated || self.lifecycle_kind() == Lifecycle::Docker
    }

    /// How it is staged.
    #[must_use]
    pub fn lifecycle_kind(&self) -> Lifecycle {
        Lifecycle::of(&self.rootfs, self.dependencies(), self.layers(), self.builder().into_iter())
    }

    /// Where the package is unpacked and the builder works.
    #[must_use]
    pub fn workspace(&self) -> &str {
        let layout = self.lifecycle_kind().layout();
        let named = self.builder().and_then(|run| run.options(layout.workspace_option?).next());
        named.unwrap_or(layout.workspace)
    }

    /// The file that becomes the droplet: what is uploaded under that name, else what the builder is told to write.
    /// `None` for a request that makes none.
    #[must_use]
    pub fn droplet(&self) -> Option<&str> {
        let mut uploads = self.action.iter().flat_map(Action::uploads);
        let uploaded = uploads.find(|upload| upload.artifact.as_deref() == Some("droplet")).map(|upload| &*upload.from);
        uploaded.or_else(|| self.builder()?.flag("outputDroplet")).filter(|path| !path.is_empty())
    }

    /// The folder that holds builder and launcher; `/tmp/lifecycle`, where Cloud Controller has it, for a request
    /// without a builder.
    #[must_use]
    pub fn lifecycle(&self) -> &str {
        let folder = self.builder().and_then(|run| run.path.rsplit_once('/')).map(|(folder, _)| folder);
        folder.filter(|folder| !folder.is_empty()).unwrap_or("/tmp/lifecycle")
    }

    /// The users that programs of the request run as, as it names them.
    #[must_use]
    pub fn users(&self) -> BTreeSet<&str> {
        self.action.iter().flat_map(Action::runs).map(|run| run.user.as_str()).collect()
    }

    /// True when a program of the request runs as root, who could change whatever is mounted into its container.
    #[must_use]
    pub fn runs_as_root(&self) -> bool {
        self.users().into_iter().any(is_root)
    }

    /// True when the request's builder is told to trust any certificate (`-skipCertVerify=true`).
    #[must_use]
    pub fn skips_certificate_verification(&self) -> bool {
        self.builder().and_then(|run| run.flag("skipCertVerify")) == Some("true")
    }
}

/// Whether a run's user is root: by name, or like the engine by number, `uid` or `uid:gid`.
#[must_use]
pub fn is_root(user: &str) -> bool {
    let user = user.split(':').next().unwrap_or_default();
    user == "root" || user.parse() == Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_known_by_name_and_by_number() {
        for (user, expected) in [
            ("root", true),
            ("root:vcap", true),
            ("0", true),
            ("0:0", true),
            ("0:2000", true),
            ("00", true),
            ("vcap", false),
            ("2000:0", false),
            ("", false),
        ] {
            let action = serde_json::json!({"serial": {"actions": [{"run": {"path": "/b", "user": user}}]}});
            let task: TaskDefinition = serde_json::from_value(serde_json::json!({ "action": action })).unwrap();
            assert_eq!(task.runs_as_root(), expected, "{user:?}");
        }
    }

    #[test]
    fn every_host_that_a_staging_speaks_to_is_known() {
        let task = serde_json::json!({
            "cached_dependencies": [{"from": "http://Diego-Access:8080/v1/x.tgz", "to": "/tmp/l"}],
            "image_layers": [{"url": "https://u:p@layers/x", "destination_path": "/x", "layer_type": "SHARED"}],
            "completion_callback_url": "http://stager:8888/v1/staging/g/completed",
            "action": {"serial": {"actions": [
                {"parallel": {"actions": [{"download": {"from": "https://[fd00::1]:80/p", "to": "/tmp/app"}}]}},
                {"run": {"path": "/b", "args": ["-buildpackOrder=abc,https://t:s@git.example/b.git,def", "x"]}},
                {"upload": {"from": "/tmp/droplet", "to": "http://cc-uploader:9090/v1/d"}},
            ]}},
        });
        let task: TaskDefinition = serde_json::from_value(task).unwrap();
        let hosts: Vec<String> = task.hosts().into_iter().collect();
        assert_eq!(hosts, ["[fd00::1]", "cc-uploader", "diego-access", "git.example", "layers", "stager"]);
        assert!(TaskDefinition::default().hosts().is_empty());
        let docker = r#"{"action":{"run":{"path":"/b/builder","args":["-dockerRef","r.io:5000/a:1"]}}}"#;
        let task: TaskDefinition = serde_json::from_str(docker).unwrap();
        assert_eq!(task.hosts().into_iter().collect::<Vec<_>>(), ["r.io"]);
    }

    #[test]
    fn the_staging_guid_is_taken_from_either_form_of_the_callback() {
        for url in [
            "http://stager:8888/v1/staging/abc-def/completed",
            "https://cc:9023/internal/v3/staging/abc-def/build_completed?start=true",
        ] {
            let task = TaskDefinition { completion_callback_url: Some(SafeUrl::new(url)), ..TaskDefinition::default() };
            assert_eq!(task.staging_guid(), Some("abc-def"));
        }
        assert_eq!(TaskDefinition::default().staging_guid(), None);
    }

    #[test]
    fn droplet_and_lifecycle_are_where_the_request_has_them() {
        let cases = [
            (r#"{"upload":{"artifact":"droplet","from":"/d"}}"#, Some("/d"), "/tmp/lifecycle"),
            (r#"{"run":{"path":"/x/builder","args":["-outputDroplet=/e"]}}"#, Some("/e"), "/x"),
            (r#"{"run":{"path":"/builder"}}"#, None, "/tmp/lifecycle"),
        ];
        for (action, droplet, lifecycle) in cases {
            let task: TaskDefinition = serde_json::from_str(&format!(r#"{{"action":{action}}}"#)).unwrap();
            assert_eq!((task.droplet(), task.lifecycle()), (droplet, lifecycle), "{action}");
        }
        let both = r#"{"action":{"serial":{"actions":[{"run":{"path":"/x/builder","args":["-outputDroplet=/e"]}},
            {"upload":{"artifact":"droplet","from":"/d"}}]}}}"#;
        assert_eq!(serde_json::from_str::<TaskDefinition>(both).unwrap().droplet(), Some("/d"));
    }

    #[test]
    fn the_builder_works_where_the_request_says_or_its_lifecycle() {
        for (args, expected) in [
            (r#"["-buildDir=/x"]"#, "/x"),
            (r#"["-buildpackOrder=k"]"#, "/tmp/app"),
            (r#"["--buildpack","k"]"#, "/home/vcap/workspace"),
            (r#"["--buildpack","k","--workspace-dir","/y"]"#, "/y"),
        ] {
            let task = format!(r#"{{"action":{{"run":{{"path":"/tmp/lifecycle/builder","args":{args}}}}}}}"#);
            let task: TaskDefinition = serde_json::from_str(&task).unwrap();
            assert_eq!(task.workspace(), expected, "{args}");
        }
    }

    #[test]
    fn a_docker_app_is_known_by_annotation_rootfs_or_builder() {
        let annotated = TaskDefinition {
            annotation: Some(Secret::new(r#"{"lifecycle":"docker"}"#.into())),
            ..TaskDefinition::default()
        };
        let rootfs = TaskDefinition { rootfs: "docker:///nginx#latest".into(), ..TaskDefinition::default() };
        let builder: TaskDefinition =
            serde_json::from_str(r#"{"action":{"run":{"path":"/tmp/docker_app_lifecycle/builder"}}}"#).unwrap();
        assert!(annotated.is_docker() && rootfs.is_docker() && builder.is_docker());
        assert!(!TaskDefinition { rootfs: "preloaded:cflinuxfs2".into(), ..TaskDefinition::default() }.is_docker());
    }
}
