//! What an instance prints → lines: cut at line feeds and carriage returns, empty ones dropped, as Diego does; a long one in pieces.
//! Pure.

use crate::engine::LogPiece;
use jiff::Timestamp;
use shared_model::event::Stream;
use std::sync::Arc;

/// Bytes of a line. Diego: `MAX_MESSAGE_SIZE` in executor's `log_streamer`.
const LONGEST: usize = 61_440;
/// Bytes of a character in UTF-8.
const LONGEST_CHARACTER: usize = 4;

/// A line of an app. It is foreign text: whoever shows it makes it harmless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogLine {
    /// When its first byte was kept; `None`: nobody knows.
    pub(crate) time: Option<Timestamp>,
    /// `APP/PROC/WEB/0`.
    pub(crate) source: Arc<str>,
    /// Where it was printed.
    pub(crate) stream: Stream,
    /// Without its end, never empty.
    pub(crate) text: String,
}

/// Cuts what one source prints.
#[derive(Debug)]
pub(crate) struct LineCutter {
    source: Arc<str>,
    out: Partial,
    err: Partial,
}

/// A line that is not complete.
#[derive(Debug, Default)]
struct Partial {
    time: Option<Timestamp>,
    bytes: Vec<u8>,
}

impl LineCutter {
    /// Nothing has come of this source.
    pub(crate) fn new(source: &str) -> Self {
        Self { source: source.into(), out: Partial::default(), err: Partial::default() }
    }

    /// Takes the next piece; the lines that are complete.
    pub(crate) fn feed(&mut self, piece: LogPiece<'_>) -> Vec<LogLine> {
        let (source, partial) = self.of(piece.stream);
        let mut lines = Vec::new();
        let mut say = |partial: &mut Partial| lines.extend(partial.take(&source, piece.stream));
        for part in piece.bytes.split_inclusive(|byte| is_end(*byte)) {
            let (text, ends) = match part.split_last() {
                Some((last, text)) if is_end(*last) => (text, true),
                _ => (part, false),
            };
            let mut rest = text;
            while !rest.is_empty() {
                if partial.bytes.is_empty() {
                    partial.time = partial.time.or(piece.time);
                }
                let (taken, behind) = rest.split_at(rest.len().min(LONGEST - partial.bytes.len()));
                partial.bytes.extend_from_slice(taken);
                rest = behind;
                if partial.bytes.len() == LONGEST {
                    let begun = partial.bytes.split_off(cut(&partial.bytes));
                    let time = partial.time;
                    say(partial);
                    *partial = Partial { time, bytes: begun };
                }
            }
            if ends {
                say(partial);
            }
        }
        lines
    }

    /// Nothing more comes: what is left without an end.
    pub(crate) fn end(&mut self) -> Vec<LogLine> {
        let ends = |stream| {
            let (source, partial) = self.of(stream);
            partial.take(&source, stream)
        };
        [Stream::Out, Stream::Err].into_iter().filter_map(ends).collect()
    }

    fn of(&mut self, stream: Stream) -> (Arc<str>, &mut Partial) {
        let partial = match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        };
        (Arc::clone(&self.source), partial)
    }
}

impl Partial {
    /// What there is, as a line; `None`: nothing. It is empty after that.
    fn take(&mut self, source: &Arc<str>, stream: Stream) -> Option<LogLine> {
        let Self { time, bytes } = std::mem::take(self);
        let text = || String::from_utf8_lossy(&bytes).into_owned();
        (!bytes.is_empty()).then(|| LogLine { time, source: Arc::clone(source), stream, text: text() })
    }
}

const fn is_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// Where a full line can be cut without cutting a character.
fn cut(bytes: &[u8]) -> usize {
    let is_continued = |byte: u8| byte & 0b1100_0000 == 0b1000_0000;
    let last = (bytes.len() - LONGEST_CHARACTER..bytes.len()).rev().find(|at| !is_continued(bytes[*at]));
    let is_whole = |at: usize| std::str::from_utf8(&bytes[at..]).is_ok();
    last.filter(|at| !is_whole(*at)).unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Option<Timestamp> {
        Timestamp::from_second(second).ok()
    }

    fn piece(time: Option<Timestamp>, stream: Stream, text: &str) -> LogPiece<'_> {
        LogPiece { stream, time, bytes: text.as_bytes() }
    }

    #[test]
    fn lines_come_whole_with_the_time_of_their_beginning_and_empty_ones_not_at_all() {
        let mut cutter = LineCutter::new("APP/PROC/WEB/0");
        let mut lines = cutter.feed(piece(at(1), Stream::Out, "one\r\n\n\rtwo\nbegun "));
        lines.extend(cutter.feed(piece(at(2), Stream::Err, "error\n")));
        lines.extend(cutter.feed(piece(at(3), Stream::Out, "and ended\nlast")));
        lines.extend(cutter.end());
        lines.extend(cutter.end());
        let said: Vec<_> = lines.iter().map(|line| (line.time, line.stream, line.text.as_str())).collect();
        let (out, err) = (Stream::Out, Stream::Err);
        assert_eq!(
            said,
            [
                (at(1), out, "one"),
                (at(1), out, "two"),
                (at(2), err, "error"),
                (at(1), out, "begun and ended"),
                (at(3), out, "last"),
            ]
        );
    }

    #[test]
    fn a_line_of_any_length_comes_in_bounded_pieces_and_whole_characters() {
        let text = format!("x{}", "é".repeat(LONGEST));
        let mut cutter = LineCutter::new("s");
        let mut lines = Vec::new();
        for chunk in text.as_bytes().chunks(1000) {
            lines.extend(cutter.feed(LogPiece { stream: Stream::Out, time: at(7), bytes: chunk }));
        }
        lines.extend(cutter.end());
        assert_eq!(lines.iter().map(|line| line.text.as_str()).collect::<String>(), text);
        assert!(lines.iter().all(|line| line.text.len() <= LONGEST && line.time == at(7)), "{}", lines.len());
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_give_the_same_lines(
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b'\r'), Just(0xe2)], 0..200),
            size in 1_usize..20,
        ) {
            let cut = |size: usize| {
                let mut cutter = LineCutter::new("s");
                let feed = |chunk| cutter.feed(LogPiece { stream: Stream::Out, time: None, bytes: chunk });
                let mut lines: Vec<LogLine> = bytes.chunks(size).flat_map(feed).collect();
                lines.extend(cutter.end());
                lines
            };
            prop_assert_eq!(cut(size), cut(bytes.len().max(1)));
        }
    }
}
