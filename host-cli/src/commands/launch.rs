//! `launch`: starts an app's image as its newest launch request says.

use crate::arguments::Launch;
use crate::pipeline;
use crate::requests::{self, RequestKind};
use crate::screen::screen;
use crate::session::run_command;
use shared_model::exit_code::ExitCode;

/// Starts an app's image.
pub(super) fn run(command: Launch) -> ExitCode {
    let screen = screen(command.screen_options());
    let prepare = move || {
        let request = match &command.request {
            Some(file) => requests::from_file(file, RequestKind::Launch),
            None => requests::newest(RequestKind::Launch, command.app_ref()?.as_ref(), &command.log_options()),
        }?;
        Ok((request, command))
    };
    run_command(screen, prepare, |session, (request, command)| pipeline::launch(session, &request, &command))
}
