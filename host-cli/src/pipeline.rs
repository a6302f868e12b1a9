//! READ ME FIRST. The road of the host: requests → stage → image → launch.
//!
//! [`restage`] and [`launch`] are the two commands; each reads from top to bottom as what the user sees. A stretch has its
//! file below; what it decides is a pure plan in `plan/`, what it wants of Docker goes through [`crate::engine::Engine`],
//! and what it says is an event. [`walk`] gives a road its first and last word and sees to it that nothing is left behind.

mod bring_out;
mod check;
mod cleanup;
mod free_ports;
mod guid;
pub(crate) mod refuse;
mod road;
mod signals;
mod stage;
mod start;
mod stream;

use crate::arguments::{Launch, Restage};
use crate::engine::docker::Docker;
use crate::failure::Failure;
use crate::plan::app::{self, Start};
use crate::plan::stager::{self, StagingOptions};
use crate::plan::{labels, ports};
use crate::requests::{self, Kind, Request};
use crate::screen::screen;
use road::{Road, walk};
use shared_model::event::{Event, EventSink, Step};
use shared_model::exit_code::ExitCode;
use shared_model::validate;
use stage::Staging;
use start::{Patience, Starting};
use std::sync::Arc;

/// Stages an app again and makes its image.
pub(crate) fn restage(command: Restage, agent_options: Vec<String>) -> ExitCode {
    walk(screen(command.output), signals::watch, move |way| {
        let request = match &command.request {
            Some(file) => requests::from_file(file, Kind::Staging),
            None => requests::newest(Kind::Staging, command.app.as_deref(), &command.log_options()),
        }?;
        restage_on(&way.with(Arc::new(Docker::connect()?)), &request, &command, &agent_options)
    })
}

fn restage_on(road: &Road, request: &Request, command: &Restage, agent_options: &[String]) -> Result<(), Failure> {
    for text in &request.warnings {
        road.emit(Event::Warning { text: text.clone() });
    }
    let task = validate::task(&request.document).map_err(|complaints| refuse::complaints(&complaints))?;
    refuse::docker_app(task.is_docker(), &task.application())?;
    let base =
        if command.no_image { None } else { Some(refuse::a_base_that_nobody_knows(&task, command.base.as_deref())?) };
    let ca = command.ca.as_deref().map(check::certificates).transpose()?;

    check::network(&*road.engine, &command.network)?;
    check::image(&*road.engine, &command.stager_image, "stager image")?;
    if let Some(base) = &base {
        check::image(&*road.engine, base, "root file system")?;
    }

    let instance = guid::new()?;
    let options = StagingOptions {
        image: &command.stager_image,
        network: &command.network,
        ca: ca.as_deref(),
        keep: command.keep,
        agent_options,
        instance: &instance,
    };
    let spec = stager::staging_container(&task, &options);
    let container = road.create(Some(&stager::container_name(&task, &instance)), &spec)?;
    let staging = Staging {
        container: &container,
        document: &request.document,
        image: &command.stager_image,
        memory_mb: task.memory_mb,
        keep: command.keep.then(|| stager::visit_command(&task, &container)),
        for_help: stager::asks_for_help(agent_options),
    };
    let staged = stage::stage(road, &staging)?;
    let (Some(staged), Some(base)) = (staged, base) else {
        return Ok(());
    };
    let image = road.step(Step::Image, || bring_out::image(road, &container, &task, &staged, &base))?;
    road.emit(Event::Image { name: image.name, id: image.id.0, bytes: image.bytes });
    Ok(())
}

/// Starts an app's image as its newest launch request says.
pub(crate) fn launch(command: Launch) -> ExitCode {
    walk(screen(command.output), signals::watch, move |way| {
        let request = match &command.request {
            Some(file) => requests::from_file(file, Kind::Launch),
            None => requests::newest(Kind::Launch, command.app.as_deref(), &command.log_options()),
        }?;
        launch_on(&way.with(Arc::new(Docker::connect()?)), &request, &command)
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
    let image = check::app_image(road, &lrp, request.time)?;
    let process_types = image.labels.get(labels::PROCESS_TYPES).map(String::as_str);
    let arguments = app::arguments(run, &command.process, process_types)?;
    let wishes = ports::wishes(&app::published(&lrp, &command.process), &command.port)?;
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
        };
        let starting = Starting {
            app: &app::shown_name(&lrp),
            name: &app::container_name(&lrp, &command.process, &instance),
            spec: &app::app_container(&lrp, run, &start),
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
