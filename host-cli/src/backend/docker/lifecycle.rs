//! Fetches the lifecycle of a launch request in a container of the stager image, and takes its programs out.

use super::stage::{self, Staging, Subject};
use super::{extract, preflight};
use crate::backend::mounts;
use crate::engine::{ContainerId, Engine};
use crate::failure::Failure;
use crate::plan::filled_folder::{FilledFile, FilledFolder};
use crate::plan::lifecycle::{COPIED, LifecyclePlan};
use crate::session::Session;
use shared_model::event::Event;
use shared_model::exit_code::ExitCode;
use shared_model::secret::Secret;
use std::fs::File;
use std::io::Read;

/// Everybody runs a lifecycle's program, and only root writes it.
const PROGRAM: u32 = 0o755;

/// What it needs is there.
pub(super) fn preflight(engine: &dyn Engine, plan: &LifecyclePlan) -> Result<(), Failure> {
    mounts::closed(&plan.files, &plan.users)?;
    preflight::image(engine, &plan.container.image, preflight::STAGER)?;
    preflight::no_app_answers_for(engine, &plan.container.network, &plan.hosts)
}

/// The folder for the app's container.
pub(super) fn fetch(session: &Session, plan: &LifecyclePlan) -> Result<FilledFolder, Failure> {
    if let Some((name, labels)) = &plan.volume {
        session.engine.ensure_volume(name, labels)?;
    }
    let container = session.create(None, &plan.container)?;
    let staging = Staging {
        container: &container,
        document: plan.document.reveal(),
        keep: None,
        shows: tells_of_fetching,
        subject: Subject { image: &plan.container.image, memory_mb: 0, for_help: false },
    };
    stage::stage(session, &staging, &mut |_| ())?;
    let files = programs(session, &container)?;
    session.dismiss(Some(&container));
    Ok(FilledFolder { at: plan.at.clone(), files })
}

/// Of the agent's words those about its task are not shown: nobody but us has heard of it.
fn tells_of_fetching(event: &Event) -> bool {
    matches!(
        event,
        Event::Downloading { .. }
            | Event::DownloadProgress { .. }
            | Event::Downloaded { .. }
            | Event::Cached { .. }
            | Event::Retrying { .. }
            | Event::Warning { .. }
    )
}

fn programs(session: &Session, container: &ContainerId) -> Result<Vec<FilledFile>, Failure> {
    let none = || {
        let text = "the launch request's lifecycle has no launcher in it";
        Failure::new(ExitCode::Launch, text, "check that it comes from the right file server")
    };
    let programs = extract::programs(session, container, COPIED)?.ok_or_else(none)?;
    programs.into_iter().map(program).collect()
}

fn program((name, mut file): (String, File)) -> Result<FilledFile, Failure> {
    let mut content = Vec::new();
    let read = file.read_to_end(&mut content);
    read.map_err(|error| {
        let text = format!("{name} of the lifecycle cannot be read: {error}");
        Failure::new(ExitCode::Launch, text, "launch again; is there room in TMPDIR?")
    })?;
    Ok(FilledFile { path: name, content: Secret::new(content), mode: PROGRAM, owner: (0, 0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_cannot_be_read_is_told_with_what_to_try() {
        let folder = tempfile::tempdir().unwrap();
        let failure = program(("launcher".to_owned(), File::open(folder.path()).unwrap())).unwrap_err();
        assert!(failure.text.starts_with("launcher of the lifecycle cannot be read: "), "{}", failure.text);
        assert!(failure.advice.contains("TMPDIR"), "{}", failure.advice);
    }
}
