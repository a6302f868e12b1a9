//! What a request is about in a word or two, for lists: process type, lifecycle, buildpacks, image or start command.

use super::request::RequestKind;
use shared_model::action::{Action, RunAction};
use shared_model::desired_lrp::DesiredLrp;
use shared_model::docker_app::{self, without_login};
use shared_model::lifecycle::Lifecycle;
use shared_model::safe_url::SafeUrl;
use shared_model::task::TaskDefinition;

/// See the module. Odd requests have none of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    /// A launch request's process type.
    pub(crate) process: Option<String>,
    /// How the app is, or was, staged.
    pub(crate) lifecycle: Option<Lifecycle>,
    /// Names of a staging request's buildpacks in their order; a buildpack of the user's own is a redacted URL.
    pub(crate) buildpacks: Vec<String>,
    /// A docker app's image, as docker writes it.
    pub(crate) image: Option<String>,
    /// The start command of a launch request or of a task; empty: the droplet's own.
    pub(crate) start_command: Option<String>,
}

impl Contents {
    /// Reads a request; `process_type` is known already.
    pub(crate) fn read(kind: RequestKind, document: &str, process_type: &str) -> Self {
        let contents = match kind {
            RequestKind::Staging => serde_json::from_str(document).map(|task| Self::staging(&task)),
            RequestKind::Launch => serde_json::from_str(document).map(|lrp| Self::launch(&lrp)),
            RequestKind::Task => serde_json::from_str(document).map(|task| Self::task(&task)),
        };
        let process = (kind == RequestKind::Launch).then(|| process_type.to_owned());
        Self { process, ..contents.unwrap_or_default() }
    }

    fn staging(task: &TaskDefinition) -> Self {
        let image = task.docker_image().map(without_login);
        Self { lifecycle: Some(task.lifecycle_kind()), buildpacks: buildpacks(task), image, ..Self::default() }
    }

    fn launch(lrp: &DesiredLrp) -> Self {
        Self {
            lifecycle: Some(lrp.lifecycle_kind()),
            image: docker_image(&lrp.rootfs),
            start_command: lrp.launcher().map(RunAction::arguments).and_then(start_command),
            ..Self::default()
        }
    }

    fn task(task: &TaskDefinition) -> Self {
        let launcher = task.action.iter().flat_map(Action::runs).find(|run| run.program() == "launcher");
        Self {
            lifecycle: Some(task.lifecycle_kind()),
            image: docker_image(&task.rootfs),
            start_command: launcher.map(RunAction::arguments).and_then(start_command),
            ..Self::default()
        }
    }
}

/// The image of a docker app's root file system.
fn docker_image(rootfs: &str) -> Option<String> {
    docker_app::image(rootfs).map(|image| without_login(&image))
}

fn buildpacks(task: &TaskDefinition) -> Vec<String> {
    let keys: Vec<&str> = task.builder().into_iter().flat_map(RunAction::buildpacks).collect();
    // Layers have no key, but stand in the builder's order; a buildpack of the user's own has no layer.
    let layers = task.layers().iter().filter(|layer| layer.destination_path.starts_with("/tmp/buildpacks/"));
    let mut layers: Vec<&str> = layers.map(|layer| layer.name.as_deref().unwrap_or_default()).collect();
    if layers.len() != keys.iter().filter(|key| !is_url(key)).count() {
        layers.clear();
    }
    let mut layers = layers.into_iter();
    let name = |key: &str| {
        if is_url(key) {
            return SafeUrl::new(key).to_string();
        }
        let dependency = task.dependencies().iter().find(|dependency| dependency.cache_key == key);
        let name = dependency.map(|dependency| dependency.name.as_str()).or_else(|| layers.next()).unwrap_or_default();
        if name.is_empty() { without_login(key) } else { name.to_owned() }
    };
    keys.into_iter().map(name).collect()
}

fn is_url(key: &str) -> bool {
    key.contains("://")
}

fn start_command(arguments: &[String]) -> Option<String> {
    const COMMAND: usize = 1; // launcher's arguments: directory, start command, metadata
    arguments.get(COMMAND).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buildpacks_are_named_in_the_builders_order_and_urls_keep_their_secrets() {
        let task = r#"{"cached_dependencies":[{"name":"","to":"/tmp/lifecycle","cache_key":"l"},
              {"name":"ruby","cache_key":"k2"},{"name":"node","cache_key":"k1"}],
            "action":{"run":{"path":"/tmp/lifecycle/builder","args":["-buildpackOrder=k1,https://u:SECRET@git/x?t=SECRET,k2,k3"]}}}"#;
        let found = Contents::read(RequestKind::Staging, task, "web").buildpacks;
        assert_eq!(found, ["node", "https://***@git/x?***", "ruby", "k3"]);
    }

    #[test]
    fn layers_name_their_buildpacks_too() {
        let task = r#"{"image_layers":[{"name":"lifecycle","destination_path":"/tmp/lifecycle"},
              {"name":"nodejs","destination_path":"/tmp/buildpacks/2f3ad11a0a1ac5b1"}],
            "action":{"run":{"path":"/tmp/lifecycle/builder","args":["-buildpackOrder=key"]}}}"#;
        assert_eq!(Contents::read(RequestKind::Staging, task, "web").buildpacks, ["nodejs"]);
    }

    #[test]
    fn odd_requests_have_neither() {
        assert_eq!(Contents::read(RequestKind::Staging, r#"{"action":{"dance":{}}}"#, "web"), Contents::default());
        let empty = Contents::read(RequestKind::Launch, "{}", "web");
        assert_eq!((empty.image, empty.start_command, empty.buildpacks), (None, None, Vec::new()));
    }

    #[test]
    fn a_docker_app_is_shown_by_its_image_as_docker_writes_it() {
        for (rootfs, image) in [
            ("docker://registry.example.com:5000/acme/reports#2.3", Some("registry.example.com:5000/acme/reports:2.3")),
            ("docker:///library/redis@sha256#34fb", Some("redis@sha256:34fb")),
            ("docker:///acme/reports", Some("acme/reports")),
            ("docker://u:SECRET@reg.io/img#x", Some("***@reg.io/img:x")),
            ("preloaded:cflinuxfs4", None),
        ] {
            assert_eq!(docker_image(rootfs).as_deref(), image, "{rootfs}");
        }
    }

    #[test]
    fn cloud_native_buildpacks_are_named_without_their_passwords() {
        let task = r#"{"cached_dependencies":[{"name":"","cache_key":"cnb-x-lifecycle"},{"name":"node_cnb","cache_key":"k1_abc"}],
            "action":{"run":{"path":"/tmp/lifecycle/builder","args":["--cache-dir","/c","--buildpack","k1_abc","--auto-detect",
            "--buildpack=docker://u:SECRET@reg.io/x","--buildpack","u:SECRET@reg.io/y","--pass-env-var","A"]}}}"#;
        let contents = Contents::read(RequestKind::Staging, task, "web");
        assert_eq!(contents.lifecycle, Some(Lifecycle::Cnb));
        assert_eq!(contents.buildpacks, ["node_cnb", "docker://***@reg.io/x", "***@reg.io/y"]);
    }
}
