//! Plain lines: the text of each event, on the stream where it belongs, and at the end how long each step took.

use crate::screen::summary::Summary;
use shared_model::event::{Event, EventSink, Stream};
use shared_model::plain_line::plain_line;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

/// See the module's text.
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
}

impl<Out: Write + Send, Err: Write + Send> EventSink for Plain<Out, Err> {
    fn emit(&self, event: Event) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.summary.note(&event);
        if let Event::Done { ms } = event {
            let table = streams.summary.table(ms);
            let _ = streams.out.write_all(table.as_bytes());
        }
        let Some(line) = plain_line(&event) else { return };
        let text = format!("{}\n", line.text);
        let _ = match line.stream {
            Stream::Out => streams.out.write_all(text.as_bytes()).and_then(|()| streams.out.flush()),
            Stream::Err => streams.err.write_all(text.as_bytes()).and_then(|()| streams.err.flush()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
}
