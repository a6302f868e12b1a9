//! `logs`: shows what an app prints. Nothing is made that would have to go, so Ctrl-C simply ends it.

use super::place;
use crate::app_ref::AppRef;
use crate::arguments::Logs;
use crate::backend::show_logs;
use crate::engine::LogRange;
use crate::failure::Failure;
use crate::plan::apps::{ChooseError, LogLine, Part, choose};
use crate::screen::log_lines::LogWriter;
use crate::screen::trouble;
use crate::session::{Unconnected, run};
use crate::stagings;
use jiff::{SignedDuration, Timestamp};
use shared_model::application::Application;
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use shared_model::names::listed;
use shared_model::plain_line::escape_control;

/// Shows the app's lines.
pub(super) fn run_logs(command: Logs) -> ExitCode {
    run(trouble(), |_| Ok(()), move |session| show(session, &command))
}

#[expect(clippy::disallowed_methods, reason = "what somebody calls ten minutes ago is told by the clock on the wall")]
fn show(session: &Unconnected, command: &Logs) -> Result<(), Failure> {
    let app = command.app_ref()?;
    let since = command.since.as_deref().map(|text| since(text, Timestamp::now())).transpose()?;
    let range = LogRange { tail: Some(command.lines), since, follow: command.follows() };
    let place = place::to_look_at(session, command.cluster()?.as_ref())?;
    let mut writer = LogWriter::new(command.output, command.color);
    let is_whole = command.part() == Part::default();
    match choose(&place.apps()?, &app, &command.part()) {
        Ok(selected) => {
            let is_whole = selected.part == Part::default() && !selected.app.guid.is_empty();
            let staged = if is_whole { stagings::said_of(&selected.app.guid).lines } else { Vec::new() };
            let staged = among(staged, &range);
            show_logs::show(&place, session, (&selected, range), staged, &mut |line| writer.write(line))?;
        }
        // Its staging may have failed, so that nothing of it ever ran.
        Err(none @ ChooseError::NoApp { .. }) => {
            let staged = if is_whole { stagings::meant(&app) } else { Vec::new() };
            let [Application { guid, name, .. }] = &staged[..] else { return Err(several(&app, &staged, none)) };
            let text = format!("Nothing of {name} ({guid}) is here; this is its last staging");
            session.emit(Event::Note { text: escape_control(&text).into_owned() });
            let _ = among(stagings::said_of(guid).lines, &range).iter().try_for_each(|line| writer.write(line));
        }
        Err(error) => return Err(error.into()),
    }
    writer
        .end()
        .map_err(|error| Failure::new(ExitCode::CommandLine, format!("cannot write to standard output: {error}"), ""))
}

/// Why the last staging of what was typed is not shown: several could be meant, or none.
fn several(app: &AppRef, staged: &[Application], none: ChooseError) -> Failure {
    if staged.is_empty() {
        return none.into();
    }
    let guids = listed(staged.iter().map(|application| escape_control(&application.guid)));
    let text = format!(
        "nothing of \"{}\" is here, and stagings of several apps of that name are remembered: {guids}",
        escape_control(&app.word)
    );
    Failure::new(ExitCode::CommandLine, text, "name one by its guid")
}

/// Those of the lines that are wanted.
fn among(mut lines: Vec<LogLine>, range: &LogRange) -> Vec<LogLine> {
    lines.retain(|line| line.time >= range.since);
    let wanted = range.tail.and_then(|tail| usize::try_from(tail).ok()).unwrap_or(lines.len());
    lines.split_off(lines.len().saturating_sub(wanted))
}

/// A time, or how long ago it was.
fn since(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let ago = || text.parse::<SignedDuration>().ok().and_then(|ago| now.checked_sub(ago.abs()).ok());
    text.parse().ok().or_else(ago).ok_or_else(|| {
        let text = format!("--since {}: this is no time", escape_control(text));
        Failure::new(ExitCode::CommandLine, text, "write how long ago, such as 10m or 2h30m, or 2026-11-30T01:02:03Z")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_one_or_how_long_ago_it_was() {
        let now: Timestamp = "2026-11-30T01:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("10m", "2026-11-30T00:50:00Z"),
            ("1h30m", "2026-11-29T23:30:00Z"),
            ("30s", "2026-11-30T00:59:30Z"),
            ("2026-11-29T01:02:03.5+01:00", "2026-11-29T00:02:03.5Z"),
        ] {
            assert_eq!(since(text, now).unwrap(), expected.parse().unwrap(), "{text}");
        }
        for text in ["", "yesterday", "10", "2026-11-30", "999999999999h"] {
            assert_eq!(since(text, now).unwrap_err().code, ExitCode::CommandLine, "{text}");
        }
    }
}
