//! `logs`: shows what an app prints. Nothing is made that would have to go, so Ctrl-C simply ends it.

use super::place;
use crate::arguments::Logs;
use crate::backend::show_logs;
use crate::engine::LogRange;
use crate::failure::Failure;
use crate::screen::log_lines::LogWriter;
use crate::screen::trouble;
use crate::session::{Unconnected, run};
use jiff::{SignedDuration, Timestamp};
use shared_model::exit_code::ExitCode;
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
    let selected = place::selected(&*place, &app, &command.part())?;
    let mut writer = LogWriter::new(command.output, command.color);
    show_logs::show(&place, session, (&selected, range), &mut |line| writer.write(line))?;
    writer
        .end()
        .map_err(|error| Failure::new(ExitCode::CommandLine, format!("cannot write to standard output: {error}"), ""))
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
