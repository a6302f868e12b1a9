//! `build-req`, `launch-req`, `build-cmd`, `launch-cmd`: prints requests and their run actions as they were logged.

use crate::arguments::{BuildCmd, BuildReq, LaunchCmd, LaunchReq};
use crate::failure::Failure;
use crate::requests::{Kind, newest};
use shared_model::exit_code::ExitCode;
use std::io::{self, Write};

/// Prints the newest staging request.
pub(crate) fn build_req(command: &BuildReq) -> Result<ExitCode, Failure> {
    print(&newest(Kind::Staging, command.app.as_deref(), &command.log_options())?.document)
}

/// Prints the newest launch request.
pub(crate) fn launch_req(command: &LaunchReq) -> Result<ExitCode, Failure> {
    print(&newest(Kind::Launch, command.app.as_deref(), &command.log_options())?.document)
}

/// Prints the builder's run action of the newest staging request.
pub(crate) fn build_cmd(command: &BuildCmd) -> Result<ExitCode, Failure> {
    print(&newest(Kind::Staging, command.app.as_deref(), &command.log_options())?.document)
}

/// Prints the launcher's run action of the newest launch request.
pub(crate) fn launch_cmd(command: &LaunchCmd) -> Result<ExitCode, Failure> {
    print(&newest(Kind::Launch, command.app.as_deref(), &command.log_options())?.document)
}

/// Writes a document and a line end to standard output. A reader that has seen enough (`| head -1`) is no failure.
fn print(document: &str) -> Result<ExitCode, Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{document}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(ExitCode::CommandLine, format!("cannot write to standard output: {error}"), ""))
        }
        _ => Ok(ExitCode::Success),
    }
}
