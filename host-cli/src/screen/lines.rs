//! Text on two streams: what happens on one, what went wrong on the other. What the text is, a [`Teller`] decides.

use crate::screen::look::Look;
use shared_model::event::{Event, EventSink, Stream};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Text of ours, perhaps of several lines, with colours. What is foreign in it has been made harmless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Where it belongs.
    pub(super) stream: Stream,
    /// Without its end.
    pub(super) text: String,
}

impl Line {
    /// On standard output.
    pub(super) fn out(text: impl Into<String>) -> Self {
        Self { stream: Stream::Out, text: text.into() }
    }

    /// On standard error.
    pub(super) fn err(text: impl Into<String>) -> Self {
        Self { stream: Stream::Err, text: text.into() }
    }

    /// See [`Look::sentence`]; not for what is foreign.
    pub(super) fn broken_at_words(self, look: Look) -> Self {
        Self { text: look.sentence(&self.text), ..self }
    }
}

/// Turns events into text.
pub(super) trait Teller: Send {
    /// What is to be said at this event, in order; it may be nothing.
    fn tell(&mut self, event: &Event) -> Vec<Line>;
}

impl Teller for Box<dyn Teller> {
    fn tell(&mut self, event: &Event) -> Vec<Line> {
        (**self).tell(event)
    }
}

/// The two streams, which several screens may share.
#[derive(Clone)]
pub(super) struct Streams {
    writers: Arc<Mutex<(Writer, Writer)>>,
    /// How text looks there.
    pub(super) look: Look,
}

type Writer = Box<dyn Write + Send>;

impl Streams {
    /// Standard output and standard error.
    pub(super) fn standard(look: Look) -> Self {
        Self::new(Box::new(io::stdout()), Box::new(io::stderr()), look)
    }

    /// Everything on standard error.
    pub(super) fn standard_error(look: Look) -> Self {
        Self::new(Box::new(io::stderr()), Box::new(io::stderr()), look.on_standard_error())
    }

    fn new(out: Writer, err: Writer, look: Look) -> Self {
        Self { writers: Arc::new(Mutex::new((out, err))), look }
    }

    /// Writes lines, each behind `prefix`. A reader that has gone away changes nothing: the session has to be gone to its end.
    fn write(&self, prefix: &str, lines: &[Line]) {
        let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        for line in lines {
            let text = self.look.fit(line.stream, &line.text).replace('\n', &format!("\n{prefix}"));
            let writer = match line.stream {
                Stream::Out => &mut writers.0,
                Stream::Err => &mut writers.1,
            };
            let _ = writer.write_all(format!("{prefix}{text}\n").as_bytes()).and_then(|()| writer.flush());
        }
    }
}

/// A screen of text.
pub(super) struct Lines {
    streams: Streams,
    prefix: String,
    teller: Mutex<Box<dyn Teller>>,
}

impl Lines {
    /// Says there what `teller` makes of each event.
    pub(super) fn new(streams: Streams, teller: impl Teller + 'static) -> Self {
        Self::behind(streams, "", teller)
    }

    /// The same, with `prefix` in front of every line.
    pub(super) fn behind(streams: Streams, prefix: &str, teller: impl Teller + 'static) -> Self {
        Self { streams, prefix: prefix.to_owned(), teller: Mutex::new(Box::new(teller)) }
    }

    fn teller(&self) -> MutexGuard<'_, Box<dyn Teller>> {
        self.teller.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSink for Lines {
    fn emit(&self, event: Event) {
        let mut teller = self.teller(); // until it is written, so that lines come in the order of their events
        let lines = teller.tell(&event);
        self.streams.write(&self.prefix, &lines);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::screen::rows::Rows;

    /// What was written so far.
    #[derive(Clone, Default)]
    pub(in crate::screen) struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Written {
        pub(in crate::screen) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    /// Streams in a pipe that a test can read.
    pub(in crate::screen) fn piped() -> (Written, Written, Streams) {
        let (out, err) = (Written::default(), Written::default());
        let streams = Streams::new(Box::new(out.clone()), Box::new(err.clone()), Look::plain(None));
        (out, err, streams)
    }

    #[test]
    fn lines_go_where_they_belong_each_behind_the_prefix_and_without_colours_in_a_pipe() {
        let (out, err, streams) = piped();
        let screen = Lines::behind(streams.clone(), "one | ", Rows::new(streams.look));
        screen.emit(Event::Line { source: "STG".into(), stream: Stream::Out, text: "\u{1b}[31mred\u{1b}[0m".into() });
        screen.emit(Event::Warning { text: "look out \u{7}".into() });
        screen.emit(Event::Failed { code: 4, text: "a\nb".into(), advice: "c".into() });
        assert_eq!(out.text(), "one |   red\n");
        assert_eq!(err.text(), "one | warning: look out \\u{7}\none | error: a\none |   b\none |   try: c\n");
    }
}
