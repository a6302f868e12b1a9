//! Everything about a pushed app that its requests tell. Whoever fills it has signed the URLs already.

use crate::request::bindings::Bindings;
use crate::request::lifecycle::Lifecycle;
use crate::request::style::Style;

/// The user whose uploads Cloud Controller accepts. The password holds a `/`, so that it must be escaped
/// twice inside an upload URL; both are those of the recorded requests, so these can be replayed.
pub(crate) const UPLOAD_USER: &str = "upload_user";
/// That user's password, not escaped.
pub(crate) const UPLOAD_PASSWORD: &str = "up/pw";

/// One app as Cloud Controller hands it to stager and nsync, with one of its processes.
#[derive(Debug, Clone)]
pub(crate) struct Application {
    /// The era whose form is written.
    pub(crate) style: Style,
    /// The app's name.
    pub(crate) name: String,
    /// The app's guid, 36 characters, the same at each push.
    pub(crate) guid: String,
    /// How it is staged.
    pub(crate) lifecycle: Lifecycle,
    /// The process whose launch request is made.
    pub(crate) process: Process,
    /// The process's version, new at each push; process guid = the process's guid, `-`, version.
    pub(crate) version: String,
    /// The staging task's guid.
    pub(crate) staging_guid: String,
    /// The space that the app is pushed to.
    pub(crate) space: Space,
    /// The stack's name, e.g. `cflinuxfs4`.
    pub(crate) stack: String,
    /// The process's memory limit in MiB.
    pub(crate) memory_mb: u32,
    /// The app's disk limit in MiB.
    pub(crate) disk_mb: u32,
    /// The app's own environment, in the order given.
    pub(crate) env: Vec<(String, String)>,
    /// `VCAP_SERVICES`, a JSON text.
    pub(crate) services: String,
    /// How the app is told of them.
    pub(crate) bindings: Bindings,
    /// The buildpacks of the installation that the staging needs.
    pub(crate) buildpacks: Vec<Buildpack>,
    /// Keys of buildpacks, or URLs, in the order in which they are tried.
    pub(crate) order: Vec<String>,
    /// Whether the user named the buildpacks, so that they are not asked to detect.
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

/// A process of an app.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    /// Its type, `web` or another.
    pub(crate) kind: String,
    /// Its guid; that of web is the app's.
    pub(crate) guid: String,
    /// What runs beside it.
    pub(crate) sidecars: Vec<Sidecar>,
}

/// A program that runs beside a process, in the same container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sidecar {
    /// Its name.
    pub(crate) name: String,
    /// Its start command.
    pub(crate) command: String,
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
        format!("{}-{}", self.process.guid, self.version)
    }

    /// Whether it is the process that has routes.
    pub(crate) fn is_web(&self) -> bool {
        self.process.kind == "web"
    }

    /// The app's host name.
    pub(crate) fn route(&self) -> String {
        format!("{}.{}", self.name, self.space.domain)
    }

    /// Where its processes log to, today.
    pub(crate) fn log_source(&self) -> String {
        format!("APP/PROC/{}", self.process.kind.to_uppercase())
    }

    /// Where the lifecycle lies on the file server.
    pub(crate) fn lifecycle_url(&self) -> String {
        let server = self.style.file_server();
        format!("{server}/v1/static/{}", self.lifecycle.kind().archive())
    }
}
