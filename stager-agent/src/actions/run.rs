//! Runs a program of the request, watches what it writes, and tells how it ended.

use super::error::{ActionError, LimitExceeded};
use super::runner::StagingRunner;
use crate::build::disk::DiskWatch;
use crate::build::process::{Ended, GRACE, Output, Program};
use crate::build::session::OWN_PROGRAM;
use crate::build::user::User;
use crate::build::{environment, rights};
use crate::session::scope::{Scope, Stop, Stopped};
use crate::session::steps::milliseconds_since;
use shared_model::action::RunAction;
use shared_model::event::Event;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, RecvTimeoutError, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

/// How often is looked whether a program has written too much.
const LOOK_AT_DISK: Duration = Duration::from_millis(500);

impl StagingRunner<'_> {
    /// Runs the program of `action` to its end.
    ///
    /// # Errors
    /// It could not be run, ended with another status than 0, or was stopped.
    pub(super) fn run_program(&self, action: &RunAction, scope: &Scope) -> Result<(), ActionError> {
        let user = User::named(&action.user).map_err(ActionError::User)?;
        let directory = action.dir.as_deref().filter(|directory| !directory.is_empty()).map(PathBuf::from);
        let program = Program {
            path: &action.path,
            arguments: action.arguments(),
            environment: &environment::for_run(&self.plan.environment, action.environment(), &user, &self.address),
            directory: directory.unwrap_or_else(|| user.home.clone()),
            user: &user,
            output: if action.suppress_log_output { Output::Suppressed } else { Output::Shown },
            open_files: open_files(action, scope),
            hidden: self.hidden,
            stage: Some(OWN_PROGRAM),
            grace: GRACE,
        };
        scope.emit(Event::RunStarted { path: action.path.clone(), user: user.name.clone() });
        let started = Instant::now();
        self.has_run.store(true, Ordering::SeqCst);
        let ended = self.run_watched(&program, scope)?;
        outcome(action, &ended, started, scope)
    }

    /// Runs a program, and ends it when it writes more than the request allows.
    fn run_watched(&self, program: &Program, scope: &Scope) -> Result<Ended, ActionError> {
        let run = |scope: &Scope| program.run(scope, self.reaper).map_err(ActionError::Run);
        let Some(limit) = self.plan.disk_limit else { return run(scope) };
        let full = Stop::default();
        let (done, is_done) = mpsc::channel::<()>();
        thread::scope(|threads| {
            let full = &full;
            let watch = move || {
                // The other end is dropped when the program has ended. Most have, before it is looked for the first time.
                let ended = || is_done.try_recv() == Err(TryRecvError::Disconnected);
                let waited = || is_done.recv_timeout(LOOK_AT_DISK) == Err(RecvTimeoutError::Timeout);
                if !waited() {
                    return;
                }
                let goes_on = || !ended();
                let mut disk = DiskWatch::below(Path::new("/"), program.user, limit, self.reaper, &goes_on);
                loop {
                    if disk.is_passed() {
                        full.ask(Stopped::DiskFull);
                    }
                    if let Some(budget) = &self.disk {
                        budget.is_used(disk.used());
                    }
                    if !waited() {
                        return;
                    }
                }
            };
            thread::Builder::new().name("disk".to_owned()).spawn_scoped(threads, watch)?;
            let ended = run(&scope.stoppable_by(full));
            drop(done);
            ended
        })
    }
}

/// How many files the program may have open; `None`: as many as the agent. Says where the container allows less.
fn open_files(action: &RunAction, scope: &Scope) -> Option<u64> {
    action.nofile().map(|limit| {
        rights::open_files(limit).unwrap_or_else(|limited| {
            let text = format!("{limited}; docker run --ulimit nofile={limit} allows more");
            scope.emit(Event::Warning { text });
            limited.allowed
        })
    })
}

/// Says how a program ended that began at `started`, and what that is for the action.
fn outcome(action: &RunAction, ended: &Ended, started: Instant, scope: &Scope) -> Result<(), ActionError> {
    let exceeded = match ended.stopped {
        Some(Stopped::DiskFull) => Some(LimitExceeded::Disk),
        _ => ended.out_of_memory.then_some(LimitExceeded::Memory),
    };
    if !action.suppress_log_output {
        let text = format!("Exit status {}{}", ended.status, LimitExceeded::behind_status(exceeded));
        scope.emit(Event::Progress { source: scope.log_source().to_owned(), text, failed: false });
    }
    let ms = milliseconds_since(started);
    scope.emit(Event::RunEnded { path: action.path.clone(), status: ended.status, ms });
    if ended.left > 0 {
        let text = format!("Ended {} that {} had left running", processes(ended.left), action.program());
        scope.emit(Event::Note { text });
    }
    match (ended.stopped, ended.status) {
        // Though it may have ended by itself in the very last moment, it has no room for what it wrote.
        (Some(Stopped::DiskFull), status) => Err(ActionError::Exited { path: action.path.clone(), status, exceeded }),
        (Some(reason), _) => Err(ActionError::Stopped(reason)),
        (None, 0) => Ok(()),
        (None, status) => Err(ActionError::Exited { path: action.path.clone(), status, exceeded }),
    }
}

fn processes(count: usize) -> String {
    if count == 1 { "a process".to_owned() } else { format!("{count} processes") }
}
