//! `requests`: lists what the logs hold.

use crate::arguments::Requests;
use crate::failure::Failure;
use shared_model::exit_code::ExitCode;

/// Lists the requests.
pub(crate) fn run(_command: &Requests) -> Result<ExitCode, Failure> {
    Err(Failure::new(ExitCode::Bug, "not built yet", ""))
}
