//! A command or a shell in an app's container, and connections through it. `terminal` is the user's own, `forward` listens.

mod forward;
pub(crate) mod terminal;

use super::apps::AppsOnEngine;
use crate::engine::{ContainerProgram, ContainerSummary, Running};
use crate::failure::Failure;
use crate::plan::apps::Selected;
use crate::plan::port_forward::PortForward;
use crate::plan::shell::{FirstLine, Launcher, exec_spec, hang_up};
use crate::session::Session;
use shared_model::event::{Event, EventSink, Stream};
use shared_model::exit_code::ExitCode;
use shared_model::names::shortened;
use shared_model::plain_line::escape_control;
use std::io;
use std::ops::ControlFlow;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use terminal::RawMode;

/// Pieces of input that may wait.
const PIECES: usize = 8;
/// The most bytes that are kept of what is said instead of a command's output.
const LONGEST_REFUSAL: usize = 4 << 10;
/// How long the word to end may take to be passed on.
const HANG_UP: Duration = Duration::from_secs(3);
/// What a shell makes of a command that nobody reads any more (SIGPIPE).
const UNREAD: u8 = 141;
/// What an engine says of a program that it cannot run, or does not find.
const NOT_RUN: [i64; 2] = [126, 127];

/// A way into one container.
pub(crate) struct Ssh<'a> {
    session: &'a Session,
    container: ContainerSummary,
    program: ContainerProgram,
}

/// The command that runs in a container at the moment, for those who end it.
#[derive(Clone, Default)]
pub(crate) struct RemoteCommand(Arc<Mutex<Option<(Session, ContainerSummary, u32)>>>);

impl RemoteCommand {
    /// Has it end, as a terminal does that goes away; what does not run is left alone.
    pub(crate) fn hang_up(&self) {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((session, container, process)) = running {
            let _ = session.engine.exec(&container.id, &hang_up(process), HANG_UP); // it may have ended
        }
    }

    fn runs(&self, session: &Session, container: &ContainerSummary, process: u32) {
        let running = Some((session.clone(), container.clone(), process));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = running;
    }

    /// Where a signal has it end, that is what is told, and not how it ended: gives the signal's end the time for it.
    fn leave_to_signal(&self) {
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            thread::sleep(HANG_UP);
        }
    }

    fn has_ended(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl<'a> Ssh<'a> {
    /// Into the one container of what is meant.
    ///
    /// # Errors
    /// None of it runs.
    pub(crate) fn into(session: &'a Session, place: &AppsOnEngine, selected: &Selected) -> Result<Self, Failure> {
        let container = place.one(selected)?;
        let program = session.engine.program(&container.id)?;
        let program = program.filter(|_| container.running == Running::Now).ok_or_else(|| {
            let text = format!("{} does not run", escape_control(&shortened(selected.app.subject())));
            let advice = "`host-cli start APP` starts it; `host-cli logs APP --recent` shows why it ended";
            Failure::new(ExitCode::Launch, text, advice)
        })?;
        Ok(Self { session, container, program })
    }

    /// Runs a line (empty: a shell) to its end, and gives its exit status. `remote` knows it meanwhile.
    ///
    /// # Errors
    /// The container has no launcher or no shell, or the engine refuses.
    pub(crate) fn run(&self, line: &str, has_terminal: bool, remote: &RemoteCommand) -> Result<u8, Failure> {
        let launcher = Launcher::of(&self.program).ok_or_else(|| self.refused("has no launcher", ""))?;
        let term = terminal::kind();
        let size = has_terminal.then(|| (terminal::size(), term.as_str()));
        let spec = exec_spec(&launcher, line, &self.program, size);
        let (typed, input) = sync_channel(PIECES);
        // What is typed before the first line would be shown in front of it.
        let mut typed = Some(typed);
        let (mut first, mut refusal, mut is_known) = (FirstLine::default(), Vec::new(), false);
        let mut unwritten: Option<io::Error> = None;
        // Not before there is something to talk to: raw, a terminal makes no signal of Ctrl-C.
        let mut raw = None;
        let status = self.session.engine.exec_attached(&self.container.id, &spec, input, &mut |stream, piece| {
            let shown = if stream == Stream::Out {
                let found = first.feed(piece);
                if let Some(process) = found.process {
                    is_known = true;
                    raw = has_terminal.then(RawMode::enter);
                    remote.runs(self.session, &self.container, process);
                    if let Some(typed) = typed.take() {
                        terminal::pass_on(typed, has_terminal);
                    }
                }
                found.output
            } else {
                piece.to_vec()
            };
            if stream == Stream::Out && !is_known {
                let room = LONGEST_REFUSAL.saturating_sub(refusal.len());
                refusal.extend(shown.into_iter().take(room));
                return ControlFlow::Continue(());
            }
            match terminal::write(stream, &shown) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    unwritten = Some(error);
                    ControlFlow::Break(())
                }
            }
        });
        drop(raw);
        if is_known {
            remote.leave_to_signal();
        }
        if let Some(error) = unwritten {
            remote.hang_up();
            return match error.kind() {
                io::ErrorKind::BrokenPipe => Ok(UNREAD),
                _ => Err(Failure::new(ExitCode::CommandLine, format!("cannot write what it prints: {error}"), "")),
            };
        }
        remote.has_ended();
        let status = status?;
        refusal.extend(first.rest());
        match status {
            Some(status) if NOT_RUN.contains(&status) && !is_known => {
                let said = String::from_utf8_lossy(&refusal);
                Err(self.refused("has no shell (/bin/sh) that could run it", said.trim()))
            }
            Some(status) => Ok(ExitCode::of_process(status)),
            None => Err(self.broken_off()),
        }
    }

    /// Listens, and leads each connection through the container for as long as the session lasts. Says where.
    ///
    /// # Errors
    /// The container lacks the program for it, or somebody listens there already.
    pub(crate) fn forward(&self, forwards: &[PortForward]) -> Result<(), Failure> {
        if forwards.is_empty() {
            return Ok(());
        }
        if self.program.entrypoint.first().is_none_or(|program| program != crate::plan::supervisor::PROGRAM_PATH) {
            let text = format!("container {} has no app-supervisor, through which -L goes", self.name());
            let advice = "`docker/build` makes a stager image that has it; `host-cli launch` puts it into the app's next container";
            return Err(Failure::new(ExitCode::Launch, text, advice));
        }
        forwards.iter().try_for_each(|forward| {
            let port = forward::listen(self.session, &self.container.id, forward)?;
            let (address, target) = (std::net::SocketAddr::new(forward.at.ip(), port), forward.target());
            self.session.emit(Event::Note { text: format!("{address} leads to {target} through {}", self.name()) });
            Ok(())
        })
    }

    fn name(&self) -> String {
        escape_control(&shortened(&self.container.name)).into_owned()
    }

    fn refused(&self, what: &str, said: &str) -> Failure {
        let said = if said.is_empty() { String::new() } else { format!(": {}", escape_control(said)) };
        let text = format!("container {} {what}{said}", self.name());
        Failure::new(
            ExitCode::Launch,
            text,
            "`host-cli logs` shows what the app prints; `docker exec` runs any program of it",
        )
    }

    fn broken_off(&self) -> Failure {
        let text = format!("the connection to container {} ended before the command did", self.name());
        Failure::new(ExitCode::Engine, text, "`host-cli apps` shows whether the app still runs")
    }
}

#[cfg(test)]
mod tests;
