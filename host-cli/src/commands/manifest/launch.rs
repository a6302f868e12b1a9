//! `manifest launch`: what runs an app in a cluster, from the plan that `launch` carries out on an engine.

use super::written;
use crate::arguments::ManifestLaunch;
use crate::backend::kubernetes::workload::workload;
use crate::commands::cluster::launching::Launching;
use crate::failure::Failure;
use crate::requests::{self, Process, Request, RequestKind};
use crate::screen::{answer, trouble};
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use std::slice;

/// Prints the objects.
pub(super) fn run(command: &ManifestLaunch) -> Result<ExitCode, Failure> {
    let launching = Launching::from(command);
    let image = launching.image()?;
    let request = request(command)?;
    answer::warn(&request.warnings);
    let plan = launching.plan(&request)?;
    launching.check_claims(slice::from_ref(&plan))?;
    let screen = trouble();
    for text in &plan.not_done.warnings {
        screen.emit(Event::Warning { text: text.clone() });
    }
    let options = launching.options(command.namespace.as_deref(), &image, None);
    written::write(&workload(&plan, &options)?, command.manifest_output())
}

fn request(command: &ManifestLaunch) -> Result<Request, Failure> {
    if let Some(file) = &command.request {
        return Ok(requests::from_file(file, RequestKind::Launch)?);
    }
    let process = command.process.as_deref().map_or(Process::Usual, Process::Type);
    Ok(requests::newest_of_process(command.app_ref()?.as_ref(), process, &command.log_options())?)
}
