//! The answer of a command that prints one on standard output, and what is said beside it.

use crate::failure::Failure;
use shared_model::event::Event;
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::plain_line;
use std::io::{self, Write};

/// Says on standard error what could not be read; whether anybody listens changes nothing.
pub(crate) fn warn(warnings: &[String]) {
    for text in warnings {
        let event = Event::Warning { text: text.clone() };
        if let Some(line) = plain_line(&event) {
            let _ = writeln!(io::stderr(), "{}", line.text);
        }
    }
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
