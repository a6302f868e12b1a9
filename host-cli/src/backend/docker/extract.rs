//! From the staging container to the app image: droplet, launcher and result are taken out, each as the one file that was
//! asked for, whatever else the container offers.

use crate::engine::{ContainerId, EngineError};
use crate::failure::Failure;
use crate::image::copied_file::{CopiedFileError, single_file};
use crate::image::{ImageParts, LifecycleSource};
use crate::plan::staged_files::StagedFiles;
use crate::session::Session;
use shared_model::exit_code::ExitCode;
use shared_model::handover::{LAUNCHER, PROGRAMS};
use shared_model::plain_line::escape_control;
use std::fs::File;
use std::io::Read;

/// The largest program of a lifecycle; today's are below 40 MiB.
const LARGEST_PROGRAM: u64 = 256 << 20;

/// The largest result file; Diego reads 50 KiB.
const LARGEST_RESULT: u64 = 1 << 20;

/// The parts of an image, out of a container that runs or has ended. The droplet may have `limit` bytes.
pub(super) fn parts(
    session: &Session,
    container: &ContainerId,
    files: &StagedFiles,
    limit: u64,
) -> Result<ImageParts, Failure> {
    // Before the droplet, which may be large: a lifecycle in the cache is safe only as long as the agent runs.
    let lifecycle = lifecycle(session, container, &files.lifecycle)?;
    let droplet = copied_file(session, container, &files.droplet, limit)?.ok_or_else(|| missing(&files.droplet))?;
    Ok(ImageParts { droplet, lifecycle, result: result(session, container, &files.result)? })
}

/// The result file's text; empty where there is none.
fn result(session: &Session, container: &ContainerId, path: &str) -> Result<String, Failure> {
    let found = if path.is_empty() { None } else { copied_file(session, container, path, LARGEST_RESULT)? };
    let mut text = Vec::new();
    if let Some(mut file) = found {
        let outcome = file.read_to_end(&mut text);
        outcome
            .map_err(|error| Failure::new(ExitCode::Image, format!("the result file cannot be read: {error}"), ""))?;
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn lifecycle(session: &Session, container: &ContainerId, folder: &str) -> Result<LifecycleSource, Failure> {
    let programs = programs(session, container, folder)?;
    programs.map(LifecycleSource::Programs).ok_or_else(|| missing(&format!("{folder}/{LAUNCHER}")))
}

/// The lifecycle's programs in a folder of the container; `None`: it has no launcher.
pub(super) fn programs(
    session: &Session,
    container: &ContainerId,
    folder: &str,
) -> Result<Option<Vec<(String, File)>>, Failure> {
    let mut programs = Vec::new();
    for name in PROGRAMS {
        match copied_file(session, container, &format!("{folder}/{name}"), LARGEST_PROGRAM)? {
            Some(program) => programs.push((name.to_owned(), program)),
            None if name == LAUNCHER => return Ok(None),
            None => {}
        }
    }
    Ok(Some(programs))
}

/// The file at `path` in the container; `None`: there is none.
fn copied_file(session: &Session, container: &ContainerId, path: &str, limit: u64) -> Result<Option<File>, Failure> {
    let stream = match session.engine.copy_out(container, path) {
        Err(EngineError::NotFound { .. }) => return Ok(None),
        other => other?,
    };
    let name = path.rsplit('/').next().unwrap_or(path);
    let file = single_file(stream, name, limit).map_err(|error| refused(&error))?;
    Ok(Some(file))
}

fn missing(path: &str) -> Failure {
    let text = format!("the staging left no {} in the container", escape_control(path));
    Failure::new(ExitCode::Image, text, "keep the container with `host-cli restage --keep`, and look for it")
}

fn refused(error: &CopiedFileError) -> Failure {
    Failure::new(ExitCode::Image, error.to_string(), error.advice())
}
