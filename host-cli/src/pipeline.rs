//! READ ME FIRST. The road of the host: requests → stage → image → launch.
//!
//! [`restage`] and [`launch`] are the two commands; each reads from top to bottom as what the user sees. [`cache_up()`] and
//! [`cache()`] fill and look after what `restage` keeps; [`push()`] sends an image on to a registry, and [`export()`] brings
//! it out again. A stretch has its file below; what it decides is a pure plan in `plan/`, what it wants of Docker goes through [`crate::engine::Engine`], and what it says is an event. [`walk`] gives a
//! road its first and last word and sees to it that nothing is left behind.

mod bring_out;
mod cache_up;
mod check;
mod cleanup;
mod export;
mod free_ports;
mod guid;
mod lent;
mod look_into;
mod making;
mod mounted;
mod old_images;
mod ours;
mod push;
pub(crate) mod refuse;
mod remains;
pub(crate) mod road;
mod several;
pub(crate) mod signals;
mod stage;
mod start;
mod stream;
mod which;

use crate::app_ref::AppRef;
use crate::arguments::{FetchOptions, Launch, Restage};
use crate::engine::Quota;
use crate::engine::docker::Docker;
use crate::failure::Failure;
use crate::image::{ImageOptions, MadeImage, created};
use crate::labels;
use crate::plan::app::{self, Start};
use crate::plan::fetching::{Fetching, Keeping};
use crate::plan::stager::{self, StagingOptions};
use crate::plan::{cache, ports};
use crate::requests::{self, Kind, Request, RequestError};
use crate::screen::screen;
use bring_out::Order;
pub(crate) use cache_up::cache_up;
pub(crate) use export::export;
pub(crate) use look_into::cache;
use making::Making;
pub(crate) use old_images::remove as remove_old_images;
pub(crate) use push::Target;
pub(crate) use push::push;
pub(crate) use remains::remove as remove_remains;
use road::{Road, walk};
use shared_model::event::{Event, EventSink, Step};
use shared_model::exit_code::ExitCode;
use shared_model::validate;
use stage::{Staged, Staging};
use start::{Patience, Starting};
use std::sync::Arc;
#[cfg(any(fuzzing, test))]
pub(crate) use stream::fuzzed;

/// Stages an app again and makes its image.
pub(crate) fn restage(command: Restage, agent_options: Vec<String>) -> ExitCode {
    if command.is_of_several() {
        return several::restage(command, agent_options);
    }
    walk(screen(command.output), signals::watch, move |way| {
        let target = Target::of_restage(&command)?;
        let request = staging_request(&command, command.app_refs().first())?;
        let road = way.with(Arc::new(Docker::connect()?));
        remove_remains(&road);
        let image = restage_on(&road, &request, &command, &agent_options)?;
        push_if_wanted(&road, image.as_ref(), target.as_ref())
    })
}

fn staging_request(command: &Restage, app: Option<&AppRef>) -> Result<Request, RequestError> {
    match &command.request {
        Some(file) => requests::from_file(file, Kind::Staging),
        None => requests::newest(Kind::Staging, app, &command.log_options()),
    }
}

/// The image, unless none was wanted or the staging stopped short of one.
fn restage_on(
    road: &Road,
    request: &Request,
    command: &Restage,
    agent_options: &[String],
) -> Result<Option<MadeImage>, Failure> {
    for text in &request.warnings {
        road.emit(Event::Warning { text: text.clone() });
    }
    let task = validate::task(&request.document).map_err(|complaints| refuse::complaints(&complaints))?;
    refuse::docker_app(task.is_docker(), &task.application())?;
    let base = || refuse::a_base_that_nobody_knows(&task, command.base.as_deref());
    let wanted = if command.no_image {
        None
    } else {
        let (by, verbose, created) = (command.image_by, command.verbose, created::from_environment()?);
        Some((base()?, ImageOptions { by, verbose, created }))
    };
    let options = command.fetch_options();
    let files = mounted::files(&options, &task.users())?;
    let mut keeping = keeping(&options, command.no_cache)?;
    if task.runs_as_root() && keeping != Keeping::Nothing {
        let text = "nothing is kept: the request runs a program as root, who could change what other stagings rely on";
        road.emit(Event::Warning { text: text.to_owned() });
        keeping = Keeping::Nothing;
    }

    if let Some(text) = stager::left_out(&task) {
        road.emit(Event::Note { text });
    }
    check::network(&*road.engine, &command.network)?;
    check::no_app_answers_for(&*road.engine, &command.network, &task.hosts())?;
    let stager_image = check::image(&*road.engine, &command.stager_image, "stager image")?;
    if let Some((base, _)) = &wanted {
        check::image(&*road.engine, base, "root file system")?;
    }

    if let Keeping::InVolume { name, .. } = keeping {
        road.engine.ensure_volume(name, &cache::labels())?;
    }

    let instance = guid::new()?;
    let (image, network) = (options.stager_image, options.network);
    let fetching = Fetching { image, network, files: &files, keeping, agent_options };
    let options = StagingOptions { fetching, keep: command.keep, instance: &instance };
    let mut spec = stager::staging_container(&task, &options);
    spec.disk_bytes = check::limits(road, &spec)?.bound(spec.disk_bytes, stager_image.bytes);
    let unbounded = format!("Not bounded by this Docker Engine, but by the agent: disk_mb={}", task.disk_mb);
    let container = road.create_bounded(&stager::container_name(&task, &instance), &spec, &unbounded)?;
    let making = wanted.map(|(base, options)| Making::new(road, &container, Order::new(&task, base, options)));
    let staging = Staging {
        container: &container,
        document: &request.document,
        image: &command.stager_image,
        memory_mb: task.memory_mb,
        keep: command.keep.then(|| stager::visit_command(&task, &container)),
        for_help: stager::asks_for_help(agent_options),
        built: &|| making.iter().for_each(Making::begin_early),
        droplet: &|sha256| making.iter().for_each(|making| making.expect(sha256)),
    };
    let staged = stage::stage(road, &staging)?;
    let (Staged::Wholly, Some(making)) = (staged, making) else {
        return Ok(None);
    };
    let image = making.finish()?;
    road.emit(Event::Image { name: image.name.clone(), id: image.id.0.clone(), bytes: image.bytes });
    old_images::remove(road, &task.application().guid, command.keep_images);
    Ok(Some(image))
}

/// Sends the image on, if there is one and it is wanted elsewhere.
pub(crate) fn push_if_wanted(road: &Road, image: Option<&MadeImage>, target: Option<&Target>) -> Result<(), Failure> {
    match (image, target) {
        (Some(image), Some(target)) => push::send(road, &image.id, &image.name, target),
        _ => Ok(()),
    }
}

/// Where it is kept what is fetched.
fn keeping<'a>(options: &FetchOptions<'a>, no_cache: bool) -> Result<Keeping<'a>, Failure> {
    if no_cache && (options.cache_volume.is_some() || options.cache_limit.is_some()) {
        let text = "--no-cache excludes --cache-volume and --cache-limit";
        return Err(Failure::new(ExitCode::CommandLine, text, ""));
    }
    let name = options.cache_volume.unwrap_or(cache::VOLUME);
    check::volume_name(name)?;
    Ok(if no_cache { Keeping::Nothing } else { Keeping::InVolume { name, limit: options.cache_limit } })
}

/// Starts an app's image as its newest launch request says.
pub(crate) fn launch(command: Launch) -> ExitCode {
    walk(screen(command.output), signals::watch, move |way| {
        let request = match &command.request {
            Some(file) => requests::from_file(file, Kind::Launch),
            None => requests::newest(Kind::Launch, command.app_ref()?.as_ref(), &command.log_options()),
        }?;
        let road = way.with(Arc::new(Docker::connect()?));
        remove_remains(&road);
        launch_on(&road, &request, &command)
    })
}

fn launch_on(road: &Road, request: &Request, command: &Launch) -> Result<(), Failure> {
    for text in &request.warnings {
        road.emit(Event::Warning { text: text.clone() });
    }
    let lrp = validate::desired_lrp(&request.document).map_err(|complaints| refuse::complaints(&complaints))?;
    let application = lrp.application();
    refuse::docker_app(lrp.is_docker(), &application)?;
    let run = app::launcher(&lrp)?;

    check::network(&*road.engine, &command.network)?;
    let image = ours::app_image(road, &lrp, request.time)?;
    let process_types = image.labels.get(labels::PROCESS_TYPES).map(String::as_str);
    let arguments = app::arguments(run, &command.process, process_types)?;
    let wishes = ports::wishes(&app::published(&lrp, &command.process), &command.port)?;
    let holding = road.hold(&app::guard_name(&lrp, &command.process), &image.id.0)?;
    let usual_log = road.engine.container(&holding)?.unwrap_or_default().log;
    let log = app::log_config(&usual_log);
    let earlier = start::earlier(&*road.engine, lrp.app_guid(), &command.process)?;
    for text in app::left_out(&lrp) {
        road.emit(Event::Note { text });
    }

    let instance = guid::new()?;
    let (container, ports) = road.step(Step::Launch, || {
        start::make_room(road, &earlier, &wishes)?;
        let ports = free_ports::choose(&wishes)?;
        let start = Start {
            image: &image.id,
            process: &command.process,
            arguments: &arguments,
            ports: &ports,
            network: &command.network,
            instance: &instance,
            log: log.as_ref(),
        };
        let mut spec = app::app_container(&lrp, run, &start);
        let quota = check::limits(road, &spec)?;
        let unbounded = format!("Not bounded on this Docker Engine: what the app writes (disk_mb={})", lrp.disk_mb);
        match quota {
            _ if spec.disk_bytes == 0 => {}
            Quota::Nothing => road.emit(Event::Note { text: unbounded.clone() }),
            Quota::WithImage => road.emit(Event::Note { text: unbounded.replacen("Not", "Not surely", 1) }),
            Quota::Written => {}
        }
        spec.disk_bytes = quota.bound(spec.disk_bytes, image.bytes);
        let starting = Starting {
            app: &app::shown_name(&lrp),
            name: &app::container_name(&lrp, &command.process, &instance),
            spec: &spec,
            unbounded: &unbounded,
            memory_mb: lrp.memory_mb,
            patience: Patience::of(app::start_timeout(&lrp)),
        };
        let container = start::start(road, &starting, &earlier)?;
        Ok((container, ports))
    })?;
    road.emit(Event::Running { url: app::url(&ports), container: container.0 });
    Ok(())
}

#[cfg(test)]
mod tests;
