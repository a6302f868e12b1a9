//! An app's lines as `cf logs` shows them, or as JSON, on standard output. What the app prints is made harmless: its colours pass where
//! there are any, and nothing else that a terminal would do something with.

use crate::arguments::{Color, Output};
use crate::plan::apps::LogLine;
use crate::screen::look::{Look, dim, red};
use jiff::Timestamp;
use serde::Serialize;
use shared_model::event::{Event, Stream};
use shared_model::json_text::harmless;
use shared_model::plain_line::{escape_control_in_line, plain_line};
use std::io::{self, Write};
use std::ops::ControlFlow;

/// Writes lines in the form that was asked for.
pub(crate) struct LogWriter {
    form: Form,
    /// Why no more could be written; somebody who has seen enough is no failure.
    failure: Option<io::Error>,
}

enum Form {
    Text(Look),
    Json,
}

impl LogWriter {
    /// To standard output.
    pub(crate) fn new(output: Output, color: Color) -> Self {
        let form = match output {
            Output::Plain => Form::Text(Look::new(color)),
            Output::Json => Form::Json,
        };
        Self { form, failure: None }
    }

    /// Writes a line; whether another one is wanted.
    pub(crate) fn write(&mut self, line: &LogLine) -> ControlFlow<()> {
        let text = match self.form {
            Form::Text(look) => text(look, line),
            Form::Json => json(line),
        };
        let mut out = io::stdout().lock();
        match writeln!(out, "{text}").and_then(|()| out.flush()) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failure = Some(error).filter(|error| error.kind() != io::ErrorKind::BrokenPipe);
                ControlFlow::Break(())
            }
        }
    }

    /// How the writing went.
    pub(crate) fn end(self) -> io::Result<()> {
        self.failure.map_or(Ok(()), Err)
    }
}

/// `   2026-11-30T01:02:03.45+0000 [APP/PROC/WEB/0] OUT hello`: three blanks, as cf has them.
fn text(look: Look, line: &LogLine) -> String {
    let head = format!("{} [{}] {}", time(line.time), escape_control_in_line(&line.source), stream(line.stream));
    let head = if line.stream == Stream::Err { red(head.trim_start()) } else { dim(head.trim_start()) };
    let event = Event::Line { source: String::new(), stream: line.stream, text: line.text.clone() };
    let shown = plain_line(&event).map(|line| line.text.into_owned()).unwrap_or_default();
    look.fit(Stream::Out, &format!("   {head} {shown}")).into_owned()
}

/// To a hundredth of a second, in UTC; empty where nobody knows.
fn time(time: Option<Timestamp>) -> String {
    time.map(|time| time.strftime("%Y-%m-%dT%H:%M:%S.%2f+0000").to_string()).unwrap_or_default()
}

const fn stream(stream: Stream) -> &'static str {
    match stream {
        Stream::Out => "OUT",
        Stream::Err => "ERR",
    }
}

/// A line for programs: as it was printed.
#[derive(Serialize)]
struct Row<'a> {
    /// RFC 3339; null: nobody knows.
    time: Option<String>,
    source: &'a str,
    stream: &'static str,
    text: &'a str,
}

fn json(line: &LogLine) -> String {
    let time = line.time.map(|time| time.to_string());
    let row = Row { time, source: &line.source, stream: stream(line.stream), text: &line.text };
    harmless(serde_json::to_string(&row).unwrap_or_default()) // texts: always JSON
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(stream: Stream, text: &str) -> LogLine {
        let time = "2026-11-30T01:02:03.456789Z".parse().ok();
        LogLine { time, source: "APP/PROC/WEB/0".into(), stream, text: text.to_owned() }
    }

    #[test]
    fn a_line_is_cfs_and_what_an_app_prints_does_nothing_to_a_terminal() {
        for (said, shown) in [
            (line(Stream::Out, "hello"), "   2026-11-30T01:02:03.45+0000 [APP/PROC/WEB/0] OUT hello"),
            (
                line(Stream::Err, "\u{1b}[2J\u{1b}]0;evil\u{7}"),
                "   2026-11-30T01:02:03.45+0000 [APP/PROC/WEB/0] ERR \\u{1b}[2J\\u{1b}]0;evil\\u{7}",
            ),
            (line(Stream::Out, "\u{1b}[31mred\u{1b}[0m"), "   2026-11-30T01:02:03.45+0000 [APP/PROC/WEB/0] OUT red"),
            (LogLine { time: None, ..line(Stream::Out, "x") }, "   [APP/PROC/WEB/0] OUT x"),
            (
                LogLine { source: "APP/PROC/\u{1b}[8m/0".into(), time: None, ..line(Stream::Out, "x") },
                "   [APP/PROC/\\u{1b}[8m/0] OUT x",
            ),
        ] {
            assert_eq!(text(Look::plain(None), &said), shown);
        }
    }

    #[test]
    fn programs_get_the_line_as_it_was_printed() {
        let said = json(&line(Stream::Err, "a\u{1b}[2J\"b"));
        let value: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!((&value["time"], &value["stream"]), (&"2026-11-30T01:02:03.456789Z".into(), &"ERR".into()));
        assert_eq!(value["text"], "a\u{1b}[2J\"b");
        assert!(!said.contains('\u{1b}'));
    }
}
