//! `app`: shows one app.

use super::place::selected;
use crate::arguments::{ListOutput, ShowApp};
use crate::backend::docker::apps::AppsOnEngine;
use crate::backend::docker::cell::{records, told};
use crate::cell::app_notes;
use crate::cell::record_file::now;
use crate::failure::Failure;
use crate::pipeline::life;
use crate::plan::apps::{Part, RunningApp};
use crate::screen::table::terminal_width;
use crate::screen::{answer, app_life, running_apps, trouble};
use crate::session::{Session, run_without_engine};
use shared_model::event::EventSink;
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control_in_line;

/// Shows the app.
pub(super) fn run(command: ShowApp) -> ExitCode {
    run_without_engine(trouble(), move |unconnected| {
        let app = command.app_ref()?;
        let session = unconnected.connect_to_look()?;
        let place = AppsOnEngine::new(&session);
        let mut app = selected(&place, &app, &Part::default())?.app;
        if !command.guid {
            place.look_closely(&mut app);
        }
        // What runs is shown all the same.
        let wish = life::remembered(&session, &app.guid, app.subject()).unwrap_or_else(|failure| {
            session.emit(failure.warning());
            None
        });
        if !command.guid {
            add_notes(&session, &mut app);
        }
        let text = match command.output {
            _ if command.guid => escape_control_in_line(&app.guid),
            ListOutput::Json => running_apps::json(std::slice::from_ref(&app)),
            ListOutput::Table => app_life::details(&app, wish.as_ref(), terminal_width()),
        };
        answer::write(&text).map(drop)
    })
}

/// Adds what the cell knows of what does not run; where it cannot be asked, that is said.
fn add_notes(session: &Session, app: &mut RunningApp) {
    let engine = &*session.engine;
    let asked = || {
        let records = records(engine)?.unwrap_or_default();
        let status = told(engine)?.and_then(|told| told.status).unwrap_or_default();
        Ok::<_, Failure>((records, status.waiting.into_iter().collect()))
    };
    let (records, waiting) = asked().unwrap_or_else(|failure| {
        session.emit(failure.warning());
        Default::default()
    });
    app_notes::add(app, &records, &waiting, now());
}
