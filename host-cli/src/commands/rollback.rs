//! `rollback` and `revisions`: what an app was before.

use super::place::on_engine;
use crate::arguments::{ListOutput, Revisions, Rollback};
use crate::pipeline::life;
use crate::plan::apps::Part;
use crate::screen::table::terminal_width;
use crate::screen::{answer, app_life, screen, trouble};
use crate::session::run_without_engine;
use shared_model::exit_code::ExitCode;
use std::collections::BTreeSet;

/// Starts an app as it was.
pub(super) fn run(command: Rollback) -> ExitCode {
    run_without_engine(screen(command.screen_options()), move |session| {
        let app = command.app_ref()?;
        let session = session.connect()?;
        life::rollback(&session, &on_engine(&session, &app, &Part::default())?, command.version)
    })
}

/// Lists what it was.
pub(super) fn list(command: Revisions) -> ExitCode {
    run_without_engine(trouble(), move |session| {
        let app = command.app_ref()?;
        let session = session.connect_to_look()?;
        let selected = on_engine(&session, &app, &Part::default())?;
        let wish = life::known(&session, &selected.app.guid, selected.app.subject())?;
        let mut there = BTreeSet::new();
        for image in wish.images() {
            if session.engine.image(image)?.is_some() {
                there.insert(image);
            }
        }
        let text = match command.output {
            ListOutput::Json => app_life::revisions_json(&wish, &there),
            ListOutput::Table => app_life::revisions(&wish, &there, terminal_width()),
        };
        answer::write(&text).map(drop)
    })
}
