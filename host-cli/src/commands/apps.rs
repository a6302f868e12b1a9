//! `apps`: lists the apps that run.

use super::place;
use crate::arguments::{Apps, ListOutput};
use crate::screen::table::terminal_width;
use crate::screen::{answer, running_apps, trouble};
use crate::session::run_without_engine;
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;

/// Lists the apps.
pub(super) fn run(command: Apps) -> ExitCode {
    run_without_engine(trouble(), move |session| {
        let apps = place::to_look_at(session, command.cluster()?.as_ref())?.apps()?;
        match command.output {
            ListOutput::Json => answer::write(&running_apps::json(&apps)),
            ListOutput::Table if apps.is_empty() => {
                session.emit(Event::Note { text: "No apps found".to_owned() });
                return Ok(());
            }
            ListOutput::Table if command.quiet => answer::write(&running_apps::names(&apps)),
            ListOutput::Table => answer::write(&running_apps::table(&apps, terminal_width())),
        }
        .map(drop)
    })
}
