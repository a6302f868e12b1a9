//! Every error of the host → its exit code, what happened and with what, and what to try. All words for people are here.

use crate::app_ref::AppRefError;
use crate::engine::EngineError;
use crate::image::ImageError;
use crate::plan::apps::ChooseError;
use crate::plan::error::PlanError;
use crate::plan::ports::PortError;
use crate::plan::rebase::RebaseError;
use crate::registry::login::LoginError;
use crate::registry::reference::BadReference;
use crate::registry::registry_error::RegistryError;
use crate::requests::RequestError;
use shared_model::event::Event;
use shared_model::exit_code::ExitCode;

/// A command's unhappy end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What the process ends with.
    pub(crate) code: ExitCode,
    /// What failed and with what.
    pub(crate) text: String,
    /// What to try; empty where nothing can be advised.
    pub(crate) advice: String,
}

impl Failure {
    /// A failure from its three parts.
    pub(crate) fn new(code: ExitCode, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { code, text: text.into(), advice: advice.into() }
    }

    /// The same where it is no more than a warning.
    pub(crate) fn warning(self) -> Event {
        Event::Warning { text: format!("{}; {}", self.text, self.advice) }
    }

    /// The failure as the last event of a stream.
    pub(crate) fn event(&self) -> Event {
        Event::Failed { code: self.code.number(), text: self.text.clone(), advice: self.advice.clone() }
    }
}

impl From<AppRefError> for Failure {
    fn from(error: AppRefError) -> Self {
        Self::new(ExitCode::CommandLine, error.to_string(), error.advice())
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let advice = match &error {
            EngineError::Connect(error) => error.advice(),
            error => error.advice().to_owned(),
        };
        Self::new(ExitCode::Engine, error.to_string(), advice)
    }
}

impl From<ImageError> for Failure {
    fn from(error: ImageError) -> Self {
        let code = match error {
            ImageError::BadName { .. } | ImageError::BadTime { .. } => ExitCode::CommandLine,
            ImageError::Engine(
                error @ (EngineError::Connect(_) | EngineError::Unreachable { .. } | EngineError::Forbidden { .. }),
            ) => {
                return error.into();
            }
            _ => ExitCode::Image,
        };
        Self::new(code, error.to_string(), error.advice())
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        let advice = error.advice();
        Self::new(ExitCode::Request, error.to_string(), advice)
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        let code = match &error {
            PlanError::NoSuchProcess { .. }
            | PlanError::OtherProcess { .. }
            | PlanError::UploadAndNot
            | PlanError::NobodysKey { .. }
            | PlanError::Authorities { .. }
            | PlanError::Volume(_)
            | PlanError::Port(PortError::Unreadable(_) | PortError::TooMany { .. }) => ExitCode::CommandLine,
            PlanError::ValidationErrors { .. }
            | PlanError::DockerApp { .. }
            | PlanError::BadImage { .. }
            | PlanError::NoLifecycle
            | PlanError::UnknownRootfs { .. }
            | PlanError::NoLauncher
            | PlanError::LongCommand { .. }
            | PlanError::Port(PortError::OfRequest(_)) => ExitCode::Request,
        };
        Self::new(code, error.to_string(), error.advice())
    }
}

impl From<RebaseError> for Failure {
    fn from(error: RebaseError) -> Self {
        let code = match &error {
            RebaseError::NoName { .. } => ExitCode::CommandLine,
            RebaseError::Layers { .. }
            | RebaseError::NotRootfs { .. }
            | RebaseError::Architecture { .. }
            | RebaseError::Stack { .. } => ExitCode::Image,
        };
        Self::new(code, error.to_string(), error.advice())
    }
}

impl From<ChooseError> for Failure {
    fn from(error: ChooseError) -> Self {
        Self::new(ExitCode::CommandLine, error.to_string(), error.advice())
    }
}

impl From<BadReference> for Failure {
    fn from(error: BadReference) -> Self {
        let advice = "a name is REGISTRY/REPO[:TAG], like registry.example.com/team/my-app:1";
        Self::new(ExitCode::CommandLine, error.to_string(), advice)
    }
}

impl From<RegistryError> for Failure {
    fn from(RegistryError { text, advice }: RegistryError) -> Self {
        Self::new(ExitCode::Image, text, advice)
    }
}

impl From<LoginError> for Failure {
    fn from(error: LoginError) -> Self {
        let (code, advice) = match &error {
            LoginError::HalfGiven | LoginError::NoName | LoginError::Terminal => (
                ExitCode::CommandLine,
                "`pass show registry | host-cli push --username NAME --password-stdin IMAGE REF`",
            ),
            LoginError::NoPassword | LoginError::Unreadable { .. } => {
                (ExitCode::CommandLine, "pipe in the password and nothing else")
            }
            LoginError::Config { .. } | LoginError::BadAuth { .. } => {
                (ExitCode::Image, "run `docker login` again, or use --username and --password-stdin")
            }
            LoginError::Helper { .. } => {
                (ExitCode::Image, "check that `docker login` works, or use --username and --password-stdin")
            }
        };
        Self::new(code, error.to_string(), advice)
    }
}

#[cfg(test)]
mod tests;
