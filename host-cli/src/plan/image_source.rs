//! Which image a launch starts: the one that a staging made of a droplet, or, of a docker app, one in a registry, which anybody
//! may have made. Pure.

use super::error::PlanError;
use crate::engine::Image;
use crate::engine::container_spec::{ContainerSpec, Overruled};
use crate::labels;
use crate::registry::reference::Reference;
use shared_model::desired_lrp::DesiredLrp;
use shared_model::docker_app;
use shared_model::secret::Secret;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ImageSource {
    /// The app's newest image on the engine.
    Droplet,
    /// The one that a docker app's request names.
    Registry(DockerImage),
}

/// A docker app's image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DockerImage {
    /// Its name.
    pub(crate) reference: Reference,
    /// The request's user and password for the registry; `None`: docker's own are shown, if any.
    pub(crate) login: Option<(String, Secret<String>)>,
    /// When its registry is asked for it.
    pull: Pull,
}

/// When a registry is asked for an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pull {
    /// When the engine has none that came from there.
    #[default]
    Missing,
    /// Every time, unless the name holds a digest: then what is there is what the registry would give.
    Always,
    /// Never: what bears the name on the engine is meant, whoever made it.
    Never,
}

impl argh::FromArgValue for Pull {
    fn from_arg_value(value: &str) -> Result<Self, String> {
        match value {
            "missing" => Ok(Self::Missing),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err("choose missing, always or never".to_owned()),
        }
    }
}

impl ImageSource {
    /// That of a launch request.
    ///
    /// # Errors
    /// Its root file system names an image as no engine does.
    pub(super) fn new(lrp: &DesiredLrp, pull: Pull) -> Result<Self, PlanError> {
        let Some(name) = docker_app::image(&lrp.rootfs) else { return Ok(Self::Droplet) };
        let bad = || PlanError::BadImage { image: docker_app::without_login(&name) };
        let reference = Reference::pulled(&name).ok_or_else(bad)?;
        let user = lrp.image_username.as_ref().map(|user| user.reveal().clone()).filter(|user| !user.is_empty());
        let login = user.map(|user| (user, lrp.image_password.clone().unwrap_or_default()));
        Ok(Self::Registry(DockerImage { reference, login, pull }))
    }
}

impl DockerImage {
    /// Whether the registry is to be asked, `found` being what bears the name on the engine.
    ///
    /// A name is a tenant's choice, and whoever names `cf-app/…` or what was only built here must not get what is somebody
    /// else's: an image is what the name says only if it came from that repository.
    pub(crate) fn asks_registry(&self, found: Option<&Image>) -> bool {
        let (repository, _) = self.reference.parts();
        let is_from_there = |digest: &String| {
            let from = digest.split('@').next().unwrap_or_default();
            // Podman puts a registry in front: `docker.io/library/redis`.
            from == repository || from.strip_suffix(repository).is_some_and(|front| front.ends_with('/'))
        };
        let is_there = found.is_some_and(|image| {
            !image.labels.contains_key(labels::KIND) && image.details.digests.iter().any(is_from_there)
        });
        match self.pull {
            Pull::Missing => !is_there,
            Pull::Always => !is_there || !self.reference.has_digest(),
            Pull::Never => false,
        }
    }
}

/// The container of a stranger's image, which has a say in how it runs, but not in what we know it by: labels of ours that the
/// image bears, and that a container would inherit, are empty. Diego runs no image's health check, and stops with SIGTERM.
pub(super) fn of_stranger(container: ContainerSpec, image: &Image) -> ContainerSpec {
    let mut labels = container.labels;
    for name in image.labels.keys().filter(|name| name.starts_with(labels::PREFIX)) {
        labels.entry(name.clone()).or_default();
    }
    ContainerSpec { labels, overruled: Overruled::HealthAndStop, ..container }
}

/// A docker app's, for tests.
#[cfg(test)]
pub(super) fn of_a_stranger() -> ImageSource {
    let lrp = serde_json::from_str(r#"{"rootfs":"docker:///redis"}"#).unwrap();
    ImageSource::new(&lrp, Pull::Missing).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ImageDetails;

    fn source(rootfs: &str, more: &str) -> Result<ImageSource, PlanError> {
        let lrp: DesiredLrp = serde_json::from_str(&format!(r#"{{"rootfs":"{rootfs}"{more}}}"#)).unwrap();
        ImageSource::new(&lrp, Pull::Missing)
    }

    fn docker_image(rootfs: &str, pull: Pull) -> DockerImage {
        match source(rootfs, "").unwrap() {
            ImageSource::Registry(image) => DockerImage { pull, ..image },
            ImageSource::Droplet => panic!("{rootfs}"),
        }
    }

    fn pulled_from(digests: &[&str]) -> Image {
        let digests = digests.iter().map(|digest| (*digest).to_owned()).collect();
        Image { details: ImageDetails { digests, ..ImageDetails::default() }, ..Image::default() }
    }

    #[test]
    fn a_docker_apps_image_is_its_requests_with_the_requests_login() {
        assert_eq!(source("preloaded:cflinuxfs4", ""), Ok(ImageSource::Droplet));
        let login = r#","image_username":"me","image_password":"s3cret""#;
        let Ok(ImageSource::Registry(image)) = source("docker://r.io:5000/acme/a#2", login) else { panic!() };
        assert_eq!(image.reference.name(), "r.io:5000/acme/a:2");
        assert!(image.login.as_ref().is_some_and(|(user, _)| user == "me") && !format!("{image:?}").contains("s3cret"));
        let nobody = r#","image_username":"","image_password":"""#;
        assert!(matches!(
            source("docker:///redis#7", nobody),
            Ok(ImageSource::Registry(DockerImage { login: None, .. }))
        ));
    }

    #[test]
    fn a_name_that_no_engine_takes_is_refused_without_its_password() {
        for rootfs in ["docker://u:s3cret@r.io/a#1", "docker://r.io/../a#1", "docker://r.io/A#1", "docker://"] {
            let refused = source(rootfs, "").unwrap_err().to_string();
            assert!(refused.contains("root file system") && !refused.contains("s3cret"), "{refused}");
        }
    }

    #[test]
    fn only_what_came_from_the_registry_is_taken_without_asking_it() {
        let asks = |rootfs: &str, pull, image: &Image| docker_image(rootfs, pull).asks_registry(Some(image));
        let digest = format!("docker:///library/redis@sha256#{}", "0".repeat(64));
        let (redis, ours) = (pulled_from(&["redis@sha256:0"]), pulled_from(&[]));
        for pull in [Pull::Missing, Pull::Always] {
            assert!(docker_image("docker:///library/redis#7", pull).asks_registry(None));
            assert!(asks("docker:///library/redis#7", pull, &ours), "somebody built it here");
            assert!(!asks(&digest, pull, &redis) && !asks(&digest, pull, &pulled_from(&["docker.io/library/redis@x"])));
        }
        assert!(!asks("docker:///library/redis#7", Pull::Missing, &redis));
        assert!(asks("docker:///library/redis#7", Pull::Always, &redis));
        assert!(asks("docker://r.io/redis#7", Pull::Missing, &redis), "another registry's");
        assert!(!asks("docker:///library/redis#7", Pull::Never, &ours));
        let mut app = pulled_from(&["r.io/team/victim@sha256:0"]);
        app.labels.insert(labels::KIND.to_owned(), labels::KIND_APP.to_owned());
        assert!(asks("docker://r.io/team/victim#1", Pull::Missing, &app), "an app's image that was pushed there");
    }

    #[test]
    fn labels_of_ours_on_a_strangers_image_say_nothing_about_its_container() {
        let labelled = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let own = [(labels::KIND, labels::KIND_APP), (labels::APP_GUID, "own")];
        let evil = [(labels::APP_GUID, "victim"), (labels::KEPT, "true"), (labels::LENT, "x"), ("maintainer", "m")];
        let image = Image { labels: labelled(&evil), ..Image::default() };
        let spec = of_stranger(ContainerSpec { labels: labelled(&own), ..ContainerSpec::default() }, &image);
        assert_eq!(spec.labels, labelled(&[own[0], own[1], (labels::KEPT, ""), (labels::LENT, "")]));
        assert_eq!(spec.overruled, Overruled::HealthAndStop);
    }
}
