//! Ctrl-C, SIGTERM and a terminal that goes away, as values.

use crate::failure::Failure;
use shared_model::exit_code::ExitCode;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

/// What ends a session.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Its own end.
    ByItself(Result<(), Failure>),
    /// The process got this signal.
    BySignal(i32),
}

/// A second signal counts only this long after the first: who presses Ctrl-C twice in a row, or has it sent by a shell
/// and by `timeout` too, does not want to leave a container behind that goes on to replace a droplet.
const SECOND_COUNTS_AFTER: Duration = Duration::from_secs(2);

/// Tells `session` of the first signal. One that comes later ends the process at once, should cleaning up take too long for
/// the user; what comes right after the first is the same wish and changes nothing.
pub(crate) fn watch(session: Sender<Ended>) -> Result<(), Failure> {
    const ENDING: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];
    let first_came = Arc::new(AtomicBool::new(false));
    for signal in ENDING {
        flag::register_conditional_default(signal, Arc::clone(&first_came)).map_err(|error| failed(&error))?;
    }
    let mut signals = Signals::new(ENDING).map_err(|error| failed(&error))?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            let _ = session.send(Ended::BySignal(signal));
            thread::sleep(SECOND_COUNTS_AFTER);
            first_came.store(true, Ordering::SeqCst);
        }
    });
    Ok(())
}

fn failed(error: &std::io::Error) -> Failure {
    Failure::new(ExitCode::Bug, format!("signals cannot be caught: {error}"), "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use signal_hook::low_level::raise;
    use std::sync::mpsc::channel;

    #[test]
    fn a_signal_right_after_the_first_does_not_end_the_process_before_it_has_cleaned_up() {
        let (tells, hears) = channel();
        watch(tells).unwrap();
        raise(SIGHUP).unwrap();
        assert!(matches!(hears.recv().unwrap(), Ended::BySignal(SIGHUP)));
        // Without the pause the test's process would end here.
        raise(SIGHUP).unwrap();
        assert!(hears.recv().is_err(), "the first signal is told, and only once");
    }
}
