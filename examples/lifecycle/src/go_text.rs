//! Errors in Go's words, which the real programs are written in.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitStatus;

/// An error of the system: lower case, without the number.
pub(crate) fn go_text(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

/// How a program ended, where it did not end with 0.
pub(crate) fn outcome(status: ExitStatus) -> Result<(), String> {
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) => Err(format!("exit status {code}")),
        (None, Some(signal)) => Err(format!("signal: {}", signal_name(signal))),
        (None, None) => Err("ended without a status".to_owned()),
    }
}

/// That a program did not start.
pub(crate) fn not_started(program: &Path, error: &io::Error) -> String {
    format!("fork/exec {}: {}", program.display(), go_text(error))
}

fn signal_name(signal: i32) -> String {
    match signal {
        1 => "hangup".to_owned(),
        2 => "interrupt".to_owned(),
        6 => "aborted".to_owned(),
        9 => "killed".to_owned(),
        11 => "segmentation fault".to_owned(),
        13 => "broken pipe".to_owned(),
        15 => "terminated".to_owned(),
        other => format!("signal {other}"),
    }
}
