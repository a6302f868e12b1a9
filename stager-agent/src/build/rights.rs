//! What the agent gives up for good, so that nothing it starts has it: set on the agent itself, because it needs none
//! of it, and because that needs no code between fork and exec.

use rustix::fs::Mode;
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit, umask};
use rustix::thread::set_no_new_privs;
use std::io;

/// Below this many open files the agent itself could not go on: pipes, two uploads, a look at /proc.
const LEAST_OPEN_FILES: u64 = 64;
/// Diego's. With another one, what is unpacked and what a builder writes would have other modes.
const UMASK: Mode = Mode::from_raw_mode(0o022);
/// The first descriptor that a program does not inherit.
const FIRST_OF_OURS: i32 = 3;

/// The limit could not be set as the request wants it: the container's own is lower.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request allows {wanted} open files, this container only {allowed}")]
pub(crate) struct Limited {
    /// What the request says.
    pub(crate) wanted: u64,
    /// What holds instead.
    pub(crate) allowed: u64,
}

/// Gives up what no program of ours may have. Call it before any thread starts: threads inherit it.
///
/// # Errors
/// A kernel that knows none of this.
pub(crate) fn give_up() -> io::Result<()> {
    // No set-user-id program gives a buildpack more rights than its user has.
    set_no_new_privs(true)?;
    // A buildpack with the agent's user id must not read the agent's memory: the request in it holds passwords.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    umask(UMASK);
    // Whoever started the agent may have left descriptors open; ours are closed on exec already.
    close_fds::set_fds_cloexec(FIRST_OF_OURS, &[]);
    Ok(())
}

/// Sets how many files a program may have open, soft and hard. For good: only root may raise it again.
///
/// # Errors
/// The hard limit is lower and may not be raised; then the soft limit is raised to it.
pub(crate) fn limit_open_files(wanted: u64) -> Result<(), Limited> {
    let limit = wanted.max(LEAST_OPEN_FILES);
    let both = |limit| Rlimit { current: Some(limit), maximum: Some(limit) };
    if setrlimit(Resource::Nofile, both(limit)).is_ok() {
        return Ok(());
    }
    let allowed = getrlimit(Resource::Nofile).maximum.unwrap_or(limit);
    let _ = setrlimit(Resource::Nofile, both(allowed));
    Err(Limited { wanted, allowed })
}
