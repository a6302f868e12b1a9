//! Which of Cloud Foundry's three ways made an app's image, and so which builder and launcher a request has.

mod layout;

use crate::action::RunAction;
use crate::dependency::{CachedDependency, ImageLayer};
pub use layout::Layout;

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
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Buildpack, Self::Cnb, Self::Docker];

    /// What it fixes.
    #[must_use]
    pub const fn layout(self) -> &'static Layout {
        match self {
            Self::Buildpack => &layout::BUILDPACK,
            Self::Cnb => &layout::CNB,
            Self::Docker => &layout::DOCKER,
        }
    }

    /// The lifecycle whose droplet has these folders below vcap's home; `None`: it is nobody's. CNB's builder packs all of the
    /// home, and so an empty `app` where the root file system has one; no other droplet has CNB's folders.
    pub fn from_droplet(has_folder: impl Fn(&str) -> bool) -> Option<Self> {
        let is_its = |lifecycle: &Self| {
            let folders = lifecycle.layout().droplet_folders;
            !folders.is_empty() && folders.iter().all(|folder| has_folder(folder))
        };
        [Self::Cnb, Self::Buildpack].into_iter().find(is_its)
    }

    /// What the builder says by this exit code; `None`: no more than that it failed.
    #[must_use]
    pub fn builder_failure(self, code: u8) -> Option<&'static str> {
        self.layout().builder_codes.iter().find(|(own, _)| *own == code).map(|(_, what)| *what)
    }

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
    fn a_droplet_is_cnbs_even_with_an_empty_app_and_nobodys_by_half_of_the_folders() {
        let of = |folders: &[&str]| Lifecycle::from_droplet(|folder| folders.contains(&folder));
        assert_eq!(of(&["app", "tmp"]), Some(Lifecycle::Buildpack));
        assert_eq!(of(&["app", "workspace", "layers"]), Some(Lifecycle::Cnb));
        assert_eq!((of(&["workspace"]), of(&["layers"]), of(&[])), (None, None, None));
    }

    #[test]
    fn an_exit_code_speaks_for_one_lifecycle_only() {
        for code in 0..=255 {
            let speakers = Lifecycle::ALL.into_iter().filter(|lifecycle| lifecycle.builder_failure(code).is_some());
            assert_eq!(speakers.count(), usize::from(matches!(code, 222..=226 | 231..=237)), "{code}");
        }
    }

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
