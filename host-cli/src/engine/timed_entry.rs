//! An entry of a log that begins with its time, as engines and kubelets give one where they are asked for times. Pure.

use super::LogPiece;
use jiff::Timestamp;
use shared_model::event::Stream;
use std::ops::ControlFlow;

/// Characters of a time: `2026-11-30T01:02:03.123456789+00:00` and one more.
const LONGEST_TIME: usize = 36;

/// Takes the time off the beginning of each entry.
#[derive(Debug, Default)]
pub(crate) struct TimedEntry {
    /// What has come of the time that an entry begins with; `None`: it is read.
    head: Option<Vec<u8>>,
}

impl TimedEntry {
    /// An entry begins.
    pub(crate) fn begin(&mut self) {
        self.head = Some(Vec::new());
    }

    /// It ends. What has come of a time that never did is given as it is.
    pub(crate) fn end(
        &mut self,
        stream: Stream,
        output: &mut dyn FnMut(LogPiece<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match self.head.take() {
            Some(head) if !head.is_empty() => output(LogPiece { stream, time: None, bytes: &head }),
            _ => ControlFlow::Continue(()),
        }
    }

    /// The next bytes of the entry. What does not begin with a time is given as it is.
    pub(crate) fn feed(
        &mut self,
        stream: Stream,
        piece: &[u8],
        output: &mut dyn FnMut(LogPiece<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Some(mut head) = self.head.take() else { return output(LogPiece { stream, time: None, bytes: piece }) };
        let room = LONGEST_TIME - head.len();
        let end = piece.iter().take(room).position(|byte| *byte == b' ');
        let Some(end) = end else {
            let taken = room.min(piece.len());
            head.extend_from_slice(&piece[..taken]);
            if head.len() < LONGEST_TIME {
                self.head = Some(head);
                return ControlFlow::Continue(());
            }
            // No time stands there.
            output(LogPiece { stream, time: None, bytes: &head })?;
            return output(LogPiece { stream, time: None, bytes: &piece[taken..] });
        };
        head.extend_from_slice(&piece[..end]);
        let time = std::str::from_utf8(&head).ok().and_then(|text| text.parse::<Timestamp>().ok());
        if time.is_none() {
            head.push(b' ');
            output(LogPiece { stream, time, bytes: &head })?;
        }
        output(LogPiece { stream, time, bytes: &piece[end + 1..] })
    }
}
