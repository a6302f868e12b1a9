//! Runs one program as a user, says its output line by line, and ends it and all of its kind when the scope ends.
#![expect(clippy::disallowed_methods, reason = "makes the command and looks whether its files are there")]

use super::memory;
use super::output::{Outputs, Say};
use super::reaper::Reaper;
use super::session::{self, Beginning};
use super::user::User;
use crate::hidden::Hidden;
use crate::session::scope::{Scope, Stopped};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, geteuid, kill_process_group, waitid};
use shared_model::environment::EnvironmentVariable;
use shared_model::event::Event;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a program has between TERM and KILL. Diego's.
pub(crate) const GRACE: Duration = Duration::from_secs(10);
/// How long a killed program may take to be gone, before it is given up. Diego's.
const GIVE_UP: Duration = Duration::from_secs(60);
/// How long output is waited for that only a left process can still print.
const LINGER: Duration = Duration::from_secs(1);
/// How soon a stop is noticed.
const POLL: Duration = Duration::from_millis(50);
/// How often is looked for orphans that have ended, and for memory that runs out.
const LOOK: Duration = Duration::from_secs(1);
/// How often the kernel may have to end one of a program's processes for its memory. One that is given less than it needs
/// has lost some by then; one that multiplies has as many again, and would go on until the request's own time is up.
const MOST_KILLS: u64 = 50;

/// What to run and how.
pub(crate) struct Program<'a> {
    /// The program; there is no shell in between.
    pub(crate) path: &'a str,
    pub(crate) arguments: &'a [String],
    /// All of its environment.
    pub(crate) environment: &'a [EnvironmentVariable],
    pub(crate) directory: PathBuf,
    pub(crate) user: &'a User,
    /// Whether its lines are said.
    pub(crate) output: Output,
    /// What its lines are not to say.
    pub(crate) hidden: &'a Hidden,
    /// How many files it may have open; `None`: as many as the agent.
    pub(crate) open_files: Option<u64>,
    /// The agent's binary, which gives it a session of its own; `None`, for tests in which there is none: it stays in ours.
    pub(crate) stage: Option<&'a str>,
    /// The time between TERM and KILL: [`GRACE`].
    pub(crate) grace: Duration,
}

/// Whether a program's lines are said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// As [`Event::Line`]s.
    Shown,
    /// Not at all: `suppress_log_output`.
    Suppressed,
}

/// How a program ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Its exit status; 128 + signal where a signal ended it.
    pub(crate) status: i32,
    /// Why it was ended; `None`: it ended by itself.
    pub(crate) stopped: Option<Stopped>,
    /// Whether the kernel ended it, or one of its processes, for its memory.
    pub(crate) out_of_memory: bool,
    /// How many processes it had left behind, which were ended too.
    pub(crate) left: usize,
}

/// Why a program could not be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error("there is no {0}")]
    Missing(String),
    #[error("{0} cannot run: the interpreter of its first line, or its loader, is missing")]
    NoInterpreter(String),
    #[error("{path} cannot be run: its working directory {directory} is not there")]
    NoDirectory { path: String, directory: PathBuf },
    /// Anything else that the system says at the start.
    #[error("{path} cannot be started as {user}")]
    Start {
        path: String,
        user: String,
        #[source]
        source: io::Error,
    },
    /// The system lost it.
    #[error("{path} cannot be watched")]
    Watch {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("{0} does not end, although it was killed")]
    Immortal(String),
    #[error("{0} left processes running that cannot be ended")]
    LeftBehind(String),
}

impl Program<'_> {
    /// Runs it to its end, which comes early when `scope` ends.
    ///
    /// # Errors
    /// It could not be started or watched. A status other than 0 is not an error here.
    pub(crate) fn run(&self, scope: &Scope, reaper: &Reaper) -> Result<Ended, RunError> {
        let kills = memory::kills();
        let (mut command, beginning) = self.command().map_err(|error| self.not_started(error))?;
        let mut child = reaper.spawn(&mut command).map_err(|error| self.not_started(error))?;
        drop(command);
        let pid = Pid::from_child(&child);
        memory::goes_first(pid);
        memory::keep_own_program();
        if let Some(Err(error)) = beginning.map(Beginning::wait) {
            let _ = child.kill().and_then(|()| child.wait());
            reaper.forget(pid);
            return Err(self.not_started(error));
        }
        let mut say = |stream, text| {
            if self.output == Output::Shown {
                scope.emit(Event::Line { source: scope.log_source().to_owned(), stream, text });
            }
        };
        let mut outputs = Outputs::new(&mut child, self.hidden);
        let watched = self.watch(pid, &mut outputs, scope, reaper, kills + MOST_KILLS, &mut say);
        if watched.is_err() {
            reaper.end_all_at_once(pid);
        }
        // As long as it is not reaped its number stays its group's, so nobody else's group can be hit.
        outputs.drain(LINGER, &mut say);
        let _ = kill_process_group(pid, Signal::KILL);
        let left = reaper.end_orphans(pid);
        let stopped = match watched {
            Ok(_) if left.some_remain => {
                let _ = child.wait();
                reaper.forget(pid);
                return Err(RunError::LeftBehind(self.path.to_owned()));
            }
            Ok(stopped) => stopped,
            Err(error) => {
                reaper.forget(pid);
                return Err(error);
            }
        };
        outputs.drain(LINGER, &mut say);
        outputs.finish(&mut say);
        let status = child.wait();
        reaper.forget(pid);
        let status = status.map_err(|source| self.lost(source))?;
        let by_signal = || status.signal().map_or(-1, |signal| 128 + signal);
        let status = status.code().unwrap_or_else(by_signal);
        let out_of_memory = status != 0 && memory::kills() > kills;
        Ok(Ended { status, stopped, out_of_memory, left: left.ended })
    }

    /// Comes back when the program has ended, by itself, because the scope did or because the kernel has ended `most_kills`
    /// processes in all. It is not reaped yet.
    fn watch(
        &self,
        pid: Pid,
        outputs: &mut Outputs<'_>,
        scope: &Scope,
        reaper: &Reaper,
        most_kills: u64,
        say: Say,
    ) -> Result<Option<Stopped>, RunError> {
        let mut stopped = None;
        let mut end = End::Awaited;
        let mut look_at = Instant::now() + LOOK;
        loop {
            let is_over = outputs.follow(POLL, say);
            if has_ended(pid).map_err(|errno| self.lost(errno.into()))? {
                return Ok(stopped);
            }
            if is_over {
                // One of its own traces it: that it has ended shows only when the tracer has ended, too.
                reaper.end_all_at_once(pid);
            }
            let now = Instant::now();
            end = match end {
                End::Awaited => match scope.stopped() {
                    None => End::Awaited,
                    // It would only go on writing.
                    Some(Stopped::DiskFull) => {
                        stopped = Some(Stopped::DiskFull);
                        End::Asked { kill_at: now }
                    }
                    reason => {
                        stopped = reason;
                        let _ = kill_process_group(pid, Signal::TERM);
                        End::Asked { kill_at: now + self.grace }
                    }
                },
                End::Asked { kill_at } if now >= kill_at => {
                    let _ = kill_process_group(pid, Signal::KILL);
                    End::Forced { until: now + GIVE_UP }
                }
                End::Forced { until } if now >= until => return Err(RunError::Immortal(self.path.to_owned())),
                unchanged => unchanged,
            };
            if now >= look_at {
                let lacks_memory = matches!(end, End::Awaited) && memory::kills() >= most_kills;
                if lacks_memory && reaper.end_all_at_once(pid) {
                    end = End::Asked { kill_at: now }; // it could do nothing with being asked
                }
                reaper.reap();
                look_at = now + LOOK;
            }
        }
    }

    fn command(&self) -> io::Result<(Command, Option<Beginning>)> {
        let (mut command, beginning) = if let Some(own) = self.stage {
            let (command, beginning) = session::command(own, self.path, self.open_files)?;
            (command, Some(beginning))
        } else {
            let mut command = Command::new(self.path);
            command.stdin(Stdio::null()).process_group(0);
            (command, None)
        };
        command
            .args(self.arguments)
            .env_clear()
            .envs(self.environment.iter().map(|variable| (&variable.name, variable.value.reveal())))
            .current_dir(&self.directory)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if geteuid().is_root() {
            // With a user id given, std empties the supplementary groups.
            command.uid(self.user.uid).gid(self.user.gid);
        }
        Ok((command, beginning))
    }

    /// The system says "not found" of a program, of its interpreter and of its working directory alike.
    fn not_started(&self, source: io::Error) -> RunError {
        let path = self.path.to_owned();
        if source.kind() == io::ErrorKind::NotFound {
            if !self.directory.is_dir() {
                return RunError::NoDirectory { path, directory: self.directory.clone() };
            }
            let there = Path::new(self.path).exists();
            return if there { RunError::NoInterpreter(path) } else { RunError::Missing(path) };
        }
        RunError::Start { path, user: self.user.name.clone(), source }
    }

    fn lost(&self, source: io::Error) -> RunError {
        RunError::Watch { path: self.path.to_owned(), source }
    }
}

/// How far a program is on its way out.
enum End {
    /// By its own will, some day.
    Awaited,
    /// It got TERM.
    Asked { kill_at: Instant },
    /// It got KILL.
    Forced { until: Instant },
}

/// True when it has ended; it stays to be reaped.
fn has_ended(pid: Pid) -> Result<bool, rustix::io::Errno> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    waitid(WaitId::Pid(pid), options).map(|status| status.is_some())
}

#[cfg(test)]
mod tests;
