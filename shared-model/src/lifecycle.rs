//! Which of Cloud Foundry's three ways made an app's image, and so which builder and launcher a request has.

use crate::action::RunAction;
use crate::dependency::{CachedDependency, ImageLayer};

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// Cloud Foundry's own buildpacks, which make a droplet.
    Buildpack,
    /// Cloud Native Buildpacks, which make a droplet of another form.
    Cnb,
    /// An image that somebody else made; there is nothing to stage.
    Docker,
}

impl Lifecycle {
    /// As Cloud Controller calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Buildpack => "buildpack",
            Self::Cnb => "cnb",
            Self::Docker => "docker",
        }
    }

    /// That of a request with this root file system, these dependencies and these programs. Today nothing says it outright: the
    /// lifecycle's cache key or layer name does, and the builder's arguments.
    pub(crate) fn of<'a>(
        rootfs: &str,
        dependencies: &[CachedDependency],
        layers: &[ImageLayer],
        mut builders: impl Iterator<Item = &'a RunAction>,
    ) -> Self {
        let keys = dependencies.iter().map(|dependency| dependency.cache_key.as_str());
        let names = layers.iter().filter_map(|layer| layer.name.as_deref());
        let by_name = keys.chain(names).find_map(|name| match name.strip_suffix("-lifecycle")? {
            "docker" => Some(Self::Docker),
            stack if stack.starts_with("cnb-") => Some(Self::Cnb),
            _ => None,
        });
        let by_builder = || {
            builders.find_map(|run| {
                if run.flag("dockerRef").is_some() || run.path.contains("docker_app_lifecycle") {
                    Some(Self::Docker)
                } else if run.flag("buildpack").is_some() || run.flag("auto-detect").is_some() {
                    Some(Self::Cnb)
                } else {
                    None
                }
            })
        };
        if rootfs.starts_with("docker:") {
            return Self::Docker;
        }
        by_name.or_else(by_builder).unwrap_or(Self::Buildpack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::TaskDefinition;

    #[test]
    fn a_lifecycle_is_known_by_its_key_its_layer_its_builder_or_the_root_file_system() {
        for (request, expected) in [
            (r#"{"cached_dependencies":[{"cache_key":"buildpack-cflinuxfs4-lifecycle"}]}"#, Lifecycle::Buildpack),
            (r#"{"cached_dependencies":[{"cache_key":"cnb-cflinuxfs4-lifecycle"}]}"#, Lifecycle::Cnb),
            (r#"{"cached_dependencies":[{"cache_key":"docker-lifecycle"}]}"#, Lifecycle::Docker),
            (r#"{"image_layers":[{"name":"cnb-cflinuxfs5-lifecycle"}]}"#, Lifecycle::Cnb),
            (r#"{"image_layers":[{"name":"docker-lifecycle"}]}"#, Lifecycle::Docker),
            (r#"{"action":{"run":{"path":"/tmp/lifecycle/builder","args":["-dockerRef=x"]}}}"#, Lifecycle::Docker),
            (r#"{"action":{"run":{"path":"/tmp/lifecycle/builder","args":["--buildpack","x"]}}}"#, Lifecycle::Cnb),
            (
                r#"{"action":{"run":{"path":"/tmp/lifecycle/builder","args":["-buildpackOrder=x"]}}}"#,
                Lifecycle::Buildpack,
            ),
            (r#"{"rootfs":"docker:///nginx"}"#, Lifecycle::Docker),
            ("{}", Lifecycle::Buildpack),
        ] {
            let task: TaskDefinition = serde_json::from_str(request).unwrap();
            assert_eq!(task.lifecycle_kind(), expected, "{request}");
        }
    }
}
