//! `build-req`, `launch-req`, `build-cmd`, `launch-cmd`: prints requests and their run actions as they were logged.

use crate::arguments::{BuildCmd, BuildReq, LaunchCmd, LaunchReq};
use crate::failure::Failure;
use crate::requests::{Process, Request, RequestError, RequestKind, newest, newest_of_process, run_action};
use crate::screen::answer;
use shared_model::exit_code::ExitCode;

/// Prints the newest staging request.
pub(crate) fn build_req(command: &BuildReq) -> Result<ExitCode, Failure> {
    let request = newest(RequestKind::Staging, command.app_ref()?.as_ref(), &command.log_options())?;
    print(&request, &request.document)
}

/// Prints the newest launch request.
pub(crate) fn launch_req(command: &LaunchReq) -> Result<ExitCode, Failure> {
    let process = command.process.as_deref().map_or(Process::Usual, Process::Type);
    let request = newest_of_process(command.app_ref()?.as_ref(), process, &command.log_options())?;
    print(&request, &request.document)
}

/// Prints the builder's run action of the newest staging request.
pub(crate) fn build_cmd(command: &BuildCmd) -> Result<ExitCode, Failure> {
    let request = newest(RequestKind::Staging, command.app_ref()?.as_ref(), &command.log_options())?;
    print(&request, run_action::builder(&request.document).ok_or(RequestError::NoRun { program: "builder" })?)
}

/// Prints the launcher's run action of the newest launch request.
pub(crate) fn launch_cmd(command: &LaunchCmd) -> Result<ExitCode, Failure> {
    let process = command.process.as_deref().map_or(Process::Usual, Process::Type);
    let request = newest_of_process(command.app_ref()?.as_ref(), process, &command.log_options())?;
    print(&request, run_action::launcher(&request.document).ok_or(RequestError::NoRun { program: "launcher" })?)
}

fn print(request: &Request, document: &str) -> Result<ExitCode, Failure> {
    answer::warn(&request.warnings);
    answer::write(document)
}
