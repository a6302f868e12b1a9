//! `start`: starts an app that was stopped.

use super::place::on_engine;
use crate::arguments::Start;
use crate::pipeline::life;
use crate::plan::apps::Part;
use crate::screen::screen;
use crate::session::run_without_engine;
use shared_model::exit_code::ExitCode;

/// Starts what is meant and does not run.
pub(super) fn run(command: Start) -> ExitCode {
    run_without_engine(screen(command.screen_options()), move |session| {
        let app = command.app_ref()?;
        let session = session.connect()?;
        life::start(&session, &on_engine(&session, &app, &Part::default())?)
    })
}
