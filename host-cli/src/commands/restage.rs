//! `restage`: stages one app again, or several, and makes their images.

use super::batch;
use crate::arguments::Restage;
use crate::backend::docker::push::Target;
use crate::pipeline::{self, push_if_wanted};
use crate::screen::screen;
use crate::session::run_command;
use crate::settings::Settings;
use shared_model::exit_code::ExitCode;
use std::sync::Arc;

/// Stages an app again and makes its image.
pub(super) fn run(command: Restage, agent_options: Vec<String>, settings: Settings) -> ExitCode {
    if command.is_of_several() {
        return batch::restage(command, agent_options, settings);
    }
    let command = Arc::new(command);
    let typed = Arc::clone(&command);
    let prepare = move || {
        let target = Target::from_restage(&typed)?;
        Ok((target, pipeline::staging_request(&typed, typed.app_refs().first())?))
    };
    run_command(screen(command.screen_options()), prepare, move |session, (target, request)| {
        let image = pipeline::restage(session, &request, &command, &agent_options)?;
        push_if_wanted(session, image.as_ref(), target.as_ref())?;
        pipeline::propose_launch(session, &request, &command, &settings, image.as_ref());
        Ok(())
    })
}
