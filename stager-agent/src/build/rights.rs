//! What the agent gives up for good, so that nothing it starts has it: set on the agent itself, because it needs none
//! of it, and because that needs no code between fork and exec.

use super::user::User;
use rustix::fs::Mode;
use rustix::process::{
    DumpableBehavior, Gid, Resource, Rlimit, Uid, geteuid, getrlimit, set_dumpable_behavior, setrlimit, umask,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set, remove_capability_from_bounding_set,
    set_capabilities, set_no_new_privs, set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};
use std::io;
use std::panic::resume_unwind;
use std::thread;

/// Below this many open files few programs can be loaded, let alone work.
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

/// Starts a program that has no capability and can get none, whoever it runs as: neither by its user id nor by a file's.
/// What a thread gives up is its own, so the agent keeps what it needs.
///
/// # Errors
/// Those of `start`; the system gives no thread.
pub(crate) fn handing_on_none<T: Send>(start: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    in_a_thread(|| {
        for capability in CapabilitySet::all().iter() {
            // Refused to whoever is not root, who has none to hand on; and a kernel need not know them all.
            let _ = remove_capability_from_bounding_set(capability);
        }
        let _ = clear_ambient_capability_set();
        let sets = capabilities(None)?;
        set_capabilities(None, CapabilitySets { inheritable: CapabilitySet::empty(), ..sets })?;
        start()
    })
}

/// Does `act` with the rights of `user` where the agent is root: so whatever a builder has prepared, the agent does no
/// more than the builder itself could have done.
///
/// # Errors
/// Those of `act`; the system gives no thread, or not that user.
pub(crate) fn as_user<T: Send, E: From<io::Error> + Send>(
    user: &User,
    act: impl FnOnce() -> Result<T, E> + Send,
) -> Result<T, E> {
    if !geteuid().is_root() || user.uid == 0 {
        return act();
    }
    in_a_thread(|| {
        become_user(user)?;
        act()
    })
}

/// For this thread only, and for good. With the user id root's capabilities go.
fn become_user(user: &User) -> io::Result<()> {
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    set_thread_groups(&[])?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)?;
    Ok(())
}

fn in_a_thread<T: Send, E: From<io::Error> + Send>(act: impl FnOnce() -> Result<T, E> + Send) -> Result<T, E> {
    thread::scope(|threads| {
        let thread = thread::Builder::new().name("fewer rights".to_owned()).spawn_scoped(threads, act)?;
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// How many files a program may have open, soft and hard, where the request wants so many. The agent's own limit stays as
/// it is, but for the hard one, which has to be as high.
///
/// # Errors
/// The hard limit is lower and may not be raised; then a program has as many as that.
pub(crate) fn open_files(wanted: u64) -> Result<u64, Limited> {
    let limit = wanted.max(LEAST_OPEN_FILES);
    let own = getrlimit(Resource::Nofile);
    let Some(allowed) = own.maximum.filter(|maximum| *maximum < limit) else { return Ok(limit) };
    let raised = setrlimit(Resource::Nofile, Rlimit { maximum: Some(limit), ..own });
    raised.map(|()| limit).map_err(|_| Limited { wanted, allowed })
}

/// Sets how many files this process may have open, soft and hard, and whatever it becomes.
///
/// # Errors
/// They are more than the hard limit.
pub(super) fn have_open_files(limit: u64) -> io::Result<()> {
    Ok(setrlimit(Resource::Nofile, Rlimit { current: Some(limit), maximum: Some(limit) })?)
}
