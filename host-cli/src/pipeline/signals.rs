//! Ctrl-C, SIGTERM and a terminal that goes away, as values.

use crate::failure::Failure;
use crate::pipeline::road::Ended;
use shared_model::exit_code::ExitCode;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread;

/// Tells `road` of the first signal. A second one ends the process at once, should cleaning up take too long for the user.
pub(crate) fn watch(road: Sender<Ended>) -> Result<(), Failure> {
    const ENDING: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];
    let first_came = Arc::new(AtomicBool::new(false));
    for signal in ENDING {
        flag::register_conditional_default(signal, Arc::clone(&first_came)).map_err(|error| failed(&error))?;
    }
    let mut signals = Signals::new(ENDING).map_err(|error| failed(&error))?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            first_came.store(true, Ordering::SeqCst);
            let _ = road.send(Ended::BySignal(signal));
        }
    });
    Ok(())
}

fn failed(error: &std::io::Error) -> Failure {
    Failure::new(ExitCode::Bug, format!("signals cannot be caught: {error}"), "")
}
