//! Where the credentials of a push come from: the command line and standard input, else docker's `config.json` and the
//! helpers that it names, else nowhere.

use super::credentials::{Credentials, Login, key};
use super::docker_config::DockerConfig;
use super::helper::{self, NoAnswer};
use super::reference::Reference;
use crate::docker_folder;
use shared_model::plain_line::escape_control;
use shared_model::secret::Secret;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

/// The most bytes of a password that are read; tokens of a few KiB exist.
const LONGEST_PASSWORD: u64 = 64 << 10;

/// What the command line says of who pushes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoginOptions<'a> {
    /// `--username`.
    pub(crate) username: Option<&'a str>,
    /// `--password-stdin`.
    pub(crate) password_stdin: bool,
}

/// Why nobody can be shown to the registry.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    /// One of the two without the other.
    #[error("--username and --password-stdin go together")]
    HalfGiven,
    /// A name without characters.
    #[error("--username is empty")]
    NoName,
    /// Somebody would have to type it where everybody sees it.
    #[error("--password-stdin needs a pipe; a terminal would show the password")]
    Terminal,
    /// There is none.
    #[error("standard input has no password")]
    NoPassword,
    /// It cannot be read.
    #[error("the password on standard input cannot be read: {reason}")]
    Unreadable { reason: String },
    /// Docker's file cannot be read.
    #[error("{} cannot be read: {reason}", escape_control(.path))]
    Config { path: String, reason: String },
    /// An entry of it makes no sense.
    #[error("{}: `auths` for {registry} is not NAME:PASSWORD in base64", escape_control(.path))]
    BadAuth { path: String, registry: String },
    /// The helper that it names is of no help.
    #[error("docker-credential-{}, which {} names for {registry}, {did}", escape_control(.name), escape_control(.path))]
    Helper { name: String, path: String, registry: String, did: String },
}

impl LoginOptions<'_> {
    /// Both or none.
    fn check(&self) -> Result<(), LoginError> {
        match (self.username, self.password_stdin) {
            (Some(""), true) => Err(LoginError::NoName),
            (None, false) | (Some(_), true) => Ok(()),
            _ => Err(LoginError::HalfGiven),
        }
    }
}

/// Who pushes to the registry of `reference`; asks a helper where docker's configuration names one.
pub(crate) fn credentials(options: LoginOptions<'_>, reference: &Reference) -> Result<Credentials, LoginError> {
    options.check()?;
    if let Some(user) = options.username {
        let login = Login::Password { user: user.to_owned(), password: password()? };
        return Ok(Credentials::new(reference, login, format!("--username {}", escape_control(user))));
    }
    match docker_folder::of_process() {
        Some(folder) => of_config(&folder.join(docker_folder::CONFIG), reference),
        None => Ok(nobodys(reference)),
    }
}

fn nobodys(reference: &Reference) -> Credentials {
    Credentials::new(reference, Login::Anonymous, String::new())
}

fn of_config(path: &Path, reference: &Reference) -> Result<Credentials, LoginError> {
    let shown = path.display().to_string();
    let unreadable = |reason| LoginError::Config { path: shown.clone(), reason };
    let content = docker_folder::content(path).map_err(|error| unreadable(error.to_string()))?;
    let Some(content) = content else { return Ok(nobodys(reference)) };
    let config = DockerConfig::read(content.reveal())
        .map_err(|(line, column)| unreadable(format!("line {line}, column {column} is not docker's JSON")))?;
    let registry = reference.registry().to_owned();
    let mut missing = None;
    if let Some(name) = config.helper(reference) {
        let of_no_help = |did| {
            let (name, path, registry) = (name.to_owned(), shown.clone(), registry.clone());
            LoginError::Helper { name, path, registry, did }
        };
        match helper::ask(name, key(&registry), helper::PATIENCE) {
            Ok(Some(login)) => return Ok(Credentials::new(reference, login, format!("docker-credential-{name}"))),
            Ok(None) => {}
            // Docker Desktop leaves its name behind; many registries ask for no login at all.
            Err(NoAnswer::Missing(why)) => missing = Some(of_no_help(why).to_string()),
            Err(NoAnswer::Failed(did)) => return Err(of_no_help(did)),
        }
    }
    let credentials = match config.login(reference) {
        Ok(Some(login)) => Credentials::new(reference, login, format!("`auths` of {}", escape_control(&shown))),
        Ok(None) => nobodys(reference),
        Err(_) => return Err(LoginError::BadAuth { path: shown.clone(), registry }),
    };
    Ok(credentials.without_helper(missing))
}

/// All of standard input, without the line end that `echo` puts behind it.
fn password() -> Result<Secret<String>, LoginError> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Err(LoginError::Terminal);
    }
    let mut bytes = Vec::new();
    let unreadable = |reason: &str| LoginError::Unreadable { reason: reason.to_owned() };
    stdin.lock().take(LONGEST_PASSWORD + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error.to_string()))?;
    if bytes.len() as u64 > LONGEST_PASSWORD {
        return Err(unreadable("it is longer than any password"));
    }
    let text = Secret::new(String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8"))?);
    let line = text.reveal();
    let line = line.strip_suffix('\n').unwrap_or(line);
    let password = line.strip_suffix('\r').unwrap_or(line);
    if password.is_empty() {
        return Err(LoginError::NoPassword);
    }
    Ok(Secret::new(password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::{Value, json};

    /// Who pushes with this `config.json`.
    fn with(config: &Value) -> Result<Credentials, LoginError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        std::fs::write(&path, config.to_string()).unwrap();
        of_config(&path, &Reference::read("r.io/team/app").unwrap())
    }

    #[test]
    fn a_helper_that_is_not_here_is_remembered_and_what_is_in_the_file_counts() {
        for store in ["stager-no-such", "stager-no-such.exe"] {
            let anonymous = with(&json!({"credsStore": store})).unwrap();
            assert!(anonymous.is_anonymous());
            let missing = anonymous.missing_helper.unwrap();
            assert!(missing.starts_with(&format!("docker-credential-{store}, which /")), "{missing}");
            assert!(missing.ends_with("/config.json names for r.io, is not in PATH"), "{missing}");
            let auth = STANDARD.encode("me:s3cret");
            let known = with(&json!({"credsStore": store, "auths": {"r.io": {"auth": auth}}})).unwrap();
            assert!(!known.is_anonymous() && known.missing_helper.is_some());
        }
        assert_eq!(with(&json!({})).unwrap().missing_helper, None);
        assert!(matches!(with(&json!({"credsStore": "a b"})), Err(LoginError::Helper { .. })));
    }

    #[test]
    fn a_robot_of_harbor_is_a_user_like_any_other() {
        let auth = STANDARD.encode("robot$shop+ci:pa:ss$word$HOME");
        let robot = with(&json!({"auths": {"r.io": {"auth": auth}}})).unwrap();
        let password = Secret::new("pa:ss$word$HOME".to_owned());
        assert_eq!(robot.login, Login::Password { user: "robot$shop+ci".into(), password });
    }
}
