//! Turns SIGTERM and SIGINT into a stop that everything sees.

use crate::session::scope::Stop;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::sync::Arc;
use std::thread;

/// From now on these signals end a staging in order instead of at once. As process 1 of a container the agent would not
/// get them otherwise.
///
/// # Errors
/// The system gives no handler or no thread.
pub(crate) fn into(stop: Arc<Stop>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    let wait = move || signals.forever().for_each(|signal| stop.by_signal(signal));
    thread::Builder::new().name("signals".to_owned()).spawn(wait).map(drop)
}
