//! `run-task`, `tasks` and `terminate-task`.

use super::place;
use crate::app_ref::{AppRef, AppRefError};
use crate::arguments::{ClusterPlace, Color, ListOutput, Output, RunTask, Tasks, TerminateTask};
use crate::backend::docker::apps::AppsOnEngine;
use crate::engine::LogRange;
use crate::failure::Failure;
use crate::pipeline::task::{StartedTask, TypedTask, run_task};
use crate::plan::apps::{LineCutter, Part, Selected};
use crate::plan::task::log_source;
use crate::screen::log_lines::LogWriter;
use crate::screen::table::terminal_width;
use crate::screen::{answer, tasks, trouble};
use crate::session::{Session, Unconnected, run_without_engine};
use serde_json::json;
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::{escape_control, escape_control_in_line};
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// How long an engine may take to notice the end of what it has shown to the end.
const NOTICE: Duration = Duration::from_secs(10);
/// Between two looks at that.
const POLL: Duration = Duration::from_millis(50);

/// Starts a task. With `--wait` its exit code is ours.
pub(super) fn start(command: RunTask) -> ExitCode {
    let status = Arc::new(OnceLock::new());
    let outcome = Arc::clone(&status);
    let code = run_without_engine(trouble(), move |session| {
        let (session, selected) =
            selected(session, "run-task", command.app_ref(), &command.part(), command.cluster()?.as_ref())?;
        let typed = TypedTask {
            process: None,
            command: command.line.as_deref(),
            name: command.name.as_deref(),
            size: command.size(),
        };
        let task = run_task(&session, &selected, &typed)?;
        if command.wait {
            let app = escape_control(selected.app.subject()).into_owned();
            session.emit(Event::Note { text: format!("task {} of {app} runs; Ctrl-C ends the waiting only", task.id) });
            let _ = outcome.set(wait(&session, &task, command.output)?);
            return Ok(());
        }
        answer::write(&told(&task, command.output)).map(drop)
    });
    code.or_remote(status.get().copied())
}

/// As cf says it, or for programs.
fn told(task: &StartedTask, output: Output) -> String {
    match output {
        Output::Plain => format!("task name:   {}\ntask id:     {}", escape_control_in_line(&task.name), task.id),
        Output::Json => json!({ "id": task.id, "name": task.name, "container": task.container_name }).to_string(),
    }
}

/// Shows what it prints, to its end; its exit status.
fn wait(session: &Session, task: &StartedTask, output: Output) -> Result<u8, Failure> {
    let mut cutter = LineCutter::new(&log_source(&task.name));
    let mut writer = LogWriter::new(output, Color::Auto);
    let range = LogRange { follow: true, ..LogRange::default() };
    session.engine.logs(&task.container, &range, &mut |piece| {
        cutter.feed(piece).iter().try_for_each(|line| writer.write(line))
    })?;
    let _: ControlFlow<()> = cutter.end().iter().try_for_each(|line| writer.write(line));
    writer.end().map_err(|error| {
        Failure::new(ExitCode::CommandLine, format!("cannot write to standard output: {error}"), "")
    })?;
    let deadline = Instant::now() + NOTICE;
    loop {
        match session.engine.container(&task.container)? {
            Some(container) if !container.running && container.ended > 0 => {
                return Ok(ExitCode::of_process(container.exit_status));
            }
            // Who read no more has waited enough.
            Some(_) if Instant::now() < deadline => thread::sleep(POLL),
            _ => {
                let text = format!("task {} was removed, or its output ended before it did", task.id);
                return Err(Failure::new(ExitCode::Engine, text, "`host-cli tasks APP` shows how far it is"));
            }
        }
    }
}

/// Lists tasks.
pub(super) fn list(command: Tasks) -> ExitCode {
    run_without_engine(trouble(), move |session| {
        let (session, selected) =
            selected(session, "tasks", command.app_ref(), &Part::default(), command.cluster()?.as_ref())?;
        let place = AppsOnEngine::new(&session);
        let row = |task| {
            let line = if command.show { place.command_of(&task)? } else { None };
            Ok::<_, Failure>((task, line))
        };
        let rows: Vec<tasks::Row> = place.tasks(&selected.app)?.into_iter().map(row).collect::<Result<_, _>>()?;
        match command.output {
            ListOutput::Json => answer::write(&tasks::json(&rows)),
            ListOutput::Table if rows.is_empty() => {
                session.emit(Event::Note { text: "No tasks found for application".to_owned() });
                return Ok(());
            }
            ListOutput::Table => answer::write(&tasks::table(&rows, terminal_width())),
        }
        .map(drop)
    })
}

/// Ends one.
pub(super) fn terminate(command: TerminateTask) -> ExitCode {
    run_without_engine(trouble(), move |session| {
        let meant = command.meant();
        let (app, id) = meant.map_err(|text| {
            Failure::new(ExitCode::CommandLine, text, "`host-cli terminate-task --help` shows what can be typed")
        })?;
        let (session, selected) =
            selected(session, "terminate-task", Ok(app), &Part::default(), command.cluster()?.as_ref())?;
        AppsOnEngine::new(&session).terminate(&selected.app, id)
    })
}

/// The app that is meant, on the engine.
fn selected(
    session: &Unconnected,
    verb: &str,
    app: Result<AppRef, AppRefError>,
    part: &Part,
    cluster: Option<&ClusterPlace>,
) -> Result<(Session, Selected), Failure> {
    let app = app?;
    let instead = match verb {
        "tasks" => "kubectl get jobs",
        "terminate-task" => "kubectl delete job NAME",
        _ => "kubectl create job NAME --image IMAGE -- COMMAND",
    };
    place::on_an_engine(verb, instead, cluster)?;
    let session = session.connect()?;
    let selected = place::on_engine(&session, &app, part)?;
    Ok((session, selected))
}
