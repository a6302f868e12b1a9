//! The last stretch: a planned app container is started, awaited until it is healthy, and takes the earlier one's place.
//! Until then the earlier one stays as it is, unless both want the same port of the host.

mod earlier;
mod health;

use crate::engine::ContainerId;
use crate::engine::container_spec::ContainerSpec;
use crate::failure::Failure;
use crate::plan::ports::PortWish;
use crate::session::Session;
pub(crate) use earlier::{Earlier, earlier};
pub(crate) use health::Patience;
use shared_model::event::{Event, EventSink, Stream};
use shared_model::exit_code::ExitCode;
use std::time::Duration;

/// What Diego gives an app between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(10);

/// How much of what a failed app printed is shown.
const LAST_LINES: usize = 20;

/// What is started.
pub(crate) struct Starting<'a> {
    /// The app's name, for people.
    pub(crate) app: &'a str,
    /// The new container's name.
    pub(crate) name: &'a str,
    /// The new container.
    pub(crate) spec: &'a ContainerSpec,
    /// What is said where the engine does not bound what the app writes.
    pub(crate) unbounded: &'a str,
    /// The request's memory in MiB, for people.
    pub(crate) memory_mb: i32,
    /// How long to wait for what.
    pub(crate) patience: Patience,
}

/// Stops those of the app's earlier containers that hold a port which is wanted now, and says so.
pub(crate) fn make_room(session: &Session, earlier: &[Earlier], wishes: &[PortWish]) -> Result<(), Failure> {
    for one in earlier.iter().filter(|one| one.running && one.holds_any_of(wishes)) {
        let text = format!(
            "Stopping {} first, because it holds the port: the app is down until the new one answers",
            one.name
        );
        session.emit(Event::Note { text });
        session.stop_for_now(&one.id, GRACE)?;
    }
    Ok(())
}

/// Starts the container, waits until it is healthy and removes the earlier ones. On failure what the app printed last is
/// shown; the new container goes with the session.
pub(crate) fn start(session: &Session, starting: &Starting<'_>, earlier: &[Earlier]) -> Result<ContainerId, Failure> {
    let container = session.create_bounded(starting.name, starting.spec, starting.unbounded)?;
    session.engine.start(&container).map_err(|error| not_started(error.hiding(starting.spec), starting))?;
    if let Err(sick) = health::wait(session, &container, starting.spec.health_check.as_ref(), &starting.patience)? {
        show_last_lines(session, &container);
        return Err(sick.failure(starting.app, starting.memory_mb));
    }
    session.release(&container);
    for one in earlier {
        session.release(&one.id);
        let removed = session.engine.stop(&one.id, GRACE).and_then(|()| session.engine.remove(&one.id));
        if let Err(error) = removed {
            let text =
                format!("the earlier container {} stays behind ({error}); `docker rm -f {0}` removes it", one.name);
            session.emit(Event::Warning { text });
        }
    }
    Ok(container)
}

/// An engine's words for a port that somebody took since it was chosen are not everybody's.
fn not_started(error: crate::engine::EngineError, starting: &Starting<'_>) -> Failure {
    let words = error.to_string();
    if ["port is already allocated", "address already in use"].iter().any(|sign| words.contains(sign)) {
        let ports: Vec<String> =
            starting.spec.ports.iter().map(|port| format!("{}:{}", port.host_address, port.host)).collect();
        let text = format!("port taken: the Docker Engine cannot publish {}", ports.join(", "));
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
    let bytes = session.engine.last_lines(container, LAST_LINES).unwrap_or_default();
    for line in String::from_utf8_lossy(&bytes).lines() {
        let text = line.chars().take(shared_model::event::LONGEST_LINE / 4).collect();
        session.emit(Event::Line { source: "APP".to_owned(), stream: Stream::Err, text });
    }
}
