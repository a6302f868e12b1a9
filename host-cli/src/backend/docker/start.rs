//! The last stretch: a planned app container is started, awaited until it is healthy, and takes the earlier one's place.
//! Until then the earlier one stays as it is, unless both want the same port of the host.

mod health;
mod previous;

use super::cell;
use crate::engine::container_spec::{ContainerSpec, RestartPolicy};
use crate::engine::{Container, ContainerId, EngineError};
use crate::failure::Failure;
use crate::image::provenance::remove_if_ours;
use crate::plan::filled_folder::FilledFolder;
use crate::plan::launch::{GRACE, LaunchPlan, Prepared, revision};
use crate::plan::not_done::DiskBound;
use crate::plan::ports::PortRequest;
use crate::plan::wish::REVISIONS;
use crate::session::{Crashed, Session};
use health::Unhealthy;
pub(crate) use previous::{Previous, app_that_holds, previous};
use shared_model::event::{Event, EventSink, Stream};
use shared_model::exit_code::ExitCode;
use std::collections::BTreeSet;

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

/// The ports of an earlier instance that does not run any more: who knew its address finds the new one there. Empty where it runs on
/// beside the new one.
pub(crate) fn ports_of_last(replaced: &[Previous]) -> Vec<u16> {
    if replaced.iter().any(|one| one.running) {
        Vec::new()
    } else {
        replaced.first().map_or_else(Vec::new, Previous::held)
    }
}

/// How an instance is started.
#[derive(Clone, Copy)]
pub(crate) struct Start<'a> {
    /// The plan.
    pub(crate) plan: &'a LaunchPlan,
    /// What is put into its container, if that gets one.
    pub(crate) lifecycle: Option<&'a FilledFolder>,
    /// The container.
    pub(crate) prepared: &'a Prepared,
    /// How its disk is bounded; `None`: that was said of another instance.
    pub(crate) disk: Option<DiskBound>,
    /// Those whose place it takes.
    pub(crate) replaced: &'a [Previous],
    /// Whether it is still wanted, asked while it is waited for.
    pub(crate) is_wanted: &'a dyn Fn() -> Result<(), Failure>,
    /// Called when it is healthy, and before the earlier ones end.
    pub(crate) is_up: &'a dyn Fn(),
    /// Whether its container stays if it does not come up, for what it printed.
    pub(crate) stays: bool,
}

/// Makes the container, says what is not done of the request, fills its folders, starts it, waits until it is healthy, and ends the
/// earlier ones. On failure what the app printed last is shown; the new container goes with the session, or stays in the place of those
/// that have ended.
pub(crate) fn start(session: &Session, start: Start<'_>) -> Result<ContainerId, Failure> {
    let Start { plan, lifecycle, prepared, disk, replaced, is_wanted, is_up, stays } = start;
    let Prepared { container: spec, not_done, supervisor } = prepared;
    let mut is_bounded = true;
    let container = session.create_bounded(&plan.container_name, spec, || is_bounded = false)?;
    if let Some(disk) = disk
        && let Some(not_done) = not_done.event(if is_bounded { disk } else { DiskBound::Missing })
    {
        session.emit(not_done);
    }
    for folder in plan.folders.iter().chain(lifecycle).chain(supervisor) {
        fill(session, &container, folder)?;
    }
    if let Err(error) = session.engine.start(&container) {
        let error = error.hiding(spec);
        if is_port_taken(&error) {
            // Its name is wanted again with other ports.
            session.engine.remove(&container)?;
            session.cleanup().release(&container);
        } else if matches!(error, EngineError::Refused { .. }) {
            session.unconnected().tell_crash(Crashed::default());
        }
        return Err(not_started(error, spec));
    }
    if let Err(unhealthy) = health::wait(session, &container, spec, plan.start_timeout, is_wanted)? {
        show_last_lines(session, &container);
        let left = if stays { stays_ended(session, &container, revision(spec), replaced) } else { None };
        session.unconnected().tell_crash(Crashed {
            started: left.as_ref().map_or(0, |left| left.started),
            container: left.map(|left| left.id),
            ended: match unhealthy {
                Unhealthy::Ended { status, out_of_memory } => Some((status, out_of_memory)),
                Unhealthy::NotHealthy { .. } | Unhealthy::Gone => None,
            },
        });
        return Err(unhealthy.failure(&plan.subject(), plan.memory_mb));
    }
    session.cleanup().release(&container);
    // Neither is to be undone any more, by whoever interrupts this.
    for one in replaced {
        session.cleanup().release(&one.id);
    }
    keep_running(session, &container, &plan.container_name);
    is_up();
    end_replaced(session, replaced);
    Ok(container)
}

/// Ends a container that did not come up, and has it stay in the place of the ended ones before it; `None`: it does not stay.
fn stays_ended(session: &Session, container: &ContainerId, revision: u64, replaced: &[Previous]) -> Option<Container> {
    session.engine.stop(container, GRACE).ok()?;
    session.cleanup().release(container);
    let stay = staying(replaced, BTreeSet::from([revision]));
    for one in replaced.iter().filter(|one| !one.running && !stay.contains(&one.id)) {
        session.cleanup().release(&one.id);
        removed(session, one, Ok(()));
    }
    session.engine.container(container).ok().flatten()
}

/// Has the engine start it again when it ends, unless a cell does. Only now: one that never got healthy is not to be tried for ever.
fn keep_running(session: &Session, container: &ContainerId, name: &str) {
    let engine = &*session.engine;
    let keep = || {
        let restart = cell::restart_policy(engine)?;
        if restart == RestartPolicy::UnlessStopped {
            engine.set_restart_policy(container, restart)?;
        }
        // A cell may have been started or ended meanwhile, by somebody who did not see this container yet.
        match cell::restart_policy(engine)? {
            now if now == restart => Ok(()),
            now => engine.set_restart_policy(container, now),
        }
    };
    let kept = keep();
    if let Err(error) = kept {
        let text = format!("container {name} runs, but is not started again when it ends: {error}");
        session.emit(Event::Warning { text });
    }
}

/// Ends the containers whose place another has taken. The last one that ran stays, for what it printed and with the image that it was
/// made of, and the last one of each revision before it; the others go.
fn end_replaced(session: &Session, replaced: &[Previous]) {
    let stay = staying(replaced, BTreeSet::new());
    for one in replaced {
        session.cleanup().release(&one.id);
        let ended = session.engine.stop(&one.id, GRACE);
        if !stay.contains(&one.id) || ended.is_err() {
            removed(session, one, ended);
        }
    }
}

/// Which of the containers before the newest one stay: of each revision the last, of as many revisions as are remembered; `known` are
/// those of which there is another already.
fn staying(replaced: &[Previous], mut known: BTreeSet<u64>) -> Vec<ContainerId> {
    let (running, ended): (Vec<_>, Vec<_>) = replaced.iter().partition(|one| one.running);
    let mut stays = |one: &&Previous| known.len() < REVISIONS && known.insert(one.revision);
    running.into_iter().chain(ended).filter(|one| stays(one)).map(|one| one.id.clone()).collect()
}

/// Ends and removes the containers of numbers that are not wanted any more.
pub(crate) fn end_surplus<'a>(session: &Session, surplus: impl Iterator<Item = &'a Previous>) {
    for one in surplus {
        session.cleanup().release(&one.id);
        removed(session, one, session.engine.stop(&one.id, GRACE));
    }
}

/// Removes an earlier container, unless its end has failed; says so then.
fn removed(session: &Session, one: &Previous, ended: Result<(), EngineError>) {
    if let Err(error) = ended.and_then(|()| session.engine.remove(&one.id)) {
        let text = format!(
            "the earlier container {} could not be removed ({error}); `docker rm -fv {0}` removes it",
            one.name
        );
        session.emit(Event::Warning { text });
        return;
    }
    // Its names may have gone on to another while it ran, and then nobody else removes it. One that stays costs disk, no launch.
    let _ = remove_if_ours(&*session.engine, &one.image);
}

/// Puts the files into a folder of the container, which has not started.
pub(super) fn fill(session: &Session, container: &ContainerId, folder: &FilledFolder) -> Result<(), Failure> {
    let archive = folder.archive().map_err(|error| {
        let text = format!("cannot fill {} in the container: {error}", folder.at);
        Failure::new(ExitCode::Request, text, "`cf push` or `cf restage` makes a new request")
    })?;
    Ok(session.engine.copy_in(container, &folder.at, archive)?)
}

/// Whether somebody has taken a port since it was chosen. An engine's words for it are not everybody's.
fn is_port_taken(error: &EngineError) -> bool {
    let words = error.to_string();
    ["port is already allocated", "address already in use"].iter().any(|sign| words.contains(sign))
}

/// What begins the text of a failure for a port that is taken.
const PORT_IN_USE: &str = "port in use";

/// Whether a start failed for its ports alone.
pub(crate) fn is_for_ports(failure: &Failure) -> bool {
    failure.text.starts_with(PORT_IN_USE)
}

fn not_started(error: EngineError, spec: &ContainerSpec) -> Failure {
    if is_port_taken(&error) {
        let ports: Vec<String> = spec.ports.iter().map(|port| format!("{}:{}", port.host_address, port.host)).collect();
        let text = format!("{PORT_IN_USE}: the Docker Engine cannot publish {}", ports.join(", "));
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
