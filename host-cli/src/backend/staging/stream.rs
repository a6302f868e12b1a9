//! What comes out of the staging container: bytes → events. The container is untrusted: a line may have any length, hold
//! anything and say anything, so memory is bounded, and what is no event is foreign text.

use serde::Deserialize;
use shared_model::event::{Event, LONGEST_LINE, PROTOCOL, Stream};

/// The longest line that may be an event. The longest honest one is a result: Diego allows 50 KiB of JSON, which
/// quoting at most doubles.
pub(crate) const LONGEST_EVENT: usize = 128 << 10;

/// Something that came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// The stream began with a `hello` of our protocol.
    Greeting,
    /// An event of our protocol.
    Event(Event),
    /// A line that is no event, at most [`LONGEST_LINE`] bytes and a mark where it was cut.
    Foreign {
        /// Where it was printed.
        stream: Stream,
        /// The line without its end.
        text: String,
    },
    /// A line too long to be an event; it was not kept.
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// The stream does not begin with a `hello` of our protocol. Nothing is said after this.
    OtherProtocol {
        /// What it begins with; `None` where that is no `hello`.
        protocol: Option<u32>,
    },
}

/// Reads both streams of a container as they come, in pieces of any size.
#[derive(Debug, Default)]
pub(crate) struct EventStream {
    out: Line,
    err: Line,
    greeting: Greeting,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Greeting {
    #[default]
    Awaited,
    Received,
    Refused,
}

impl EventStream {
    /// Takes the next piece of `stream`, and says what is complete.
    pub(crate) fn feed(&mut self, stream: Stream, mut bytes: &[u8], say: &mut dyn FnMut(Said)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.line(stream).push(&bytes[..end]);
            self.complete(stream, say);
            bytes = &bytes[end + 1..];
        }
        self.line(stream).push(bytes);
    }

    /// Says what was left without a line end.
    pub(crate) fn end(&mut self, say: &mut dyn FnMut(Said)) {
        for stream in [Stream::Out, Stream::Err] {
            if self.line(stream).length > 0 {
                self.complete(stream, say);
            }
        }
    }

    fn line(&mut self, stream: Stream) -> &mut Line {
        match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        }
    }

    fn complete(&mut self, stream: Stream, say: &mut dyn FnMut(Said)) {
        let line = std::mem::take(self.line(stream));
        if self.greeting == Greeting::Refused || line.length == 0 {
            return;
        }
        if line.length > LONGEST_EVENT {
            return say(Said::TooLong { bytes: line.length });
        }
        let text = String::from_utf8_lossy(&line.kept);
        let text = text.strip_suffix('\r').unwrap_or(&text);
        match named_event(text).filter(|_| stream == Stream::Out) {
            None => say(Said::Foreign { stream, text: cut(text) }),
            Some(name) => self.event(&name, text, say),
        }
    }

    fn event(&mut self, name: &str, text: &str, say: &mut dyn FnMut(Said)) {
        let event = serde_json::from_str(text).ok();
        match (self.greeting, event) {
            (Greeting::Awaited, Some(Event::Hello { protocol, .. })) if protocol == PROTOCOL => {
                self.greeting = Greeting::Received;
                say(Said::Greeting);
            }
            (Greeting::Awaited, event) => {
                self.greeting = Greeting::Refused;
                say(Said::OtherProtocol { protocol: protocol_of(name, text, event.as_ref()) });
            }
            // A name or a form that this version does not know is ignored, as the protocol asks.
            (_, None) => {}
            (_, Some(event)) => say(Said::Event(event)),
        }
    }
}

/// The name of the event that `text` is; `None` where it is none.
fn named_event(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        event: String,
    }
    serde_json::from_str::<Named>(text).ok().map(|named| named.event)
}

/// The protocol that a first event names, even when the rest of that `hello` has changed.
fn protocol_of(name: &str, text: &str, event: Option<&Event>) -> Option<u32> {
    #[derive(Deserialize)]
    struct AnyHello {
        protocol: u32,
    }
    match event {
        Some(Event::Hello { protocol, .. }) => Some(*protocol),
        _ if name == "hello" => serde_json::from_str::<AnyHello>(text).ok().map(|hello| hello.protocol),
        _ => None,
    }
}

/// At most [`LONGEST_LINE`] bytes of `text`, cut on a character's boundary and marked.
fn cut(text: &str) -> String {
    if text.len() <= LONGEST_LINE {
        return text.to_owned();
    }
    let end = (0..=LONGEST_LINE).rfind(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}…", &text[..end])
}

/// A line that is not complete yet: what is kept of it, and how long it is by now.
#[derive(Debug, Default)]
struct Line {
    kept: Vec<u8>,
    length: usize,
}

impl Line {
    fn push(&mut self, bytes: &[u8]) {
        let room = LONGEST_EVENT.saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.length = self.length.saturating_add(bytes.len());
    }
}

#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzed;
#[cfg(test)]
mod tests;
