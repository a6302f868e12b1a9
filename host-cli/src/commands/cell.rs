//! `cell`: starts, ends, replaces and shows what keeps apps running, and is it in its container.

mod served;

use crate::arguments::{CellCommand, CellRun, CellStatus, ListOutput, ScreenOptions};
use crate::backend::apps::AppsBackend;
use crate::backend::docker::apps::AppsOnEngine;
use crate::backend::docker::cell::{self, told};
use crate::cell::keep::Keeper;
use crate::cell::record_file::{RecordFile, now};
use crate::failure::Failure;
use crate::pipeline::cell::OnEngine;
use crate::screen::cell as shown;
use crate::screen::{answer, screen, trouble};
use crate::session::{Session, Unconnected, run_command, run_without_engine};
use crate::state_folder;
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use std::sync::Arc;

/// What was typed behind `cell`.
pub(super) fn run(command: CellCommand) -> ExitCode {
    let nothing = || Ok(());
    match command {
        CellCommand::Start(command) => run_command(screen(command.screen_options()), nothing, move |session, ()| {
            cell::start(session, command.image(), command.socket.as_deref())
        }),
        CellCommand::Stop(command) => {
            run_command(screen(command.screen_options()), nothing, |session, ()| stop(session))
        }
        CellCommand::Upgrade(command) => run_command(screen(command.screen_options()), nothing, move |session, ()| {
            cell::upgrade(session, command.image(), command.socket.as_deref())
        }),
        CellCommand::Status(command) => run_without_engine(trouble(), move |session| status(session, &command)),
        CellCommand::Run(command) => be_it(command),
    }
}

/// Ends the cell. What was waiting to be started again then waits in vain: the engine starts again what runs, and nothing else.
fn stop(session: &Session) -> Result<(), Failure> {
    cell::stop(session)?;
    // The cell has ended, whatever comes of the look.
    let apps = AppsOnEngine::new(session).apps().unwrap_or_else(|failure| {
        session.emit(failure.warning());
        Vec::new()
    });
    for app in apps {
        for process in app.processes.iter().filter(|one| one.started == Some(true) && one.running() < one.wanted) {
            let (app, process_type) = (escape_control(app.subject()), escape_control(&process.process_type));
            let text = format!(
                "{app} has {} of {} instances ({process_type}) that run; `host-cli start APP` starts the others",
                process.running(),
                process.wanted
            );
            session.emit(Event::Warning { text });
        }
    }
    Ok(())
}

/// Shows the cell. Where there is none, programs get `null`.
fn status(unconnected: &Unconnected, command: &CellStatus) -> Result<(), Failure> {
    let session = unconnected.connect_to_look()?;
    let told = told(&*session.engine)?;
    let text = match (command.output, told) {
        (ListOutput::Json, told) => shown::json(told.as_ref()),
        (ListOutput::Table, Some(told)) => shown::text(&told),
        (ListOutput::Table, None) => {
            let text =
                "There is no cell on this engine; the engine starts again what ends. `host-cli cell start` starts one";
            session.emit(Event::Note { text: text.to_owned() });
            return Ok(());
        }
    };
    answer::write(&text).map(drop)
}

/// The cell itself, which ends with its process; or what is asked of it in its container.
fn be_it(command: CellRun) -> ExitCode {
    // Line by line: there is no heading for which notes would wait.
    let by_line = ScreenOptions { verbose: true, ..ScreenOptions::default() };
    let heard = if command.words.is_empty() { screen(by_line) } else { trouble() };
    run_without_engine(heard, move |unconnected| {
        let folder = state_folder::of_cell().ok_or_else(|| {
            let text =
                format!("`cell run` is for the cell's own container, which {} names a folder", state_folder::CELL);
            Failure::new(ExitCode::CommandLine, text, "`host-cli cell start` starts the cell")
        })?;
        if !command.words.is_empty() {
            return answer::write(served::serve(&folder, &command.words)?).map(drop);
        }
        served::prepare(&folder)?;
        let session = unconnected.connect()?;
        session.emit(Event::Note { text: "This is the cell: it keeps the apps of this engine running".to_owned() });
        let lives = Arc::new(OnEngine::new(&session));
        Keeper::new(lives, Arc::new(unconnected.clone()), RecordFile::new(folder)).run(now)
    })
}
