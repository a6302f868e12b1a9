//! `manifest launch`: what runs an app in a cluster, from the plan that `launch` carries out on an engine.

use super::written;
use crate::arguments::ManifestLaunch;
use crate::backend::kubernetes::workload::workload;
use crate::commands::cluster::launching::Launching;
use crate::failure::Failure;
use crate::plan::name_resolution::NameResolution;
use crate::requests::{self, Process, Request, RequestKind};
use crate::screen::{answer, trouble};
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use std::slice;

/// Prints the objects.
pub(super) fn run(command: &ManifestLaunch) -> Result<ExitCode, Failure> {
    let launching = Launching {
        image: command.image.as_deref(),
        pull_secret: command.pull_secret.as_deref(),
        process: command.process.as_deref(),
        instances: command.instances,
        index: command.index,
        ingress: command.ingress.as_deref(),
        claims: &command.volume_map,
        names: NameResolution { hosts: &command.add_host, dns: &command.dns },
        ca: command.ca.as_deref(),
    };
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
