//! `manifest restage`: the Job that stages, from the plan that `restage` carries out on an engine.

#![expect(clippy::disallowed_methods, reason = "reads the certificates that were named")]

use super::written;
use crate::arguments::{FetchOptions, ManifestRestage};
use crate::backend::docker::mounts;
use crate::backend::docker::push::Target;
use crate::backend::kubernetes::stage_job::{JobOptions, JobPublishing, RegistryLogin, stage_job};
use crate::failure::Failure;
use crate::image::base::BaseSource;
use crate::image::{ImageBy, ImageOptions, created};
use crate::plan::error::no_docker_app;
use crate::plan::fetching::{Fetching, Keeping, MountedFile};
use crate::plan::restage::{RestageOptions, RestagePlan, staging_request};
use crate::plan::upload::Upload;
use crate::registry::credentials::Credentials;
use crate::registry::login::{LoginOptions, credentials};
use crate::requests::{self, Request};
use crate::screen::{answer, trouble};
use shared_model::event::EventSink;
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use shared_model::secret::Secret;
use std::collections::BTreeMap;
use std::fs;
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
    let keeping = keeping(command)?;
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
    let publishing = target.as_ref().map(|target| publishing(command, target, &plan)).transpose()?;
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

fn keeping(command: &ManifestRestage) -> Result<Keeping<'_>, Failure> {
    match (&command.cache_volume, command.no_cache) {
        (Some(_), true) => {
            let text = "--no-cache cannot go with --cache-volume";
            Err(Failure::new(ExitCode::CommandLine, text, "leave one of them out"))
        }
        (Some(name), false) => Ok(Keeping::InVolume { name, limit: command.cache_limit.as_deref() }),
        (None, true) => Ok(Keeping::Nothing),
        (None, false) => Ok(Keeping::WithContainer),
    }
}

fn image_options() -> Result<ImageOptions, Failure> {
    Ok(ImageOptions { by: ImageBy::Auto, verbose: false, created: created::from_environment()? })
}

/// The registries that the Job speaks to, and who is known there.
fn publishing<'a>(
    command: &'a ManifestRestage,
    target: &'a Target,
    plan: &RestagePlan,
) -> Result<JobPublishing<'a>, Failure> {
    let base = plan.image.as_ref().map_or("", |image| &image.plan.base);
    let BaseSource::Registry(base) = BaseSource::parse(base) else {
        let text = format!("a cluster cannot get the root file system {} from an engine", escape_control(base));
        return Err(Failure::new(ExitCode::CommandLine, text, "name it in a registry with --base REGISTRY/REPO[:TAG]"));
    };
    let login = if let Some(name) = &command.registry_secret {
        RegistryLogin::InCluster(name)
    } else {
        let anonymous = LoginOptions { username: None, password_stdin: false };
        let of_base =
            if base.registry() == target.reference.registry() { None } else { Some(credentials(anonymous, &base)?) };
        let all: Vec<&Credentials> = std::iter::once(&target.credentials).chain(&of_base).collect();
        Credentials::docker_config(&all).map_or(RegistryLogin::Anonymous, RegistryLogin::Given)
    };
    Ok(JobPublishing { reference: target.reference.name(), login })
}

fn contents(files: &[MountedFile]) -> Result<BTreeMap<&'static str, Secret<Vec<u8>>>, Failure> {
    let read = |file: &MountedFile| match fs::read(&file.host) {
        Ok(bytes) => Ok((file.container, Secret::new(bytes))),
        Err(error) => {
            let text = format!("{} {}: {error}", file.option, escape_control(&file.host.to_string_lossy()));
            Err(Failure::new(ExitCode::CommandLine, text, "name a file that you may read"))
        }
    };
    files.iter().map(read).collect()
}
