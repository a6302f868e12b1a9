//! `restage --on kubernetes`: stages in a Job, which publishes.

use super::staging::{contents, keeping};
use crate::arguments::{ClusterPlace, Restage};
use crate::backend::docker::push::Target;
use crate::backend::kubernetes::client::Cluster;
use crate::backend::kubernetes::one_cluster::OneCluster;
use crate::backend::kubernetes::workload::WorkloadOptions;
use crate::backend::{Backend, StagedImage};
use crate::commands::{publish_options, upload};
use crate::failure::Failure;
use crate::image::ImageBy;
use crate::pipeline;
use crate::plan;
use crate::plan::error::no_docker_app;
use crate::plan::upload::Upload;
use crate::screen::screen;
use crate::session::run_without_engine;
use crate::settings::Settings;
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use std::sync::Arc;
use uuid::Uuid;

/// Stages an app again in a cluster.
pub(super) fn run(command: Restage, agent_options: Vec<String>, settings: Settings) -> ExitCode {
    run_without_engine(screen(command.screen_options()), move |session| {
        let place = command.cluster()?.unwrap_or_default();
        check(&command, &settings)?;
        let upload = Upload::typed(command.upload, command.no_upload, &agent_options)?;
        let target = Target::from_restage(&command)?;
        let request = pipeline::staging_request(&command, command.app_refs().first())?;
        let task = plan::restage::staging_request(&request.document)?;
        if target.is_some() {
            no_docker_app(task.clone())?;
        } else if !command.no_image && !task.is_docker() {
            return Err(no_target());
        }
        upload::ask(&command, &request, upload)?;
        let publishing = target.as_ref().map(|target| publish_options::publishing(target, command.ca.as_deref()));
        let cluster = Arc::new(Cluster::connect(&place)?);
        let keeping = keeping(&command.fetch_options(), command.no_cache)?;
        let instance = Uuid::new_v4().to_string();
        let plan = pipeline::planned_restage(session, &request, (&command, &agent_options), (keeping, &instance))?;
        let certificates = contents(&plan.files)?;
        let registry_secret = command.registry_secret.as_deref();
        let staged =
            OneCluster { session, cluster, certificates, registry_secret, workload: WorkloadOptions::default() }
                .stage(&plan, publishing.as_ref());
        if let Some(app) = upload::stranded(session, &command, &request, &agent_options) {
            session.emit(Event::Warning { text: plan::upload::warning(&[app]) });
        }
        if let StagedImage::Published { reference } = staged? {
            session.emit(pipeline::launch_proposal(&task, &command, &settings, &launch_options(&place, reference)));
        }
        Ok(())
    })
}

/// Where it is launched, as options.
fn launch_options(place: &ClusterPlace, image: String) -> Vec<(&'static str, String)> {
    let ClusterPlace { context, namespace } = place.clone();
    let typed = [("--context", context), ("--namespace", namespace)];
    let typed = typed.into_iter().filter_map(|(option, value)| Some((option, value?)));
    [("--on", "kubernetes".to_owned())].into_iter().chain(typed).chain([("--image", image)]).collect()
}

fn no_target() -> Failure {
    let advice = "name where the image goes with --publish REGISTRY/REPO[:TAG]; --no-image stages without one";
    Failure::new(ExitCode::CommandLine, "a cluster has no images of its own", advice)
}

/// What an engine alone can do.
fn check(command: &Restage, settings: &Settings) -> Result<(), Failure> {
    let typed = [
        ("--keep", command.keep),
        ("--keep-images", command.keep_images.is_some()),
        ("--push", command.push.is_some()),
        ("--image-by", command.image_by != ImageBy::Auto),
        ("--network", command.network.is_some() && command.network != settings.network),
    ];
    if let Some((option, _)) = typed.iter().find(|(_, is_typed)| *is_typed) {
        let text = format!("{option} is for an engine, and cannot go with --on kubernetes");
        return Err(Failure::new(ExitCode::CommandLine, text, "leave it out"));
    }
    if command.publish.is_some() && command.no_image {
        return Err(publish_options::wrong("--publish wants an image, and --no-image none", ""));
    }
    if command.registry_secret.is_some() && (command.username.is_some() || command.publish.is_none()) {
        return Err(publish_options::wrong(
            "--registry-secret names the login for --publish, instead of --username",
            "give --publish, and one of the two",
        ));
    }
    Ok(())
}
