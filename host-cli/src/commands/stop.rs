//! `stop`: ends an app, or a part of it.

use super::place;
use crate::arguments::Stop;
use crate::plan::apps::Part;
use crate::screen::screen;
use crate::session::run_without_engine;
use shared_model::exit_code::ExitCode;

/// Stops the app.
pub(super) fn run(command: Stop) -> ExitCode {
    run_without_engine(screen(command.screen_options()), move |session| {
        let app = command.app_ref()?;
        let place = place::to_act_on(session, command.cluster()?.as_ref())?;
        place.stop(&place::selected(&*place, &app, &Part::default())?)
    })
}
