//! `--keep`: the container stays, so that one can look around in it.
#![expect(clippy::disallowed_methods, reason = "opens /dev/null in place of standard input")]

use crate::session::scope::Scope;
use std::fs::File;
use std::thread;
use std::time::{Duration, Instant};

/// The longest stay.
pub(crate) const LONGEST: Duration = Duration::from_secs(60 * 60);
/// How soon a signal is noticed, and how often orphans of visitors are reaped.
const POLL: Duration = Duration::from_millis(100);

/// Comes back when a signal came, or after [`LONGEST`]. Standard input, which may hold the request, is closed.
/// `reap` is called every [`POLL`].
pub(crate) fn until_signal(scope: &Scope, reap: &dyn Fn()) {
    if let Ok(nothing) = File::open("/dev/null") {
        let _ = rustix::stdio::dup2_stdin(&nothing);
    }
    let until = Instant::now() + LONGEST;
    while scope.stopped().is_none() && Instant::now() < until {
        thread::sleep(POLL);
        reap();
    }
}
