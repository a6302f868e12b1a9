//! `manifest restage`: the Job that stages, from the plan that `restage` carries out on an engine.

use super::written;
use crate::arguments::{FetchOptions, ManifestRestage};
use crate::backend::kubernetes::one_cluster::job_publishing;
use crate::backend::kubernetes::stage_job::{JobOptions, stage_job};
use crate::backend::mounts;
use crate::backend::push_target::Target;
use crate::commands::cluster::staging::{contents, keeping};
use crate::failure::Failure;
use crate::image::{ImageBy, ImageOptions, created};
use crate::plan::error::no_docker_app;
use crate::plan::fetching::Fetching;
use crate::plan::restage::{RestageOptions, RestagePlan, staging_request};
use crate::plan::upload::Upload;
use crate::registry::login::LoginOptions;
use crate::requests::{self, Request};
use crate::screen::{answer, trouble};
use shared_model::event::EventSink;
use shared_model::exit_code::ExitCode;
use uuid::Uuid;

/// Prints the objects.
pub(super) fn run(command: &ManifestRestage) -> Result<ExitCode, Failure> {
    let request = request(command)?;
    answer::warn(&request.warnings);
    let target = target(command)?;
    if target.is_some() {
        no_docker_app(staging_request(&request.document)?)?;
    }
    let fetch = command.fetch_options();
    let files = mounts::files(&fetch)?;
    let agent_options = Upload::typed(false, command.no_upload, &[])?.agent_options(&[]);
    let FetchOptions { stager_image: image, network, names, .. } = fetch;
    let keeping = keeping(&fetch, command.no_cache)?;
    let options = RestageOptions {
        fetching: Fetching { image, network, names, files: &files, keeping, agent_options: &agent_options },
        base: command.base.as_deref(),
        image: target.as_ref().map(|_| image_options()).transpose()?,
        keep: false,
        keep_images: None,
        identity: None,
        instance: &Uuid::new_v4().to_string(),
    };
    let plan = RestagePlan::new(&request.document, &options)?;
    let screen = trouble();
    for note in &plan.notes {
        screen.emit(note.clone());
    }
    let publishing = target.as_ref().map(Target::publishing);
    let secret = command.registry_secret.as_deref();
    let publishing = publishing.as_ref().map(|publishing| job_publishing(&plan, publishing, secret)).transpose()?;
    let options = JobOptions { namespace: command.namespace.as_deref(), certificates: contents(&files)?, publishing };
    written::write(&stage_job(&plan, &options), command.manifest_output())
}

fn request(command: &ManifestRestage) -> Result<Request, Failure> {
    Ok(requests::staging(command.request.as_deref(), command.app_ref()?.as_ref(), &command.log_options())?)
}

/// Where the image goes; a login in the cluster stands instead of one that we know.
fn target(command: &ManifestRestage) -> Result<Option<Target>, Failure> {
    if command.registry_secret.is_some() && (command.username.is_some() || command.publish.is_none()) {
        let text = "--registry-secret names the login for --publish, instead of --username";
        return Err(Failure::new(ExitCode::CommandLine, text, "give --publish, and one of the two"));
    }
    let login = LoginOptions { username: command.username.as_deref(), password_stdin: command.password_stdin };
    let others = [("--request", &command.request), ("--stager-log", &command.stager_log)];
    Target::wanted(command.publish.as_deref(), login, &others)
}

fn image_options() -> Result<ImageOptions, Failure> {
    Ok(ImageOptions { by: ImageBy::Auto, verbose: false, created: created::from_environment()? })
}
