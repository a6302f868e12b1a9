//! `restage --on kubernetes`: stages in a Job, which publishes.

use super::staging::{contents, keeping};
use crate::app_ref::AppRef;
use crate::arguments::{ClusterPlace, Restage};
use crate::backend::kubernetes::client::Cluster;
use crate::backend::kubernetes::job;
use crate::backend::kubernetes::job_pod::ROOM;
use crate::backend::kubernetes::one_cluster::OneCluster;
use crate::backend::kubernetes::stage_job::job_name;
use crate::backend::push_target::Target;
use crate::backend::{Backend, StagedImage};
use crate::commands::batch::{self, Batch, StopBroadcast};
use crate::commands::{publish_options, upload};
use crate::failure::Failure;
use crate::image::{ImageBy, app_image};
use crate::pipeline;
use crate::plan;
use crate::plan::error::no_docker_app;
use crate::plan::upload::Upload;
use crate::registry::login::LoginOptions;
use crate::registry::push_by::PushBy;
use crate::requests::Request;
use crate::screen::batch::Screens;
use crate::screen::screen;
use crate::session::{self, Unconnected, run_without_engine};
use crate::settings::Settings;
use sha2::{Digest, Sha256};
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// How many are staged at once where nobody says. What nodes and quota have no room for waits.
const USUAL_JOBS: NonZeroUsize = NonZeroUsize::new(10).unwrap();
/// How long one of many waits for room.
const ROOM_OF_MANY: Duration = Duration::from_secs(6 * 3600);

/// Stages an app again in a cluster, or several.
pub(super) fn run(command: Restage, agent_options: Vec<String>, settings: Settings) -> ExitCode {
    if command.is_of_several() {
        return many(command, agent_options, settings);
    }
    run_without_engine(screen(command.screen_options()), move |session| {
        let place = command.cluster()?.unwrap_or_default();
        check(&command, &settings)?;
        let target = Target::from_restage(&command)?;
        let request = pipeline::staging_request(&command, command.app_refs().first())?;
        if target.is_some() {
            no_docker_app(plan::restage::staging_request(&request.document)?)?;
        }
        let upload = Upload::typed(command.upload, command.no_upload, &agent_options)?;
        upload::ask(&command, &request, upload)?;
        let cluster = Arc::new(Cluster::connect(&place)?);
        let all = All { cluster, place, command, agent_options, settings, room: ROOM };
        let staged = all.stage(session, &request, (target.as_ref(), &Uuid::new_v4().to_string()));
        if let Some(app) = all.stranded(session, &request) {
            session.emit(Event::Warning { text: plan::upload::warning(&[app]) });
        }
        staged.map(drop)
    })
}

/// Stages several. What is done, or under way, is told by the cluster: a Job is called after its request and all that was typed, so
/// that a run which was broken off goes on where it was. What has gone well is removed once all has.
fn many(command: Restage, agent_options: Vec<String>, settings: Settings) -> ExitCode {
    let screens = Screens::new(command.screen_options());
    let stop = Arc::<StopBroadcast>::default();
    let outside = Arc::clone(&stop);
    let listen = move |_| outside.listen();
    session::run(screens.whole(), listen, move |session| {
        let place = command.cluster()?.unwrap_or_default();
        check(&command, &settings)?;
        Upload::typed(command.upload, command.no_upload, &agent_options)?;
        let apps = batch::apps(&command)?;
        let jobs = command.jobs.unwrap_or(USUAL_JOBS);
        let cluster = Arc::new(Cluster::connect(&place)?);
        let all = Arc::new(All { cluster, place, command, agent_options, settings, room: ROOM_OF_MANY });
        let (done, of_one) = (Arc::<Mutex<Vec<String>>>::default(), Arc::clone(&all));
        let names = Arc::clone(&done);
        let stage = Arc::new(move |session: &Unconnected, app: &AppRef| {
            let request = match pipeline::staging_request(&of_one.command, Some(app)) {
                Ok(request) => request,
                Err(error) => return (Err(error.into()), None),
            };
            let staged = of_one.stage_of_many(session, &request).map(|job| {
                names.lock().unwrap_or_else(PoisonError::into_inner).push(job);
            });
            (staged, of_one.stranded(session, &request))
        });
        let outcome = batch::restage_all(session, &Batch { stage, screens, stop }, &apps, jobs);
        // Where some failed, the same typed again stages those alone.
        if outcome.is_ok() {
            for job in std::mem::take(&mut *done.lock().unwrap_or_else(PoisonError::into_inner)) {
                job::remove(&all.cluster, &job);
            }
        }
        outcome
    })
}

/// What all stagings of a command have in common.
struct All {
    cluster: Arc<Cluster>,
    place: ClusterPlace,
    command: Restage,
    agent_options: Vec<String>,
    settings: Settings,
    room: Duration,
}

impl All {
    /// Stages one. The name of its Job.
    fn stage(
        &self,
        session: &Unconnected,
        request: &Request,
        (target, instance): (Option<&Target>, &str),
    ) -> Result<String, Failure> {
        let command = &self.command;
        let task = plan::restage::staging_request(&request.document)?;
        if target.is_none() && !command.no_image && !task.is_docker() {
            return Err(no_target());
        }
        let publishing = target.map(Target::publishing);
        let keeping = keeping(&command.fetch_options(), command.no_cache)?;
        let plan = pipeline::planned_restage(session, request, (command, &self.agent_options), (keeping, instance))?;
        session.keep_staging(&task);
        let cluster = OneCluster {
            certificates: contents(&plan.files)?,
            registry_secret: command.registry_secret.as_deref(),
            room: self.room,
            ..OneCluster::new(session, Arc::clone(&self.cluster))
        };
        if let StagedImage::Published { reference } = cluster.stage(&plan, publishing.as_ref())? {
            let place = launch_options(&self.place, reference);
            session.emit(pipeline::launch_proposal(&task, command, &self.settings, &place));
        }
        Ok(job_name(&plan))
    }

    /// Stages one of several, each into a repository of its own.
    fn stage_of_many(&self, session: &Unconnected, request: &Request) -> Result<String, Failure> {
        let application = plan::restage::staging_request(&request.document)?.application();
        let repository = app_image::repository(&application.name, &application.guid);
        let reference = self.command.publish.as_ref().map(|folder| format!("{folder}{repository}"));
        let nobody = LoginOptions { username: None, password_stdin: false };
        let target = Target::wanted(reference.as_deref(), nobody, &[])?;
        let typed = [reference.as_deref(), self.command.base.as_deref(), self.command.stager_image.as_deref()];
        let typed =
            typed.into_iter().map(Option::unwrap_or_default).chain(self.agent_options.iter().map(String::as_str));
        let Restage { no_upload, no_image, no_cache, cache_limit, cache_volume, .. } = &self.command;
        let Restage { ca, cert, key, registry_secret, add_host, dns, .. } = &self.command;
        let how = format!("{:?}", (no_upload, no_image, no_cache, cache_limit, cache_volume));
        let whom = format!("{:?}", (ca, cert, key, registry_secret, add_host, dns));
        let instance = instance_of(typed.chain([&*how, &whom, &request.document]));
        self.stage(session, request, (target.as_ref(), &instance))
    }

    fn stranded(&self, session: &Unconnected, request: &Request) -> Option<String> {
        upload::stranded(session, &self.command, request, &self.agent_options)
    }
}

/// The same guid for the same words.
fn instance_of<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut hasher = Sha256::new();
    for word in words {
        hasher.update(word.len().to_le_bytes());
        hasher.update(word);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize()[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
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
        ("--push-by", command.push_by == PushBy::Engine),
        ("--network", command.network.is_some() && command.network != settings.network),
    ];
    if let Some((option, _)) = typed.iter().find(|(_, is_typed)| *is_typed) {
        let text = format!("{option} is for an engine, and cannot go with --on kubernetes");
        return Err(Failure::new(ExitCode::CommandLine, text, "leave it out"));
    }
    if command.publish.is_some() && command.no_image {
        return Err(publish_options::wrong("--publish wants an image, and --no-image none", ""));
    }
    let is_folder = command.publish.as_ref().is_none_or(|reference| reference.ends_with('/'));
    if command.is_of_several() && !is_folder {
        return Err(publish_options::wrong(
            "--publish of several apps names what their repositories lie in, and ends with a slash",
            "give --publish REGISTRY/PATH/: each app gets a repository of its own below it",
        ));
    }
    if command.registry_secret.is_some() && (command.username.is_some() || command.publish.is_none()) {
        return Err(publish_options::wrong(
            "--registry-secret names the login for --publish, instead of --username",
            "give --publish, and one of the two",
        ));
    }
    Ok(())
}
