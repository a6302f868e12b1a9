//! Lines → records: pieces of a line are joined, and so are the lines over which an object is spread (`jq .`). Every other line
//! is a record as it stands.
//!
//! An object that is spread begins with a line that ends behind its brace, and ends with the line in which the closing brace
//! stands at the same place; what is between stands deeper. What does not hold to that is given line by line. Several may be
//! open at once, each behind a text of its own: lines of two machines come side by side. A time in that text may go on.

use super::backwards::Line;
use super::unwrap::{Stream, Unwrapped, unwrap};

/// Objects that may be open at once.
const MOST_OBJECTS: usize = 8;

/// Joins lines. What it holds is bounded: ten times `longest`.
pub(crate) struct Assembler {
    longest: usize,
    /// The pieces of a line of each stream of which more is to come, and where the line begins.
    pieces: [Option<Joined>; 2],
    /// Objects that have begun, the oldest first.
    objects: Vec<Object>,
    /// Records that were too long.
    pub(crate) overlong: u64,
}

struct Joined {
    text: Vec<u8>,
    offset: u64,
}

struct Object {
    /// What stands in front of its braces on each of its lines.
    indent: Vec<u8>,
    joined: Joined,
}

impl Assembler {
    /// Records longer than `longest` bytes are left out.
    pub(crate) fn new(longest: usize) -> Self {
        Self { longest, pieces: [None, None], objects: Vec::new(), overlong: 0 }
    }

    /// Takes the next line, and gives the records that end with it.
    pub(crate) fn line(&mut self, line: Line<'_>, visit: &mut dyn FnMut(Line<'_>)) {
        let Line { bytes, offset } = line;
        match unwrap(bytes) {
            Unwrapped::Line(text) => self.whole(Line { bytes: text, offset }, visit),
            Unwrapped::Piece { stream, text, is_last } => {
                self.piece(stream, Line { bytes: &text, offset }, is_last, visit);
            }
        }
    }

    /// Gives what is left when no line follows.
    pub(crate) fn end(&mut self, visit: &mut dyn FnMut(Line<'_>)) {
        for stream in [Stream::Output, Stream::Errors] {
            self.piece(stream, Line { bytes: b"", offset: 0 }, true, visit);
        }
        self.objects.drain(..).for_each(|object| object.give(visit));
    }

    fn piece(&mut self, stream: Stream, piece: Line<'_>, is_last: bool, visit: &mut dyn FnMut(Line<'_>)) {
        let slot = &mut self.pieces[stream as usize];
        if slot.is_none() && is_last {
            return self.whole(piece, visit);
        }
        let joined = slot.get_or_insert_with(|| Joined { text: Vec::new(), offset: piece.offset });
        if joined.text.len() <= self.longest {
            joined.text.extend_from_slice(piece.bytes);
        }
        if let Some(Joined { text, offset }) = slot.take_if(|_| is_last) {
            if text.len() > self.longest {
                self.overlong += 1;
            } else {
                self.whole(Line { bytes: &text, offset }, visit);
            }
        }
    }

    fn whole(&mut self, line: Line<'_>, visit: &mut dyn FnMut(Line<'_>)) {
        let taken = self.objects.iter_mut().enumerate().find_map(|(at, object)| match object.take(line.bytes) {
            Taken::No => None,
            taken => Some((at, taken)),
        });
        match taken {
            Some((at, Taken::Inside)) if self.objects[at].joined.text.len() > self.longest => {
                self.overlong += 1;
                self.objects.remove(at);
                return;
            }
            Some((at, Taken::End)) => return self.objects.remove(at).give(visit),
            // It may be a line that was cut.
            Some((at, Taken::Broken)) => self.objects.remove(at).give(visit),
            Some((_, Taken::Inside)) => return,
            Some((_, Taken::No)) | None => {}
        }
        match indent(line.bytes) {
            Some(indent) => {
                if self.objects.len() == MOST_OBJECTS {
                    self.objects.remove(0).give(visit);
                }
                let joined = Joined { text: line.bytes[indent.len()..].to_vec(), offset: line.offset };
                self.objects.push(Object { indent: indent.to_vec(), joined });
            }
            None if !line.bytes.is_empty() => visit(line),
            None => {}
        }
    }
}

/// What an open object makes of a line.
enum Taken {
    /// It goes on with it.
    Inside,
    /// It ends with it.
    End,
    /// It should have gone on.
    Broken,
    /// The line is none of its own.
    No,
}

impl Object {
    fn give(self, visit: &mut dyn FnMut(Line<'_>)) {
        visit(Line { bytes: &self.joined.text, offset: self.joined.offset });
    }

    fn take(&mut self, line: &[u8]) -> Taken {
        if line.trim_ascii().is_empty() {
            return Taken::Inside;
        }
        let Some((front, rest)) = line.split_at_checked(self.indent.len()) else { return Taken::No };
        if !is_alike(front, &self.indent) {
            return Taken::No;
        }
        let text = &mut self.joined.text;
        match rest.first() {
            Some(b'}') => {
                text.extend_from_slice(b"\n}");
                Taken::End
            }
            Some(b' ' | b'\t') => {
                text.push(b'\n');
                text.extend_from_slice(rest);
                Taken::Inside
            }
            _ => Taken::Broken,
        }
    }
}

/// Whether two texts of one length are the same but for the digits of times, `20:00:09`. Other digits tell machines apart.
fn is_alike(one: &[u8], other: &[u8]) -> bool {
    let is_time = |word: &[u8]| word.split(|byte| *byte == b':').count() == 3;
    let is_digit = |(one, other): (&u8, &u8)| one.is_ascii_digit() && other.is_ascii_digit();
    let is_same = |(one, other): (&[u8], &[u8])| {
        let both_times = || is_time(one) && one.len() == other.len();
        one == other || (both_times() && one.iter().zip(other).all(|pair| pair.0 == pair.1 || is_digit(pair)))
    };
    let (mut words, mut others) = (one.split(|byte| *byte == b' '), other.split(|byte| *byte == b' '));
    words.by_ref().zip(others.by_ref()).all(is_same) && words.next().is_none() && others.next().is_none()
}

/// What stands in front of the brace that a spread object begins with; `None` for any other line.
pub(crate) fn indent(line: &[u8]) -> Option<&[u8]> {
    let (last, indent) = line.trim_ascii_end().split_last()?;
    let is_value = indent.trim_ascii_end().ends_with(b"\":");
    (*last == b'{' && !is_value && !indent.contains(&b'{')).then_some(indent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn records(lines: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        let mut assembler = Assembler::new(1000);
        let mut visit = |line: Line<'_>| found.push(String::from_utf8_lossy(line.bytes).into_owned());
        for (at, line) in lines.iter().enumerate() {
            assembler.line(Line { bytes: line.as_bytes(), offset: at as u64 }, &mut visit);
        }
        assembler.end(&mut visit);
        found
    }

    #[test]
    fn a_spread_object_is_one_record_wherever_it_stands() {
        for (lines, expected) in [
            (&["{", "  \"a\": {", "    \"b\": 1", "  }", "}"][..], &["{\n  \"a\": {\n    \"b\": 1\n  }\n}"][..]),
            (&["[", "  {", "    \"a\": 1", "  },", "  {", "  }", "]"], &["[", "{\n  \"a\": 1\n}", "{\n}", "]"]),
            (&["d/0: stdout | {", "d/0: stdout |   \"a\": 1", "d/0: stdout | }"], &["{\n  \"a\": 1\n}"]),
            (
                &["2026-11-28T20:00:00Z {", "2026-11-28T20:00:01Z \t\"a\": 1", "2026-11-28T20:00:02Z }\r"],
                &["{\n\t\"a\": 1\n}"],
            ),
            (&["d/0: | {", "d/1: | {", "d/0: |   \"a\": 1", "d/1: | }", "d/0: | }"], &["{\n}", "{\n  \"a\": 1\n}"]),
            (
                &["Nov 28 20:00:09 vm s[1]: {", "Nov 28 20:00:10 vm s[1]:   \"a\": 1", "Nov 28 20:00:10 vm s[1]: }"],
                &["{\n  \"a\": 1\n}"],
            ),
            (&["d/0: | {", "noise", "d/0: | }"], &["noise", "{\n}"]),
            (&["{\r", "  \"a\": 1\r", "\r", "}\r"], &["{\r\n  \"a\": 1\r\n}"]),
        ] {
            assert_eq!(records(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn an_object_that_is_cut_hides_nothing_behind_it() {
        let lines = ["{", "  \"a\": {", "{\"whole\":1}", "{", "  \"b\": 1", "}", "{"];
        assert_eq!(records(&lines), ["{\n  \"a\": {", "{\"whole\":1}", "{\n  \"b\": 1\n}", "{"]);
    }

    #[test]
    fn pieces_of_two_streams_are_joined_each_for_itself() {
        let lines = [
            "2026-11-28T20:00:00Z stdout P {\"a\":",
            "2026-11-28T20:00:00Z stderr F noise",
            "2026-11-28T20:00:00Z stdout F 1}",
            "2026-11-28T20:00:00Z stderr P cut",
        ];
        assert_eq!(records(&lines), ["noise", "{\"a\":1}", "cut"]);
    }

    #[test]
    fn a_record_that_is_too_long_is_counted_and_not_kept() {
        let mut assembler = Assembler::new(10);
        let mut visit = |_: Line<'_>| panic!("too long");
        for bytes in [&b"2026-11-28T20:00:00Z stdout P 123456"[..], b"2026-11-28T20:00:00Z stdout P 123456"] {
            assembler.line(Line { bytes, offset: 0 }, &mut visit);
        }
        assembler.line(Line { bytes: b"2026-11-28T20:00:00Z stdout F ", offset: 0 }, &mut visit);
        for bytes in [&b"{"[..], b"  12345", b"  12345"] {
            assembler.line(Line { bytes, offset: 0 }, &mut visit);
        }
        assert_eq!(assembler.overlong, 2);
    }

    proptest! {
        #[test]
        fn a_document_that_is_spread_by_any_indent_is_found(
            document in "[a-z{}\\[\\]\", :]{0,30}", prefix in "([a-z]{1,8}/0: stdout \\| )?", indent in "( {1,4}|\t)",
        ) {
            let value = serde_json::json!({"text": document, "list": [{"a": [1, {}]}, document], "empty": {}});
            let mut text = Vec::new();
            let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
            serde::Serialize::serialize(&value, &mut serde_json::Serializer::with_formatter(&mut text, formatter)).unwrap();
            let text = String::from_utf8(text).unwrap();
            let lines: Vec<String> = text.lines().map(|line| format!("{prefix}{line}")).collect();
            let found = records(&lines.iter().map(String::as_str).collect::<Vec<_>>());
            prop_assert_eq!(found, [text]);
        }
    }
}
