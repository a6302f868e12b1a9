//! Writes the stream of events: plain lines for people, or one JSON object a line for programs. The only file that
//! prints.
#![expect(clippy::disallowed_methods, reason = "writes standard output and standard error")]

use shared_model::event::{Event, EventSink, Stream};
use shared_model::plain_line::plain_line;
use std::io::{self, Write};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

/// What the stream looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OutputFormat {
    /// Lines for people, on stdout and stderr.
    #[default]
    Plain,
    /// All events on stdout, one JSON object a line.
    Json,
}

impl FromStr for OutputFormat {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "plain" => Ok(Self::Plain),
            "json" => Ok(Self::Json),
            _ => Err("it is plain or json".to_owned()),
        }
    }
}

/// Standard output and standard error. Lines of several threads do not mix.
pub(crate) struct Screen {
    format: OutputFormat,
    turn: Mutex<()>,
}

impl Screen {
    /// A stream in that form.
    pub(crate) const fn new(format: OutputFormat) -> Self {
        Self { format, turn: Mutex::new(()) }
    }
}

impl EventSink for Screen {
    fn emit(&self, event: Event) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        match self.format {
            OutputFormat::Json => write(Stream::Out, event.to_json_line()),
            OutputFormat::Plain => {
                if let Some(line) = plain_line(&event) {
                    write(line.stream, line.text.into_owned());
                }
            }
        }
    }
}

/// One line outside the stream: help, or what is wrong with the command line.
pub(crate) fn write(stream: Stream, mut line: String) {
    line.push('\n');
    let mut to: Box<dyn Write> = match stream {
        Stream::Out => Box::new(io::stdout().lock()),
        Stream::Err => Box::new(io::stderr().lock()),
    };
    // Nobody listens any more? The staging goes on: its droplet is what counts.
    let _ = to.write_all(line.as_bytes()).and_then(|()| to.flush());
}
