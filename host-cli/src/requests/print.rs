//! `build-req`, `launch-req`, `build-cmd`, `launch-cmd`: prints requests and their run actions as they were logged.

use crate::arguments::{BuildCmd, BuildReq, LaunchCmd, LaunchReq};
use crate::failure::Failure;
use crate::requests::{Kind, Request, RequestError, newest, run_action};
use shared_model::event::Event;
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::plain_line;
use std::io::{self, Write};

/// Prints the newest staging request.
pub(crate) fn build_req(command: &BuildReq) -> Result<ExitCode, Failure> {
    let request = newest(Kind::Staging, command.app_ref()?.as_ref(), &command.log_options())?;
    print(&request, &request.document)
}

/// Prints the newest launch request.
pub(crate) fn launch_req(command: &LaunchReq) -> Result<ExitCode, Failure> {
    let request = newest(Kind::Launch, command.app_ref()?.as_ref(), &command.log_options())?;
    print(&request, &request.document)
}

/// Prints the builder's run action of the newest staging request.
pub(crate) fn build_cmd(command: &BuildCmd) -> Result<ExitCode, Failure> {
    let request = newest(Kind::Staging, command.app_ref()?.as_ref(), &command.log_options())?;
    print(&request, run_action::builder(&request.document).ok_or(RequestError::NoRun { program: "builder" })?)
}

/// Prints the launcher's run action of the newest launch request.
pub(crate) fn launch_cmd(command: &LaunchCmd) -> Result<ExitCode, Failure> {
    let request = newest(Kind::Launch, command.app_ref()?.as_ref(), &command.log_options())?;
    print(&request, run_action::launcher(&request.document).ok_or(RequestError::NoRun { program: "launcher" })?)
}

fn print(request: &Request, document: &str) -> Result<ExitCode, Failure> {
    warn(&request.warnings);
    write(document)
}

/// Says on standard error what could not be read; whether anybody listens changes nothing.
pub(super) fn warn(warnings: &[String]) {
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
