//! Which image a launch starts: the one that a staging made of a droplet, or, of a docker app, one in a registry, which anybody
//! may have made. Pure.

use super::error::PlanError;
use crate::engine::container_spec::{ContainerSpec, Overruled};
use crate::engine::{Image, Store};
use crate::labels;
use crate::registry::reference::{DOCKER_HUB, Reference};
use serde::{Deserialize, Serialize};
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Pull {
    /// When the engine has none that came from there.
    #[default]
    Missing,
    /// Every time, unless the name holds a digest: then what is there is what the registry would give.
    Always,
    /// Never: what bears the name on the engine is meant, whoever made it.
    Never,
}

/// How an image is had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// What bears the name here is taken.
    Here,
    /// The same, once its registry has shown to the request's login that it has one; else it is pulled.
    HereIfShown,
    /// It is pulled under its name, which nothing bears here, or an image of that repository.
    Pulled,
    /// What bears the name here may be anybody's. The registry says which image it has, and that one is had by its digest: a
    /// name on the engine never moves to what a stranger put into a registry.
    ByDigest,
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
    /// How it is had, `found` being what bears the name on an engine that keeps images so.
    ///
    /// A name is a tenant's choice, and whoever names `cf-app/…` or what was only built here must not get what is somebody
    /// else's: an image is what the name says only if it came from that repository.
    pub(crate) fn way(&self, found: Option<&Image>, store: &Store) -> Way {
        if self.pull == Pull::Never {
            return Way::Here;
        }
        let Some(found) = found else { return Way::Pulled };
        if !self.came_from_there(found, store) {
            return if self.reference.has_digest() { Way::Pulled } else { Way::ByDigest };
        }
        match (self.pull, &self.login) {
            (Pull::Always, _) if !self.reference.has_digest() => Way::Pulled,
            (_, Some(_)) => Way::HereIfShown,
            (_, None) => Way::Here,
        }
    }

    /// Whether an image bears the proof that it came from the repository. In containerd's store every image has a digest for each
    /// of its names.
    fn came_from_there(&self, image: &Image, store: &Store) -> bool {
        let is_proof = matches!(store, Store::Layers(_) | Store::Podman(_));
        let wanted = repository(&self.reference);
        let is_from_there =
            |digest: &String| Reference::pulled(digest).is_some_and(|digest| repository(&digest) == wanted);
        is_proof && !image.labels.contains_key(labels::KIND) && image.details.digests.iter().any(is_from_there)
    }
}

/// Registry and path in one form: to Docker `redis` is what to Podman is `docker.io/library/redis`.
fn repository(reference: &Reference) -> (&str, &str) {
    let (registry, path) = (reference.registry(), reference.path());
    let official = path.strip_prefix("library/").filter(|name| registry == DOCKER_HUB && !name.contains('/'));
    (registry, official.unwrap_or(path))
}

/// The container of a stranger's image, which has a say in how it runs, but not in what it is known by: all labels that the
/// image bears, and that a container would inherit, are empty. Ours are, or it were another's app; and so are those that
/// other programs of this machine take orders from, as proxies do for whose requests go where. Diego's containers have
/// none of them. Diego runs no image's health check, and stops with SIGTERM.
pub(super) fn of_stranger(container: ContainerSpec, image: &Image) -> ContainerSpec {
    let mut labels = container.labels;
    for name in image.labels.keys() {
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

    fn pulled_from(repositories: &[&str]) -> Image {
        let digests = repositories.iter().map(|name| format!("{name}@sha256:{}", "0".repeat(64))).collect();
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

    fn layers() -> Store {
        Store::Layers("overlay2".to_owned())
    }

    fn way(rootfs: &str, pull: Pull, image: &Image) -> Way {
        docker_image(rootfs, pull).way(Some(image), &layers())
    }

    #[test]
    fn only_what_came_from_the_registry_is_taken_without_asking_it() {
        const REDIS: &str = "docker:///library/redis#7";
        let digest = format!("docker:///library/redis@sha256#{}", "0".repeat(64));
        let (redis, ours) = (pulled_from(&["redis"]), pulled_from(&[]));
        for pull in [Pull::Missing, Pull::Always] {
            assert_eq!(docker_image(REDIS, pull).way(None, &layers()), Way::Pulled);
            assert_eq!(way(&digest, pull, &redis), Way::Here);
        }
        assert_eq!(way(REDIS, Pull::Missing, &redis), Way::Here);
        assert_eq!(way(REDIS, Pull::Always, &redis), Way::Pulled);
        assert_eq!(way(REDIS, Pull::Never, &ours), Way::Here);
    }

    #[test]
    fn a_name_here_that_is_not_the_repositorys_never_moves_to_what_the_registry_has() {
        let mut pushed = pulled_from(&["r.io/team/victim"]);
        pushed.labels.insert(labels::KIND.to_owned(), labels::KIND_APP.to_owned());
        for pull in [Pull::Missing, Pull::Always] {
            assert_eq!(way("docker:///acme/stager#1", pull, &pulled_from(&[])), Way::ByDigest, "built here");
            assert_eq!(way("docker://r.io/team/victim#1", pull, &pushed), Way::ByDigest, "an app's that was pushed");
            let image = docker_image("docker:///acme/stager#1", pull);
            for store in [Store::Containerd("overlayfs".to_owned()), Store::Unknown] {
                assert_eq!(image.way(Some(&pulled_from(&["acme/stager"])), &store), Way::ByDigest, "{store:?}");
            }
        }
    }

    #[test]
    fn a_repository_is_that_of_one_registry_however_an_engine_writes_it() {
        for (rootfs, from, is_same) in [
            ("docker:///library/redis#7", "redis", true),
            ("docker:///redis#7", "docker.io/library/redis", true),
            ("docker://docker.io/me/app#1", "me/app", true),
            ("docker://index.docker.io/me/app#1", "docker.io/me/app", true),
            ("docker://r.io:5000/me/app#1", "r.io:5000/me/app", true),
            ("docker:///redis#7", "mirror.corp/redis", false),
            ("docker:///redis#7", "mirror.corp/library/redis", false),
            ("docker:///redis#7", "me/redis", false),
            ("docker://r.io/redis#7", "redis", false),
            ("docker://r.io/library/redis#7", "r.io/redis", false),
            ("docker://docker.io/library/me/app#7", "me/app", false),
        ] {
            let expected = if is_same { Way::Here } else { Way::ByDigest };
            assert_eq!(way(rootfs, Pull::Missing, &pulled_from(&[from])), expected, "{rootfs} {from}");
        }
    }

    #[test]
    fn a_request_with_a_login_gets_what_is_here_only_if_the_registry_shows_it_to_that_login() {
        let found = pulled_from(&["r.io/acme/a"]);
        let login = Some(("me".to_owned(), Secret::default()));
        let of = |pull| DockerImage { login: login.clone(), ..docker_image("docker://r.io/acme/a#2", pull) };
        assert_eq!(of(Pull::Missing).way(Some(&found), &layers()), Way::HereIfShown);
        assert_eq!(of(Pull::Always).way(Some(&found), &layers()), Way::Pulled);
        assert_eq!(of(Pull::Never).way(Some(&found), &layers()), Way::Here);
    }

    #[test]
    fn labels_of_a_strangers_image_say_nothing_about_its_container() {
        let labelled = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let own = [(labels::KIND, labels::KIND_APP), (labels::APP_GUID, "own")];
        let evil =
            [(labels::APP_GUID, "victim"), (labels::KEPT, "true"), (labels::LENT, "x"), ("proxy.rule", "Host(victim)")];
        let image = Image { labels: labelled(&evil), ..Image::default() };
        let spec = of_stranger(ContainerSpec { labels: labelled(&own), ..ContainerSpec::default() }, &image);
        assert_eq!(
            spec.labels,
            labelled(&[own[0], own[1], (labels::KEPT, ""), (labels::LENT, ""), ("proxy.rule", "")])
        );
        assert_eq!(spec.overruled, Overruled::HealthAndStop);
    }
}
