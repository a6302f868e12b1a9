//! The last stretch: a planned app container is started, awaited until it is healthy, and takes the earlier one's place.
//! Until then the earlier one stays as it is, unless both want the same port of the host.

mod health;
mod previous;

use crate::engine::container_spec::ContainerSpec;
use crate::engine::{ContainerId, EngineError};
use crate::failure::Failure;
use crate::image::provenance::remove_if_ours;
use crate::plan::filled_folder::FilledFolder;
use crate::plan::launch::{LaunchPlan, Prepared};
use crate::plan::not_done::DiskBound;
use crate::plan::ports::PortRequest;
use crate::session::Session;
pub(crate) use previous::{Previous, app_that_holds, previous};
use shared_model::event::{Event, EventSink, Stream};
use shared_model::exit_code::ExitCode;
use std::time::Duration;

/// What Diego gives an app between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(10);

/// How much of what a failed app printed is shown.
const LAST_LINES: usize = 20;

/// Stops those of the app's earlier containers that hold a port which is wanted now, and says so.
pub(crate) fn make_room(session: &Session, earlier: &[Previous], requests: &[PortRequest]) -> Result<(), Failure> {
    for one in earlier.iter().filter(|one| one.running && one.holds_any_of(requests)) {
        let text = format!(
            "Stopping {} first, because it uses the port; the app is down until the new container answers",
            one.name
        );
        session.emit(Event::Note { text });
        session.stop_for_now(&one.id, GRACE)?;
    }
    Ok(())
}

/// Makes the container, says what is not done of the request, fills its folders (with `lifecycle`, if it gets one), starts it, waits until it is healthy and removes the earlier ones.
/// On failure what the app printed last is shown; the new container goes with the session.
pub(crate) fn start(
    session: &Session,
    plan: &LaunchPlan,
    lifecycle: Option<&FilledFolder>,
    prepared: &Prepared,
    disk: DiskBound,
    earlier: &[Previous],
) -> Result<ContainerId, Failure> {
    let Prepared { container: spec, not_done, supervisor } = prepared;
    let mut disk = disk;
    let container = session.create_bounded(&plan.container_name, spec, || disk = DiskBound::Missing)?;
    if let Some(not_done) = not_done.event(disk) {
        session.emit(not_done);
    }
    for folder in plan.folders.iter().chain(lifecycle).chain(supervisor) {
        fill(session, &container, folder)?;
    }
    session.engine.start(&container).map_err(|error| not_started(error.hiding(spec), spec))?;
    if let Err(unhealthy) = health::wait(session, &container, spec, plan.start_timeout)? {
        show_last_lines(session, &container);
        return Err(unhealthy.failure(&plan.subject(), plan.memory_mb));
    }
    session.cleanup().release(&container);
    for one in earlier {
        session.cleanup().release(&one.id);
        let removed = session.engine.stop(&one.id, GRACE).and_then(|()| session.engine.remove(&one.id));
        if let Err(error) = removed {
            let text = format!(
                "the earlier container {} could not be removed ({error}); `docker rm -fv {0}` removes it",
                one.name
            );
            session.emit(Event::Warning { text });
            continue;
        }
        // Its names may have gone on to another while it ran, and then nobody else removes it. One that stays costs disk, no launch.
        let _ = remove_if_ours(&*session.engine, &one.image);
    }
    Ok(container)
}

/// Puts the files into a folder of the container, which has not started.
pub(super) fn fill(session: &Session, container: &ContainerId, folder: &FilledFolder) -> Result<(), Failure> {
    let archive = folder.archive().map_err(|error| {
        let text = format!("cannot fill {} in the container: {error}", folder.at);
        Failure::new(ExitCode::Request, text, "`cf push` or `cf restage` makes a new request")
    })?;
    Ok(session.engine.copy_in(container, &folder.at, archive)?)
}

/// An engine's words for a port that somebody took since it was chosen are not everybody's.
fn not_started(error: EngineError, spec: &ContainerSpec) -> Failure {
    let words = error.to_string();
    if ["port is already allocated", "address already in use"].iter().any(|sign| words.contains(sign)) {
        let ports: Vec<String> = spec.ports.iter().map(|port| format!("{}:{}", port.host_address, port.host)).collect();
        let text = format!("port in use: the Docker Engine cannot publish {}", ports.join(", "));
        return Failure::new(
            ExitCode::Launch,
            text,
            "choose another one with --port, or leave --port out to get a free one",
        );
    }
    Failure { code: ExitCode::Launch, ..Failure::from(error) }
}

fn show_last_lines(session: &Session, container: &ContainerId) {
    // What the app printed is a help, not the point; without it the failure is told all the same.
    let bytes = session.engine.log_tail(container, LAST_LINES).unwrap_or_default();
    for line in String::from_utf8_lossy(&bytes).lines() {
        let text = line.chars().take(shared_model::event::LONGEST_LINE / 4).collect();
        session.emit(Event::Line { source: "APP".to_owned(), stream: Stream::Err, text });
    }
}
