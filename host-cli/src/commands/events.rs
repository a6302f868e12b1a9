//! `events`: what happened to an app.

use super::place::on_engine;
use crate::arguments::{Events, ListOutput};
use crate::backend::docker::cell::records;
use crate::cell::app_events::{Happened, crashed, done, ended, newest_first};
use crate::engine::{ContainerId, EngineError};
use crate::failure::Failure;
use crate::pipeline::life;
use crate::plan::apps::{Part, RunningApp};
use crate::screen::table::terminal_width;
use crate::screen::{answer, app_events, trouble};
use crate::session::{Session, run_without_engine};
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;

/// Shows them.
pub(super) fn run(command: Events) -> ExitCode {
    run_without_engine(trouble(), move |unconnected| {
        let app = command.app_ref()?;
        let session = unconnected.connect_to_look()?;
        let app = on_engine(&session, &app, &Part::default())?.app;
        let all = happened(&session, &app)?;
        match command.output {
            ListOutput::Json => answer::write(&app_events::json(&all)),
            ListOutput::Table if all.is_empty() => {
                session.emit(Event::Note { text: "No events found".to_owned() });
                return Ok(());
            }
            ListOutput::Table => answer::write(&app_events::table(&all, terminal_width())),
        }
        .map(drop)
    })
}

fn happened(session: &Session, app: &RunningApp) -> Result<Vec<Happened>, Failure> {
    let wish = life::remembered(session, &app.guid, app.subject())?;
    let mut all: Vec<Happened> = wish.iter().flat_map(|wish| &wish.events).map(done).collect();
    match records(&*session.engine)? {
        Some(records) => {
            all.extend(records.rows.iter().filter(|row| row.key.app_guid == app.guid).map(crashed));
        }
        None => all.extend(told_by_containers(session, app)?),
    }
    Ok(newest_first(all))
}

/// Of processes that are to run, what their containers tell.
fn told_by_containers(session: &Session, app: &RunningApp) -> Result<Vec<Happened>, EngineError> {
    let mut told = Vec::new();
    for process in app.processes.iter().filter(|process| process.wanted > 0) {
        for one in &process.instances {
            if let Some(container) = session.engine.container(&ContainerId(one.id.clone()))? {
                told.extend(ended(&process.process_type, one.index, &container));
            }
        }
    }
    Ok(told)
}
