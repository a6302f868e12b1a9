//! What a request is about in a word or two, for lists: buildpacks or start command.

use super::request::RequestKind;
use shared_model::desired_lrp::DesiredLrp;
use shared_model::safe_url::SafeUrl;
use shared_model::task::TaskDefinition;

/// See the module. Odd requests have none of both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    /// Names of a staging request's buildpacks in their order; a buildpack of the user's own is a redacted URL.
    pub(crate) buildpacks: Vec<String>,
    /// A launch request's start command; empty: the droplet's own.
    pub(crate) start_command: Option<String>,
}

impl Contents {
    /// Reads a request.
    pub(crate) fn read(kind: RequestKind, document: &str) -> Self {
        match kind {
            RequestKind::Staging => Self {
                buildpacks: serde_json::from_str(document).map(|task| buildpacks(&task)).unwrap_or_default(),
                start_command: None,
            },
            RequestKind::Launch => Self {
                buildpacks: Vec::new(),
                start_command: serde_json::from_str(document).ok().and_then(|lrp| start_command(&lrp)),
            },
        }
    }
}

fn buildpacks(task: &TaskDefinition) -> Vec<String> {
    let Some(order) = task.builder().and_then(|run| run.flag("buildpackOrder")) else { return Vec::new() };
    let keys: Vec<&str> = order.split(',').filter(|key| !key.is_empty()).collect();
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
        if name.is_empty() { key.to_owned() } else { name.to_owned() }
    };
    keys.into_iter().map(name).collect()
}

fn is_url(key: &str) -> bool {
    key.contains("://")
}

fn start_command(lrp: &DesiredLrp) -> Option<String> {
    const COMMAND: usize = 1; // launcher's arguments: directory, start command, metadata
    lrp.launcher()?.arguments().get(COMMAND).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buildpacks_are_named_in_the_builders_order_and_urls_keep_their_secrets() {
        let task = r#"{"cached_dependencies":[{"name":"","to":"/tmp/lifecycle","cache_key":"l"},
              {"name":"ruby","cache_key":"k2"},{"name":"node","cache_key":"k1"}],
            "action":{"run":{"path":"/tmp/lifecycle/builder","args":["-buildpackOrder=k1,https://u:SECRET@git/x?t=SECRET,k2,k3"]}}}"#;
        let found = Contents::read(RequestKind::Staging, task).buildpacks;
        assert_eq!(found, ["node", "https://***@git/x?***", "ruby", "k3"]);
    }

    #[test]
    fn layers_name_their_buildpacks_too() {
        let task = r#"{"image_layers":[{"name":"lifecycle","destination_path":"/tmp/lifecycle"},
              {"name":"nodejs","destination_path":"/tmp/buildpacks/2f3ad11a0a1ac5b1"}],
            "action":{"run":{"path":"/tmp/lifecycle/builder","args":["-buildpackOrder=key"]}}}"#;
        assert_eq!(Contents::read(RequestKind::Staging, task).buildpacks, ["nodejs"]);
    }

    #[test]
    fn odd_requests_have_neither() {
        assert_eq!(Contents::read(RequestKind::Staging, r#"{"action":{"dance":{}}}"#), Contents::default());
        assert_eq!(Contents::read(RequestKind::Launch, "{}"), Contents::default());
    }
}
