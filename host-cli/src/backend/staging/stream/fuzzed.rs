//! What has to hold of the output of a staging container, whatever it prints. For the targets of `ci/fuzz`, and for the
//! replay of what they found.
#![allow(clippy::missing_panics_doc, reason = "a panic is how a target tells")]

use super::{EventStream, LONGEST_EVENT, Said};
use crate::backend::staging::shown;
use shared_model::event::{Event, LONGEST_LINE, Stream};
use shared_model::plain_line::{escape_control, plain_line};

/// What is never the container's to say: how a session begins and ends, what becomes of images, and of apps.
const OF_THE_HOST: [&str; 21] = [
    "app_ended",
    "deleted",
    "done",
    "export_progress",
    "exported",
    "exporting",
    "failed",
    "hello",
    "image",
    "kept",
    "launching",
    "next",
    "not_done",
    "pull_progress",
    "pulled",
    "pulling",
    "push_progress",
    "pushed",
    "pushing",
    "running",
    "stopped",
];

/// The first byte says how small the pieces are in which the others come. One that is zero means: on standard error too.
pub fn events(bytes: &[u8]) {
    let Some((&piece, bytes)) = bytes.split_first() else { return };
    let whole = said(&[bytes], Stream::Out);
    let pieces: Vec<&[u8]> = bytes.chunks(usize::from(piece).max(1)).collect();
    assert_eq!(said(&pieces, Stream::Out), whole, "what is said depends on how it comes");
    for said in &whole {
        judge(said);
    }
    for event in shown(whole) {
        let said = event.to_json_line();
        let name = said.split('"').nth(3).unwrap_or_default();
        assert!(!OF_THE_HOST.contains(&name), "a container cannot say this: {said}");
    }
    let on_stderr = said(&pieces, Stream::Err);
    assert!(on_stderr.iter().all(|said| matches!(said, Said::Foreign { .. } | Said::TooLong { .. })), "{on_stderr:?}");
}

fn said(pieces: &[&[u8]], from: Stream) -> Vec<Said> {
    let (mut stream, mut said) = (EventStream::default(), Vec::new());
    for piece in pieces {
        stream.feed(from, piece, &mut |something| said.push(something));
        assert!(stream.line(from).kept.len() <= LONGEST_EVENT, "the memory is not bounded");
    }
    stream.end(&mut |something| said.push(something));
    said
}

fn judge(said: &Said) {
    match said {
        Said::Event(event) => {
            let again = serde_json::from_str(&event.to_json_line());
            assert!(again.is_ok_and(|again: Event| again == *event), "{event:?} is written as something else");
            if let Some(line) = plain_line(event) {
                harmless(&line.text);
            }
        }
        Said::Foreign { stream, text } => {
            assert!(text.len() <= LONGEST_LINE + '…'.len_utf8());
            // Even where it looks like an event, as a line it stays one.
            let line = Event::Line { source: "stager".into(), stream: *stream, text: text.clone() };
            judge(&Said::Event(line));
        }
        Said::TooLong { bytes } => assert!(*bytes > LONGEST_EVENT),
        Said::Greeting | Said::OtherProtocol { .. } => {}
    }
}

/// Line by line, for a failure's text may have several: nothing in it moves the cursor.
fn harmless(text: &str) {
    for line in text.split('\n') {
        assert_eq!(escape_control(line), line, "a terminal obeys something in it");
    }
}
