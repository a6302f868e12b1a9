//! What was typed for an app besides its request, with the files that it names.

#![expect(clippy::disallowed_methods, reason = "reads the files that were named")]

use super::volume_folders::whole;
use crate::failure::Failure;
use crate::plan::local_wishes::{LocalWishes, credentials, variable, variables};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use shared_model::secret::Secret;
use std::fs;
use std::path::{Path, PathBuf};

/// As it was typed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Typed<'a> {
    /// `--env`.
    pub(crate) env: &'a [String],
    /// `--env-file`.
    pub(crate) env_file: &'a [PathBuf],
    /// `--service`.
    pub(crate) service: &'a [String],
    /// `--mount`.
    pub(crate) mount: Option<&'a Path>,
    /// `--command`.
    pub(crate) command: Option<&'a str>,
}

/// What it means.
///
/// # Errors
/// It is none, or a file cannot be read. No value is in the text.
pub(crate) fn read(typed: Typed<'_>) -> Result<LocalWishes, Failure> {
    let mut environment = Vec::new();
    for path in typed.env_file {
        let wrong = |why: String| {
            let text = format!("--env-file {}: {why}", escape_control(&path.to_string_lossy()));
            Failure::new(ExitCode::CommandLine, text, "write NAME=VALUE in each line; # begins a remark")
        };
        let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        environment.extend(variables(&text).map_err(|line| wrong(format!("line {line} is no NAME=VALUE")))?);
    }
    for typed in typed.env {
        environment.push(variable(typed).ok_or_else(|| {
            let advice = "write NAME=VALUE; --env-file keeps values out of the list of processes";
            Failure::new(ExitCode::CommandLine, "--env: this is no NAME=VALUE", advice)
        })?);
    }
    Ok(LocalWishes {
        environment,
        services: typed.service.iter().map(|typed| service(typed)).collect::<Result<_, _>>()?,
        mount: typed.mount.map(|folder| whole("--mount", folder)).transpose()?,
        command: typed.command.map(|command| Secret::new(command.to_owned())),
    })
}

/// `NAME=FILE` or `NAME=JSON`.
fn service(typed: &str) -> Result<(String, Secret<serde_json::Map<String, serde_json::Value>>), Failure> {
    let wrong = |text: String| {
        let advice = "write NAME=FILE or NAME=JSON; the file or the text is a JSON object with the credentials";
        Failure::new(ExitCode::CommandLine, format!("--service: {text}"), advice)
    };
    let (name, value) = typed
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| wrong("there is no NAME=".to_owned()))?;
    let is_text = value.trim_start().starts_with('{');
    let read;
    let text = if is_text {
        value
    } else {
        read = fs::read_to_string(value).map_err(|error| wrong(format!("{}: {error}", escape_control(value))))?;
        &read
    };
    let credentials =
        credentials(text).ok_or_else(|| wrong(format!("what {} is given is no JSON object", escape_control(name))))?;
    Ok((name.to_owned(), credentials))
}
