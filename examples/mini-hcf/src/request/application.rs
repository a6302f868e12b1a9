//! Everything about a pushed app that its requests tell. Whoever fills it has signed the URLs already.

use crate::request::style::Style;

/// The user whose uploads Cloud Controller accepts. The password holds a `/`, so that it must be escaped
/// twice inside an upload URL; both are those of the recorded requests, so these can be replayed.
pub(crate) const UPLOAD_USER: &str = "upload_user";
/// That user's password, not escaped.
pub(crate) const UPLOAD_PASSWORD: &str = "up/pw";

/// One app as Cloud Controller hands it to stager and nsync.
#[derive(Debug, Clone)]
pub(crate) struct Application {
    /// The era whose form is written.
    pub(crate) style: Style,
    /// The app's name.
    pub(crate) name: String,
    /// The app's guid, 36 characters, the same at each push.
    pub(crate) guid: String,
    /// The app's version, new at each push; process guid = app guid, `-`, version.
    pub(crate) version: String,
    /// The staging task's guid.
    pub(crate) staging_guid: String,
    /// The space that the app is pushed to.
    pub(crate) space: Space,
    /// The stack's name, e.g. `cflinuxfs4`.
    pub(crate) stack: String,
    /// The app's memory limit in MiB.
    pub(crate) memory_mb: u32,
    /// The app's disk limit in MiB.
    pub(crate) disk_mb: u32,
    /// The app's own environment, in the order given.
    pub(crate) env: Vec<(String, String)>,
    /// `VCAP_SERVICES`, a JSON text.
    pub(crate) services: String,
    /// The buildpacks in the order in which they are tried.
    pub(crate) buildpacks: Vec<Buildpack>,
    /// Whether the user named the one buildpack, so that it is not asked to detect.
    pub(crate) skip_detect: bool,
    /// The app package.
    pub(crate) package: Artifact,
    /// What the last staging left for this one; `None` on a first push.
    pub(crate) build_artifacts: Option<Artifact>,
    /// Where the droplet can be had.
    pub(crate) droplet: Artifact,
    /// The start command; empty when the droplet's own is meant.
    pub(crate) command: String,
    /// How the app's health is found out.
    pub(crate) health_check: HealthCheck,
    /// Whether `diego-sshd` runs beside the app.
    pub(crate) ssh: bool,
    /// Cloud Controller's version of the app record: when it changed, Unix time with a fraction.
    pub(crate) etag: String,
}

/// A space with what lies around it: organisation, domain and API.
#[derive(Debug, Clone)]
pub(crate) struct Space {
    /// The domain below which the app's route lies.
    pub(crate) domain: String,
    /// Where Cloud Controller's API is said to be (today's `cf_api`).
    pub(crate) api: String,
    /// The space's name.
    pub(crate) name: String,
    /// The space's guid.
    pub(crate) guid: String,
    /// The organisation's name.
    pub(crate) organization_name: String,
    /// The organisation's guid.
    pub(crate) organization_guid: String,
}

/// A file in the blobstore.
#[derive(Debug, Clone)]
pub(crate) struct Artifact {
    /// Its URL, signed where it must be.
    pub(crate) url: String,
    /// Its SHA-256 in hexadecimal digits; `None` where Cloud Controller does not know it.
    /// Only today's requests carry it.
    pub(crate) sha256: Option<String>,
}

/// A buildpack of the installation.
#[derive(Debug, Clone)]
pub(crate) struct Buildpack {
    /// Its name, e.g. `nodejs_buildpack`.
    pub(crate) name: String,
    /// Its key in the blobstore, `<guid>_<sha1>`; the builder knows it by this.
    pub(crate) key: String,
    /// Where it lies.
    pub(crate) artifact: Artifact,
}

/// `--health-check`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HealthCheck {
    /// The app listens on its port.
    Port,
    /// It answers a GET of this path with 200. Diego knows this since 2017.
    Http(String),
    /// Its process lives.
    Process,
    /// Nothing is checked (Diego does as for a process).
    None,
}

impl Application {
    /// The process guid: what Diego calls this version of the app.
    pub(crate) fn process_guid(&self) -> String {
        format!("{}-{}", self.guid, self.version)
    }

    /// The app's host name.
    pub(crate) fn route(&self) -> String {
        format!("{}.{}", self.name, self.space.domain)
    }

    /// Where the lifecycle lies on the file server.
    pub(crate) fn lifecycle_url(&self) -> String {
        let server = self.style.file_server();
        format!("{server}/v1/static/buildpack_app_lifecycle/buildpack_app_lifecycle.tgz")
    }
}
