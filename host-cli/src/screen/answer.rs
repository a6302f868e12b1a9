//! The answer of a command that prints one on standard output, and what is said beside it.

use crate::failure::Failure;
use crate::screen::trouble;
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use std::io::{self, Write};
use std::process;

/// Says on standard error what could not be read; whether anybody listens changes nothing.
pub(crate) fn warn(warnings: &[String]) {
    let screen = trouble();
    for text in warnings {
        screen.emit(Event::Warning { text: text.clone() });
    }
}

/// Says how a command ended, unless it has said so itself, and gives the process's exit status. What was asked for
/// (help, the version) goes to standard output, what went wrong to standard error. Nobody may be listening any more;
/// that changes nothing.
pub(crate) fn ending(outcome: Result<ExitCode, Failure>) -> process::ExitCode {
    let failure = match outcome {
        Ok(code) => return code.into(),
        Err(failure) => failure,
    };
    if failure.code == ExitCode::Success {
        let _ = writeln!(io::stdout(), "{}", failure.text);
    } else {
        trouble().emit(failure.event());
    }
    failure.code.into()
}

/// Writes a document and a line end to standard output. A reader that has seen enough (`| head -1`) is no failure.
pub(crate) fn write(document: &str) -> Result<ExitCode, Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{document}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(ExitCode::CommandLine, format!("cannot write to standard output: {error}"), ""))
        }
        _ => Ok(ExitCode::Success),
    }
}
