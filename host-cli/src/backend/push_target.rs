//! What was typed of where an image is to go: its name there, who pushes, and how.

use crate::arguments::{Push, Restage};
use crate::backend::registry::Publishing;
use crate::failure::Failure;
use crate::image::CompressedLayers;
use crate::plan::restage::quoted;
use crate::registry::credentials::Credentials;
use crate::registry::login::{self, LoginOptions};
use crate::registry::push_by::PushBy;
use crate::registry::reference::Reference;
use crate::registry::registries::Network;
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where an image is to be pushed, and by whom.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) reference: Reference,
    pub(crate) credentials: Credentials,
    /// Who sends it there, where an engine could.
    pub(super) by: PushBy,
    /// Certificates that host-cli trusts besides the system's and docker's, PEM.
    ca: Option<PathBuf>,
    /// What must be typed besides to push as the same user.
    login_options: String,
}

impl Target {
    /// What was typed, judged; reads the password, or asks the helper that docker's configuration names.
    pub(crate) fn parse(typed: &str, options: LoginOptions<'_>) -> Result<Self, Failure> {
        let reference = Reference::read(typed)?;
        let credentials = login::credentials(options, &reference)?;
        let again =
            options.username.map(|user| format!(" --username {} --password-stdin", quoted(&escape_control(user))));
        let (by, login_options) = (PushBy::default(), again.unwrap_or_default());
        Ok(Self { reference, credentials, by, ca: None, login_options })
    }

    /// The same, sent there by whom `by` says, with these certificates to trust.
    pub(crate) fn sent(self, by: PushBy, ca: Option<&Path>) -> Self {
        Self { by, ca: ca.map(Path::to_owned), ..self }
    }

    /// How host-cli itself gets there.
    pub(crate) fn publishing(&self) -> Publishing {
        Publishing {
            reference: self.reference.clone(),
            credentials: self.credentials.clone(),
            registries: Arc::new(Network { ca: self.ca.clone() }),
            records: CompressedLayers::of_user(),
        }
    }

    /// The command that pushes an image of this name there, in the same way.
    pub(crate) fn command(&self, name: &str) -> String {
        let by = match (self.by, &self.ca) {
            (PushBy::Engine, _) => " --by engine".to_owned(),
            (PushBy::Direct, Some(ca)) => format!(" --ca {}", quoted(&escape_control(&ca.to_string_lossy()))),
            (PushBy::Direct, None) => String::new(),
        };
        format!("host-cli push {} {}{by}{}", escape_control(name), self.reference, self.login_options)
    }

    /// As [`Self::parse`], where other options may read standard input too.
    fn beside(typed: &str, login: LoginOptions<'_>, others: &[(&str, &Option<PathBuf>)]) -> Result<Self, Failure> {
        let reads_stdin = |file: &Option<PathBuf>| file.as_deref() == Some(Path::new("-"));
        if let Some((option, _)) = others.iter().find(|(_, file)| login.password_stdin && reads_stdin(file)) {
            let text = format!("--password-stdin and {option} - cannot both read standard input");
            let advice = format!("give a file to {option}, or use `docker login`");
            return Err(Failure::new(ExitCode::CommandLine, text, advice));
        }
        Self::parse(typed, login)
    }

    /// What `push` was told.
    pub(crate) fn from_push(command: &Push, reference: &str) -> Result<Self, Failure> {
        let others = [("--stager-log", &command.stager_log), ("--nsync-log", &command.nsync_log)];
        let login = LoginOptions { username: command.username.as_deref(), password_stdin: command.password_stdin };
        Ok(Self::beside(reference, login, &others)?.sent(command.by, command.ca.as_deref()))
    }

    /// What `restage` was told, with `--push` or `--publish`; `None`: the image is to stay here.
    pub(crate) fn from_restage(command: &Restage) -> Result<Option<Self>, Failure> {
        if command.push.is_some() && command.no_image {
            return Err(Failure::new(ExitCode::CommandLine, "--push wants an image, and --no-image none", ""));
        }
        let others = [("--request", &command.request), ("--stager-log", &command.stager_log)];
        let login = LoginOptions { username: command.username.as_deref(), password_stdin: command.password_stdin };
        let target = Self::wanted(command.push.as_deref().or(command.publish.as_deref()), login, &others)?;
        Ok(target.map(|target| target.sent(command.push_by, command.ca.as_deref())))
    }

    /// What a command that makes an image was told; `None`: the image is to stay here. `others` are its other options that
    /// may read standard input.
    pub(crate) fn wanted(
        typed: Option<&str>,
        login: LoginOptions<'_>,
        others: &[(&str, &Option<PathBuf>)],
    ) -> Result<Option<Self>, Failure> {
        let wrong = |text: &str| Failure::new(ExitCode::CommandLine, text, "");
        let Some(typed) = typed else {
            return match login {
                LoginOptions { username: None, password_stdin: false } => Ok(None),
                _ => Err(wrong(
                    "--username and --password-stdin say who pushes; they need --push or --publish REGISTRY/REPO[:TAG]",
                )),
            };
        };
        Self::beside(typed, login, others).map(Some)
    }
}
