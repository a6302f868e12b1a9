//! The stage between the agent and a program: the agent's own binary, started as the program's user, which leaves the
//! agent's session, and with it the terminal that there may be, and then becomes the program. Between fork and exec the
//! agent itself could only do so with unsafe code.
//!
//! Standard input is a pipe at first: whoever could not become the program writes the system's error number there, and
//! its end, which comes with the program, says that all is well.
#![expect(clippy::disallowed_methods, reason = "reads the process's arguments, makes the command and opens /dev/null")]

use super::rights;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, fcntl_dupfd_cloexec, read, retry_on_intr, write};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{nice, setsid};
use rustix::stdio::{dup2_stdin, stdin};
use std::env;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

/// Itself, however it was started.
pub(crate) const OWN_PROGRAM: &str = "/proc/self/exe";
/// The first argument of a stage. No command of the agent is called so.
const STAGE: &str = "becomes-a-program";
/// The second where the limit of open files stays.
const UNLIMITED: &str = "-";
/// How long a program may take to begin. Milliseconds do, but not on every machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How far a program gives way to the agent where the two want the processor; others in other containers notice nothing.
/// The most: with a thousand processes that never rest, the agent has a tenth of it and not a thousandth.
const GIVES_WAY: i32 = 19;
/// Above the standard streams.
const FIRST_FREE: i32 = 3;
/// A shell's for a program that cannot be run; nobody looks at it.
const NOT_RUN: u8 = 127;

/// What is heard of a program that begins.
pub(super) struct Beginning(OwnedFd);

/// A command that makes `own`, an agent's binary, the program `path`, which may open so many files; `None`: as many as
/// the agent. Arguments, environment and the rest are the caller's.
///
/// # Errors
/// The system has no descriptors.
pub(super) fn command(own: &str, path: &str, open_files: Option<u64>) -> io::Result<(Command, Beginning)> {
    let (heard, told) = pipe_with(PipeFlags::CLOEXEC)?;
    let limit = open_files.map_or_else(|| UNLIMITED.to_owned(), |limit| limit.to_string());
    let mut command = Command::new(own);
    command.args([STAGE, &limit, path]).stdin(Stdio::from(told));
    Ok((command, Beginning(heard)))
}

impl Beginning {
    /// Waits until the program has begun. The command must be dropped before: it holds the pipe's other end.
    ///
    /// # Errors
    /// It has not; the error is what exec said.
    pub(super) fn wait(self) -> io::Result<()> {
        let patience = Timespec::try_from(PATIENCE).map_err(io::Error::other)?;
        let mut number = [0; 4];
        if retry_on_intr(|| poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&patience)))? == 0 {
            return Err(Errno::TIMEDOUT.into());
        }
        match retry_on_intr(|| read(&self.0, &mut number))? {
            0 => Ok(()),
            _ => Err(io::Error::from_raw_os_error(i32::from_ne_bytes(number))),
        }
    }
}

/// Becomes a program where this process was started as a stage, and then comes back only with a failure. `None`: it is the
/// agent.
pub(crate) fn stage() -> Option<ExitCode> {
    let mut words = env::args_os().skip(1);
    if words.next()? != STAGE {
        return None;
    }
    let error = become_program(words);
    // Where there is no pipe somebody plays with the word, and sees nothing happen.
    if let Ok(told) = error.1 {
        let _ = write(&told, &error.0.raw_os_error().unwrap_or(0).to_ne_bytes());
    }
    Some(NOT_RUN.into())
}

/// Gives the reason why it could not, and where to tell it.
fn become_program(mut words: impl Iterator<Item = OsString>) -> (io::Error, io::Result<OwnedFd>) {
    let told = fcntl_dupfd_cloexec(stdin(), FIRST_FREE).map_err(io::Error::from);
    let (Some(limit), Some(path)) = (words.next(), words.next()) else { return (Errno::INVAL.into(), told) };
    let limit = limit.to_str().and_then(|limit| limit.parse().ok());
    let leave = || -> io::Result<()> {
        dup2_stdin(openat(CWD, "/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)?;
        setsid()?;
        let _ = nice(GIVES_WAY); // it is no worse than the agent without
        limit.map_or(Ok(()), rights::have_open_files)
    };
    match leave() {
        Err(error) => (error, told),
        Ok(()) => (Command::new(path).args(words).exec(), told),
    }
}
