//! Plain lines: the text of each event, on the stream where it belongs, and at the end how long each step took.

use crate::screen::summary::Summary;
use shared_model::event::{Event, EventSink, Stream};
use shared_model::plain_line::{PlainLine, plain_line};
use std::io::Write;
use std::sync::{Mutex, PoisonError};

/// Two streams for people: what happens on one, what went wrong on the other.
pub(crate) struct Plain<Out, Err> {
    streams: Mutex<Streams<Out, Err>>,
}

struct Streams<Out, Err> {
    out: Out,
    err: Err,
    summary: Summary,
}

impl<Out: Write, Err: Write> Plain<Out, Err> {
    /// Writes to these two, a line at once. A reader that has gone away changes nothing.
    pub(crate) fn new(out: Out, err: Err) -> Self {
        Self { streams: Mutex::new(Streams { out, err, summary: Summary::default() }) }
    }

    /// The event's line, or lines, each behind this.
    pub(crate) fn line(&self, prefix: &str, event: &Event) {
        if let Some(line) = plain_line(event) {
            self.streams.lock().unwrap_or_else(PoisonError::into_inner).write(prefix, &line);
        }
    }
}

impl<Out: Write, Err: Write> Streams<Out, Err> {
    fn write(&mut self, prefix: &str, line: &PlainLine<'_>) {
        let text = format!("{prefix}{}\n", line.text.replace('\n', &format!("\n{prefix}")));
        let _ = match line.stream {
            Stream::Out => self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()),
            Stream::Err => self.err.write_all(text.as_bytes()).and_then(|()| self.err.flush()),
        };
    }
}

impl<Out: Write + Send, Err: Write + Send> EventSink for Plain<Out, Err> {
    fn emit(&self, event: Event) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.summary.note(&event);
        let table = match event {
            Event::Done { ms } => streams.summary.table(ms),
            Event::Failed { .. } => streams.summary.apps(),
            _ => String::new(),
        };
        let _ = streams.out.write_all(table.as_bytes());
        if let Some(line) = plain_line(&event) {
            streams.write("", &line);
        }
    }
}

/// Warnings, failures and notes only.
pub(super) struct Trouble<S>(pub(super) S);

impl<S: EventSink> EventSink for Trouble<S> {
    fn emit(&self, event: Event) {
        if matches!(event, Event::Note { .. } | Event::Warning { .. } | Event::Failed { .. }) {
            self.0.emit(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::recording::Recording;
    use shared_model::event::Step;

    #[test]
    fn lines_go_where_they_belong_and_the_steps_are_summed_up() {
        let screen = Plain::new(Vec::new(), Vec::new());
        for event in [
            Event::Note { text: "on its way".into() },
            Event::Warning { text: "look out \u{7}".into() },
            Event::StepEnded { step: Step::Fetch, ms: 3100 },
            Event::StepEnded { step: Step::Build, ms: 20_000 },
            Event::Done { ms: 23_500 },
        ] {
            screen.emit(event);
        }
        let Streams { out, err, .. } = screen.streams.into_inner().unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "======> on its way\n======> Fetched in 3.1s\n======> Built in 20.0s\n\
             \x20 fetch    3.1s\n  build   20.0s\n  total   23.5s\n======> Done in 23.5s\n"
        );
        assert_eq!(String::from_utf8(err).unwrap(), "warning: look out \\u{7}\n");
    }

    #[test]
    fn of_several_apps_every_line_names_its_own_and_a_table_how_each_ended() {
        let screen = Plain::new(Vec::new(), Vec::new());
        screen.line("one | ", &Event::Note { text: "on its way".into() });
        screen.line("two | ", &Event::Failed { code: 4, text: "a\nb".into(), advice: String::new() });
        let ended = |app: &str, code, image: &str, text: &str| Event::AppEnded {
            app: app.into(),
            code,
            ms: 4100,
            image: image.into(),
            text: text.into(),
            advice: String::new(),
        };
        screen.emit(ended("one", 0, "cf-app/one:latest", ""));
        screen.emit(ended("longer", 223, "", "no"));
        screen.emit(Event::Failed { code: 223, text: "1 of 2".into(), advice: String::new() });
        let Streams { out, err, .. } = screen.streams.into_inner().unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "one | ======> on its way\n======> Staged one in 4.1s\n\
             \x20 one     staged         4.1s  cf-app/one:latest\n  longer  failed (223)   4.1s\n"
        );
        assert_eq!(String::from_utf8(err).unwrap(), "two | error: a\ntwo |   b\nerror: longer: no\nerror: 1 of 2\n");
    }

    #[test]
    fn only_notes_warnings_and_failures_pass() {
        let recording = Recording::default();
        let screen = Trouble(recording);
        let failed = Event::Failed { code: 9, text: "no engine".into(), advice: String::new() };
        let warning = Event::Warning { text: "look out".into() };
        for event in [Event::StepStarted { step: Step::Build }, warning.clone(), failed.clone(), Event::Done { ms: 1 }]
        {
            screen.emit(event);
        }
        assert_eq!(screen.0.events(), [warning, failed]);
    }
}
