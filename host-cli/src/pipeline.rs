//! READ ME FIRST. The road of the host: requests → plan → stage → image → launch.
//!
//! `commands/` calls [`restage`] and [`launch`] with what was typed. Each looks up what a plan needs besides the request, has
//! the plan made in `plan/`, which is pure, and hands it to a [`Backend`], which checks it and carries it out. All that is said
//! is an event of the [`Session`], which also sees to it that nothing is left behind.

pub(crate) mod cell;
pub(crate) mod life;
pub(crate) mod task;

use crate::app_ref::AppRef;
use crate::arguments::{FetchOptions, Launch, Restage};
use crate::backend::docker::push::push_image;
use crate::backend::docker::{OneEngine, local_wishes, preflight, volume_folders};
use crate::backend::mounts;
use crate::backend::push_target::Target;
use crate::backend::registry::Publishing;
use crate::backend::{Backend, StagedImage};
use crate::failure::Failure;
use crate::image::{ImageOptions, MadeImage, created};
use crate::plan;
use crate::plan::error::PlanError;
use crate::plan::fetching::{Fetching, Keeping};
use crate::plan::launch::LaunchPlan;
use crate::plan::recipe::{Recipe, Which};
use crate::plan::restage::{RestageOptions, RestagePlan};
use crate::plan::upload::Upload;
use crate::plan::volumes;
use crate::requests::{self, Request, RequestError};
use crate::session::Session;
use crate::settings::Settings;
use shared_model::event::{Event, EventSink, Purpose};
use shared_model::exit_code::ExitCode;
use shared_model::names::listed;
use shared_model::secret::Secret;
use shared_model::task::TaskDefinition;
use std::path::PathBuf;
use uuid::Uuid;

/// The request that was typed, or the newest of the app.
pub(crate) fn staging_request(command: &Restage, app: Option<&AppRef>) -> Result<Request, RequestError> {
    requests::staging(command.request.as_deref(), app, &command.log_options())
}

/// Stages an app again on the session's engine. The image, unless none was wanted or the staging stopped short of one; nor is there
/// one here where it was published.
pub(crate) fn restage(
    session: &Session,
    request: &Request,
    (command, agent_options): (&Restage, &[String]),
    publishing: Option<&Publishing>,
) -> Result<Option<MadeImage>, Failure> {
    let fetch = command.fetch_options();
    let keeping = preflight::keeping(&fetch, command.no_cache)?;
    let instance = Uuid::new_v4().to_string();
    let plan = planned_restage(session, request, (command, agent_options), (keeping, &instance))?;
    session.unconnected().keep_staging(&plan::restage::staging_request(&request.document)?);
    match OneEngine::new(session, fetch.stager_image).stage(&plan, publishing)? {
        StagedImage::OnEngine(image) => Ok(Some(image)),
        StagedImage::None | StagedImage::Published { .. } => Ok(None),
    }
}

/// What a restage is to be, wherever it takes place, but for where it keeps what it fetches; what the user should know of it is said.
pub(crate) fn planned_restage(
    events: &dyn EventSink,
    request: &Request,
    (command, agent_options): (&Restage, &[String]),
    (keeping, instance): (Keeping<'_>, &str),
) -> Result<RestagePlan, Failure> {
    warn(events, request);
    let fetch = command.fetch_options();
    let upload = Upload::typed(command.upload, command.no_upload, agent_options)?;
    let agent_options = &upload.agent_options(agent_options);
    let files = mounts::files(&fetch)?;
    let identity = mounts::identity(command.instance_cert.as_deref(), command.instance_key.as_deref())?;
    let FetchOptions { stager_image: image, network, names, .. } = fetch;
    let options = RestageOptions {
        fetching: Fetching { image, network, names, files: &files, keeping, agent_options },
        base: command.base.as_deref(),
        image: if command.no_image { None } else { Some(image_options(command)?) },
        keep: command.keep,
        keep_images: command.keep_images,
        identity: identity.as_ref(),
        instance,
    };
    let plan = RestagePlan::new(&request.document, &options)?;
    for note in &plan.notes {
        events.emit(note.clone());
    }
    Ok(plan)
}

/// Says how to start what was staged. What stands in the user's settings need not be typed again.
pub(crate) fn propose_launch(
    session: &Session,
    request: &Request,
    command: &Restage,
    settings: &Settings,
    image: Option<&MadeImage>,
) {
    let Ok(task) = plan::restage::staging_request(&request.document) else { return };
    if image.is_some() || task.is_docker() {
        session.emit(launch_proposal(&task, command, settings, &[]));
    }
}

/// How to start an app of this task; `place`: the options that say where, if that is no engine.
pub(crate) fn launch_proposal(
    task: &TaskDefinition,
    command: &Restage,
    settings: &Settings,
    place: &[(&'static str, String)],
) -> Event {
    let text = |path: &PathBuf| path.to_str().map(str::to_owned);
    let places = [
        ("--logs", typed(command.logs.as_ref(), settings.logs.as_ref()).and_then(text)),
        ("--nsync-log", command.nsync_log.as_ref().and_then(text)),
        ("--ca", typed(command.ca.as_ref(), settings.ca.as_ref()).and_then(text)),
        ("--network", typed(command.network.as_ref(), settings.network.as_ref()).cloned()),
        ("--stager-image", typed(command.stager_image.as_ref(), settings.stager_image.as_ref()).cloned()),
    ];
    let identity = [("--instance-cert", &command.instance_cert), ("--instance-key", &command.instance_key)];
    let identity = identity.map(|(option, path)| (option, path.as_ref().and_then(text)));
    let places = places.into_iter().chain(identity).filter_map(|(option, value)| Some((option, value?)));
    // An app speaks to services that the network does not know either.
    let hosts = typed(Some(&command.add_host), settings.add_host.as_ref()).into_iter().flatten();
    let dns = typed(Some(&command.dns), settings.dns.as_ref()).into_iter().flatten();
    // A docker app's lifecycle is fetched for its launch, too.
    let fetching = [
        ("--cache-volume", typed(command.cache_volume.as_ref(), settings.cache_volume.as_ref()).cloned()),
        ("--cert", command.cert.as_ref().and_then(text)),
        ("--key", command.key.as_ref().and_then(text)),
    ];
    let fetching =
        fetching.into_iter().filter(|_| task.is_docker()).filter_map(|(option, value)| Some((option, value?)));
    // A pipe is used up, and held stagings perhaps: the launch request has to be asked for.
    let is_pipe = |path: &&PathBuf| path.as_os_str() == "-" || path.starts_with("/dev");
    let has_pipe = command.from.iter().any(|path| is_pipe(&path));
    let from = command.from.iter().filter(|path| !is_pipe(path)).filter_map(text);
    let from = from.chain(has_pipe.then(|| "-".to_owned()));
    let places = (from.map(|path| ("--from", path)))
        .chain(places)
        .chain(fetching)
        .chain(hosts.map(|mapping| ("--add-host", mapping.to_string())))
        .chain(dns.map(|server| ("--dns", server.to_string())));
    let is_engines = |option: &str| ["--network", "--stager-image", "--cache-volume"].contains(&option);
    let places = places.filter(|(option, _)| place.is_empty() || !is_engines(option));
    let places: Vec<(&str, String)> = place.iter().cloned().chain(places).collect();
    let apps = command.app_refs();
    let app = if let [app] = &apps[..] { Some(app) } else { None };
    let command = plan::restage::launch_command(&task.application(), app, &places);
    let command = if has_pipe { format!("cfdot desired-lrps | {command}") } else { command };
    Event::Next { purpose: Purpose::Launch, command }
}

/// The value, unless it is the setting.
fn typed<'a, T: PartialEq>(value: Option<&'a T>, setting: Option<&T>) -> Option<&'a T> {
    value.filter(|value| Some(*value) != setting)
}

fn image_options(command: &Restage) -> Result<ImageOptions, Failure> {
    Ok(ImageOptions { by: command.image_by, verbose: command.verbose, created: created::from_environment()? })
}

/// Sends the image on, if there is one and it is wanted elsewhere.
pub(crate) fn push_if_wanted(
    session: &Session,
    image: Option<&MadeImage>,
    target: Option<&Target>,
) -> Result<(), Failure> {
    match (image, target) {
        (Some(image), Some(target)) => push_image(session, &image.id, &image.name, target),
        _ => Ok(()),
    }
}

/// Starts an app's image, once for each request: for each a process type, with all of its instances. All are planned before the first is
/// started. The first failure ends it; what was started before goes on. What was started is remembered.
pub(crate) fn launch(session: &Session, requests: &[Request], command: &Launch) -> Result<(), Failure> {
    let recipe = recipe(command)?;
    if command.command.is_some() && requests.len() > 1 {
        let text = "--command is for one process, and several are to be started";
        return Err(Failure::new(ExitCode::CommandLine, text, "leave --all-processes out, or name one with --process"));
    }
    let mut processes = Vec::new();
    for request in requests {
        warn(session, request);
        let ports = if processes.is_empty() { command.port.clone() } else { Vec::new() };
        let document = Secret::new(request.document.clone());
        // Of several, the ports that were typed are the first one's.
        let recipe = Recipe { document, requested: request.time, ports, ..recipe.clone() };
        let plan = recipe.plan(Which { instance: &Uuid::new_v4().to_string(), index: 0, size: command.size() })?;
        processes.push((recipe, plan));
    }
    let volume_ids: Vec<&String> = processes.iter().flat_map(|(_, plan)| &plan.volume_ids).collect();
    volumes::check(&recipe.volumes, &volume_ids).map_err(PlanError::from)?;
    let engine = OneEngine::new(session, &recipe.stager_image);
    for (at, (recipe, plan)) in processes.iter().enumerate() {
        let instances = life::instances(command.instances, plan)?;
        let plans = || processes.iter().map(|(_, plan)| plan).collect::<Vec<_>>();
        life::launch(session, &engine, (recipe, command.size()), plan, instances)
            .map_err(|failure| among(failure, &plans(), at))?;
    }
    if let Some((_, plan)) = processes.first() {
        session.emit(Event::Next { purpose: Purpose::Log, command: plan.logs_command() });
    }
    Ok(())
}

/// What was typed for a launch, which the request is missing from.
fn recipe(command: &Launch) -> Result<Recipe, Failure> {
    let fetch = command.fetch_options();
    let keeping = preflight::keeping(&fetch, false)?;
    Ok(Recipe {
        document: Secret::default(),
        requested: None,
        process: command.process.clone(),
        ports: Vec::new(),
        volumes: volume_folders::folders(&command.volume_map)?,
        network: fetch.network.to_owned(),
        hosts: command.add_host.clone(),
        dns: command.dns.clone(),
        stager_image: fetch.stager_image.to_owned(),
        files: mounts::files(&fetch)?,
        cache: match keeping {
            Keeping::InVolume { name, limit } => Some((name.to_owned(), limit.map(str::to_owned))),
            Keeping::Nothing | Keeping::InImage(_) | Keeping::WithContainer => None,
        },
        lifecycle: command.lifecycle,
        pull: command.pull,
        authorities: mounts::authorities(command.ca.as_deref())?,
        identity: mounts::identity(command.instance_cert.as_deref(), command.instance_key.as_deref())?,
        local: local_wishes::read(local_wishes::Typed {
            env: &command.env,
            env_file: &command.env_file,
            service: &command.service,
            mount: command.mount.as_deref(),
            command: command.command.as_deref(),
        })?,
    })
}

/// The failure of one launch of several, with what became of the others.
fn among(failure: Failure, plans: &[&LaunchPlan], at: usize) -> Failure {
    let named = |plans: &[&LaunchPlan]| listed(plans.iter().map(|plan| &plan.process.process_type));
    let (started, left) = (named(&plans[..at]), named(&plans[at + 1..]));
    let said = [("started before it and still running", started), ("not started", left)];
    let text = said
        .into_iter()
        .filter(|(_, types)| !types.is_empty())
        .fold(failure.text, |text, (what, types)| format!("{text}; {what}: {types}"));
    Failure { text, ..failure }
}

/// What the search for the request met.
fn warn(events: &dyn EventSink, request: &Request) {
    for text in &request.warnings {
        events.emit(Event::Warning { text: text.clone() });
    }
}

#[cfg(test)]
pub(crate) mod tests;
