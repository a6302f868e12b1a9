//! READ ME FIRST. The road of the host: requests → stage → image → launch.
//!
//! [`restage`] and [`launch`] each read from top to bottom as what the user sees; `commands/` calls them with what was typed.
//! A part of the road has its file below; what it decides is a pure plan in `plan/`, what it wants of Docker goes through
//! [`crate::engine::Engine`], and what it says is an event. A [`Session`] sees to it that nothing is left behind.

use crate::app_ref::AppRef;
use crate::arguments::{Launch, Restage};
use crate::backend::docker::extract::Order;
use crate::backend::docker::image_build::Making;
use crate::backend::docker::push::{Target, push_image};
use crate::backend::docker::stage::{self, Staged, Staging, Subject};
use crate::backend::docker::start::{self, Patience, Starting};
use crate::backend::docker::{free_ports, mounts, old_images, ours, preflight};
use crate::engine::Quota;
use crate::failure::Failure;
use crate::guid;
use crate::image::{ImageOptions, MadeImage, created};
use crate::labels;
use crate::plan::app::{self, Start};
use crate::plan::fetching::{Fetching, Keeping};
use crate::plan::stager::{self, StagingOptions};
use crate::plan::{cache, ports, unusable};
use crate::requests::{self, Kind, Request, RequestError};
use crate::session::Session;
use shared_model::event::{Event, EventSink, Step};
use shared_model::validate;

/// The request that was typed, or the newest of the app.
pub(crate) fn staging_request(command: &Restage, app: Option<&AppRef>) -> Result<Request, RequestError> {
    match &command.request {
        Some(file) => requests::from_file(file, Kind::Staging),
        None => requests::newest(Kind::Staging, app, &command.log_options()),
    }
}

/// Stages an app again. The image, unless none was wanted or the staging stopped short of one.
pub(crate) fn restage(
    session: &Session,
    request: &Request,
    command: &Restage,
    agent_options: &[String],
) -> Result<Option<MadeImage>, Failure> {
    for text in &request.warnings {
        session.emit(Event::Warning { text: text.clone() });
    }
    let task = validate::task(&request.document).map_err(|complaints| unusable::complaints(&complaints))?;
    unusable::docker_app(task.is_docker(), &task.application())?;
    let base = || unusable::a_base_that_nobody_knows(&task, command.base.as_deref());
    let wanted = if command.no_image {
        None
    } else {
        let (by, verbose, created) = (command.image_by, command.verbose, created::from_environment()?);
        Some((base()?, ImageOptions { by, verbose, created }))
    };
    let options = command.fetch_options();
    let files = mounts::files(&options, &task.users())?;
    let mut keeping = preflight::keeping(&options, command.no_cache)?;
    if task.runs_as_root() && keeping != Keeping::Nothing {
        let text = "nothing is kept: the request runs a program as root, who could change what other stagings rely on";
        session.emit(Event::Warning { text: text.to_owned() });
        keeping = Keeping::Nothing;
    }

    if let Some(text) = stager::left_out(&task) {
        session.emit(Event::Note { text });
    }
    preflight::network(&*session.engine, &command.network)?;
    preflight::no_app_answers_for(&*session.engine, &command.network, &task.hosts())?;
    let stager_image = preflight::image(&*session.engine, &command.stager_image, "stager image")?;
    if let Some((base, _)) = &wanted {
        preflight::image(&*session.engine, base, "root file system")?;
    }

    if let Keeping::InVolume { name, .. } = keeping {
        session.engine.ensure_volume(name, &cache::labels())?;
    }

    let instance = guid::new()?;
    let (image, network) = (options.stager_image, options.network);
    let fetching = Fetching { image, network, files: &files, keeping, agent_options };
    let options = StagingOptions { fetching, keep: command.keep, instance: &instance };
    let mut spec = stager::staging_container(&task, &options);
    spec.disk_bytes = preflight::limits(session, &spec)?.bound(spec.disk_bytes, stager_image.bytes);
    let unbounded = format!("Not bounded by this Docker Engine, but by the agent: disk_mb={}", task.disk_mb);
    let container = session.create_bounded(&stager::container_name(&task, &instance), &spec, &unbounded)?;
    let making = wanted.map(|(base, options)| Making::new(session, &container, Order::new(&task, base, options)));
    let staging = Staging {
        container: &container,
        document: &request.document,
        keep: command.keep.then(|| stager::visit_command(&task, &container)),
        subject: Subject {
            image: &command.stager_image,
            memory_mb: task.memory_mb,
            for_help: stager::asks_for_help(agent_options),
        },
        built: &|| making.iter().for_each(Making::begin_early),
        droplet: &|sha256| making.iter().for_each(|making| making.expect(sha256)),
    };
    let staged = stage::stage(session, &staging)?;
    let (Staged::Wholly, Some(making)) = (staged, making) else {
        return Ok(None);
    };
    let image = making.finish()?;
    session.emit(Event::Image { name: image.name.clone(), id: image.id.0.clone(), bytes: image.bytes });
    old_images::remove(session, &task.application().guid, command.keep_images);
    Ok(Some(image))
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

/// Starts an app's image.
pub(crate) fn launch(session: &Session, request: &Request, command: &Launch) -> Result<(), Failure> {
    for text in &request.warnings {
        session.emit(Event::Warning { text: text.clone() });
    }
    let lrp = validate::desired_lrp(&request.document).map_err(|complaints| unusable::complaints(&complaints))?;
    let application = lrp.application();
    unusable::docker_app(lrp.is_docker(), &application)?;
    let run = app::launcher(&lrp)?;

    preflight::network(&*session.engine, &command.network)?;
    let image = ours::app_image(session, &lrp, request.time)?;
    let process_types = image.labels.get(labels::PROCESS_TYPES).map(String::as_str);
    let arguments = app::arguments(run, &command.process, process_types)?;
    let wishes = ports::wishes(&app::published(&lrp, &command.process), &command.port)?;
    let holding = session.hold(&app::guard_name(&lrp, &command.process), &image.id.0)?;
    let usual_log = session.engine.container(&holding)?.unwrap_or_default().log;
    let log = app::log_config(&usual_log);
    let earlier = start::earlier(&*session.engine, lrp.app_guid(), &command.process)?;
    for text in app::left_out(&lrp) {
        session.emit(Event::Note { text });
    }

    let instance = guid::new()?;
    let (container, ports) = session.step(Step::Launch, || {
        start::make_room(session, &earlier, &wishes)?;
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
        let quota = preflight::limits(session, &spec)?;
        let unbounded = format!("Not bounded on this Docker Engine: what the app writes (disk_mb={})", lrp.disk_mb);
        match quota {
            _ if spec.disk_bytes == 0 => {}
            Quota::Nothing => session.emit(Event::Note { text: unbounded.clone() }),
            Quota::WithImage => session.emit(Event::Note { text: unbounded.replacen("Not", "Not surely", 1) }),
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
        let container = start::start(session, &starting, &earlier)?;
        Ok((container, ports))
    })?;
    session.emit(Event::Running { url: app::url(&ports), container: container.0 });
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
