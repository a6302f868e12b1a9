//! Why no plan can be made of a request and what was typed.

use super::ports::PortError;
use super::volumes::VolumeError;
use shared_model::plain_line::escape_control;
use shared_model::task::TaskDefinition;
use shared_model::validate::{LONGEST_ARGUMENT, ValidationErrors};

/// What is wrong with the request, or with what was asked of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PlanError {
    /// Diego would refuse it too.
    #[error("the request cannot be used:\n{errors}")]
    ValidationErrors { errors: String, advice: Option<&'static str> },
    /// Nothing can be made of it: it has an image already, and no droplet.
    #[error("{app} is a docker app: it has no droplet to make an image of, and its own image is in a registry already")]
    DockerApp { app: String },
    /// It is a docker app's, and names an image as nobody can.
    #[error("the request's root file system {:?} is no name of an image", escape_control(.image))]
    BadImage { image: String },
    /// Nothing of it brings a launcher into the app's container.
    #[error("the launch request has no lifecycle for its launcher: neither a cached dependency nor an image layer")]
    NoLifecycle,
    /// Nobody made an image of its root file system.
    #[error("the request's root file system {:?} is not preloaded:STACK", escape_control(.rootfs))]
    UnknownRootfs { rootfs: String },
    /// Nothing in it runs a launcher.
    #[error("the launch request runs no launcher")]
    NoLauncher,
    /// The image has no such process.
    #[error("the app has no process type {wanted:?}; its image has {}", if known.is_empty() { "none" } else { known })]
    NoSuchProcess { wanted: String, known: String },
    /// The request is neither of the process type that was typed, nor web's.
    #[error("the request is of process type {own:?}, not {wanted:?}")]
    OtherProcess { wanted: String, own: String },
    /// The droplet is to be uploaded, and is not.
    #[error("--upload and --no-upload exclude each other")]
    UploadAndNot,
    /// The image's start command of the process is longer than an argument may be.
    #[error(
        "the start command of {process:?} has {bytes} bytes, and Linux gives a program at most {LONGEST_ARGUMENT} in one argument"
    )]
    LongCommand { process: String, bytes: usize },
    /// The key of an identity is one user's, and only the container knows this one.
    #[error("--instance-key: nobody knows the number of the request's user {:?}", escape_control(.user))]
    NobodysKey { user: String },
    /// The authorities are to be where the app's container has something else.
    #[error("--ca: the request wants the authorities at {path:?}, {why}")]
    Authorities { path: String, why: &'static str },
    /// Its volumes, or the folders that were typed for them.
    #[error(transparent)]
    Volume(#[from] VolumeError),
    /// Its ports, or those that were typed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl From<ValidationErrors> for PlanError {
    fn from(errors: ValidationErrors) -> Self {
        Self::ValidationErrors { errors: errors.to_string(), advice: errors.advice() }
    }
}

impl PlanError {
    /// What to try; empty where nothing can be advised.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::ValidationErrors { advice, .. } => {
                advice.unwrap_or("`host-cli requests` lists the requests in the logs")
            }
            Self::DockerApp { .. } => "`docker pull`, `docker tag` and `docker push` take its image elsewhere",
            Self::BadImage { .. } => "`cf push --docker-image` makes a new request",
            Self::UnknownRootfs { .. } => "choose its image with --base",
            Self::NoLifecycle | Self::NoLauncher => "`cf push` or `cf restart` makes a new request",
            Self::NoSuchProcess { .. } => {
                "choose one of these with --process; `host-cli restage` reads them from the app again"
            }
            Self::OtherProcess { .. } => "leave --process out, or give a request of that process type or of web",
            Self::UploadAndNot => "leave one of them out",
            Self::LongCommand { .. } => "shorten it, as by a script in the app that it calls",
            Self::NobodysKey { .. } => {
                "leave --instance-cert and --instance-key out; only root, numbers and, except in a docker app, vcap can be given a key"
            }
            Self::Authorities { .. } => "leave --ca and STAGER_CA out",
            Self::Volume(VolumeError::Path { .. }) => "leave this --volume-map out",
            Self::Volume(_) => "`host-cli launch-req APP | jq .volume_mounts` shows the volumes",
            Self::Port(_) => "",
        }
    }
}

/// The staging request of an app that has a droplet.
///
/// # Errors
/// It cannot be used, or is a docker app's.
pub(crate) fn no_docker_app(task: TaskDefinition) -> Result<TaskDefinition, PlanError> {
    if !task.is_docker() {
        return Ok(task);
    }
    let application = task.application();
    let app = if application.name.is_empty() { "this".to_owned() } else { application.name.clone() };
    Err(PlanError::DockerApp { app })
}
