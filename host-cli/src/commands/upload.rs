//! Around the upload of a restage: asks before, where somebody can be asked, and finds afterwards whether Diego has the app with
//! a droplet that it can no longer get.

use crate::app_ref::AppRef;
use crate::arguments::Restage;
use crate::failure::Failure;
use crate::plan::restage::staging_request;
use crate::plan::upload::{Upload, app, question, runs_a_droplet, uploads};
use crate::requests::{self, Request, RequestError, RequestKind};
use crate::screen::question::{can_be_asked, is_agreed};
use crate::session::Unconnected;
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control_in_line;

/// Asks on a terminal whether the droplet of an app that Diego runs is to be replaced; goes on where nobody can be asked, or the
/// user has said it.
///
/// # Errors
/// It is not.
pub(super) fn ask(command: &Restage, request: &Request, upload: Upload) -> Result<(), Failure> {
    if upload != Upload::Unsaid || !uploads(&request.document) || !can_be_asked() {
        return Ok(());
    }
    match on_diego(command, request) {
        Some(app) if !is_agreed(&question(&escape_control_in_line(&app))) => Err(Failure::new(
            ExitCode::CommandLine,
            format!("nothing was staged: the droplet of {app} stays as it is"),
            "--no-upload stages without replacing it; --upload replaces it without a question",
        )),
        _ => Ok(()),
    }
}

/// The app, where this session has replaced the droplet with which Diego runs it, and nobody wanted just that.
pub(super) fn stranded(
    session: &Unconnected,
    command: &Restage,
    request: &Request,
    agent_options: &[String],
) -> Option<String> {
    let upload = Upload::typed(command.upload, command.no_upload, agent_options).ok()?;
    if upload == Upload::Unsaid && session.has_replaced_a_droplet() { on_diego(command, request) } else { None }
}

/// The request's app, where the logs hold a launch request of it with a droplet. Logs that cannot be read hold none.
fn on_diego(command: &Restage, request: &Request) -> Option<String> {
    let logs = command.log_options();
    let application = staging_request(&request.document).ok()?.application();
    if application.guid.is_empty() {
        return None;
    }
    let is_there = match requests::newest(RequestKind::Launch, Some(&AppRef::word(&application.guid)), &logs) {
        Ok(launch) => runs_a_droplet(&launch.document),
        Err(RequestError::NoProcess { .. }) => true, // several, and none of them web's
        Err(_) => false,
    };
    is_there.then(|| app(&application))
}
