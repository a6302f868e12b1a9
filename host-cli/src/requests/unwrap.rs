//! What a collector of logs made of a line: Docker's json-file and CRI cut long lines into pieces, and both, as `kubectl logs
//! --timestamps`, put something around or in front. Text in front that is none of these is no concern here: JSON begins at the
//! first brace behind it ([`super::forms`]).

use jiff::Timestamp;
use serde::Deserialize;
use std::borrow::Cow;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Of which of a container's outputs a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Output = 0,
    Errors = 1,
}

/// A line of a log, without what a collector put around it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unwrapped<'a> {
    /// A whole line.
    Line(&'a [u8]),
    /// A piece of a line.
    Piece {
        stream: Stream,
        text: Cow<'a, [u8]>,
        /// The line ends with it.
        is_last: bool,
    },
}

/// Takes off what is known. Anything is taken.
pub(crate) fn unwrap(line: &[u8]) -> Unwrapped<'_> {
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line); // in front of what was appended to a file
    json_file(line).or_else(|| cri(line)).unwrap_or_else(|| Unwrapped::Line(without_timestamp(line)))
}

/// Whether lines of this kind may be cut into pieces.
pub(crate) fn is_in_pieces(line: &[u8]) -> bool {
    matches!(unwrap(line), Unwrapped::Piece { .. })
}

#[derive(Deserialize)]
struct JsonFile<'a> {
    #[serde(borrow)]
    log: Cow<'a, str>,
    stream: Option<&'a str>,
}

/// `{"log":"…\n","stream":"stdout","time":"…"}`; a piece that is not the last has no `\n`.
fn json_file(line: &[u8]) -> Option<Unwrapped<'_>> {
    let key = line.strip_prefix(b"{")?.trim_ascii_start().strip_prefix(b"\"log\"")?;
    key.trim_ascii_start().strip_prefix(b":")?;
    let JsonFile { log, stream } = serde_json::from_slice(line).ok()?;
    let stream = if stream == Some("stderr") { Stream::Errors } else { Stream::Output };
    let (text, is_last) = match log {
        Cow::Borrowed(log) => (Cow::Borrowed(log.as_bytes()), false),
        Cow::Owned(log) => {
            let mut log = log.into_bytes();
            let is_last = log.last() == Some(&b'\n');
            log.truncate(log.len() - usize::from(is_last));
            (Cow::Owned(log), is_last)
        }
    };
    Some(Unwrapped::Piece { stream, text, is_last })
}

/// `2026-11-28T20:00:00.123456789Z stdout F …`; `P` stands for a piece that is not the last.
fn cri(line: &[u8]) -> Option<Unwrapped<'_>> {
    let rest = behind_timestamp(line)?;
    let (stream, rest) = rest
        .strip_prefix(b"stdout ")
        .map(|rest| (Stream::Output, rest))
        .or_else(|| rest.strip_prefix(b"stderr ").map(|rest| (Stream::Errors, rest)))?;
    let (tags, text) = rest.split_at(memchr::memchr(b' ', rest)?);
    let is_last = match tags.split(|byte| *byte == b':').next()? {
        b"F" => true,
        b"P" => false,
        _ => return None,
    };
    Some(Unwrapped::Piece { stream, text: Cow::Borrowed(&text[1..]), is_last })
}

fn without_timestamp(line: &[u8]) -> &[u8] {
    behind_timestamp(line).unwrap_or(line)
}

/// What follows a time in RFC 3339 and a space.
fn behind_timestamp(line: &[u8]) -> Option<&[u8]> {
    const LONGEST: usize = 40; // 2026-11-28T20:00:00.123456789+01:00 has 35
    if line.get(4) != Some(&b'-') {
        return None;
    }
    let end = memchr::memchr(b' ', line.get(..LONGEST.min(line.len()))?)?;
    let time = std::str::from_utf8(&line[..end]).ok()?;
    time.parse::<Timestamp>().is_ok().then(|| &line[end + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(line: &str) -> (Stream, String, bool) {
        match unwrap(line.as_bytes()) {
            Unwrapped::Piece { stream, text, is_last } => {
                (stream, String::from_utf8_lossy(&text).into_owned(), is_last)
            }
            Unwrapped::Line(line) => panic!("a whole line: {}", String::from_utf8_lossy(line)),
        }
    }

    #[test]
    fn a_piece_tells_whether_its_line_goes_on() {
        for (line, expected) in [
            (r#"{"log":"{\"a\":1}\n","stream":"stdout","time":"t"}"#, (Stream::Output, "{\"a\":1}", true)),
            (r#"{"log": "{a", "stream": "stderr", "attrs": {"x": "y"}}"#, (Stream::Errors, "{a", false)),
            (r#"{"log":"\"\n\n"}"#, (Stream::Output, "\"\n", true)),
            ("2026-11-28T20:00:00.1Z stdout F {\"a\":1}", (Stream::Output, "{\"a\":1}", true)),
            ("2026-11-28T20:00:00.1+01:00 stderr P:x  b", (Stream::Errors, " b", false)),
            ("2026-11-28T20:00:00.1Z stdout F ", (Stream::Output, "", true)),
        ] {
            let (stream, text, is_last) = expected;
            assert_eq!(piece(line), (stream, text.to_owned(), is_last), "{line}");
        }
    }

    #[test]
    fn what_only_looks_like_a_wrapping_stays() {
        for line in [
            r#"{"log":{},"stream":"stdout"}"#,
            r#"{"log":"cut"#,
            r#"{"logs":"x"}"#,
            "2026-11-28 20:00:00 stdout F x",
            "stdout F x",
            "2026-13-28T20:00:00Z x",
        ] {
            assert_eq!(unwrap(line.as_bytes()), Unwrapped::Line(line.as_bytes()), "{line}");
        }
        assert_eq!(unwrap(b"2026-11-28T20:00:00Z stdout X y"), Unwrapped::Line(b"stdout X y"));
        assert_eq!(unwrap(b""), Unwrapped::Line(b""));
    }
}
