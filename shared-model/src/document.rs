//! The text of a whole document from a stranger's editor. JSON is UTF-8, but Notepad puts a byte order mark in front of
//! it and `PowerShell` writes UTF-16; both are meant as text.

use std::char::decode_utf16;

const MARK_UTF_8: &[u8] = b"\xef\xbb\xbf";
const MARK_UTF_16_LE: &[u8] = b"\xff\xfe";
const MARK_UTF_16_BE: &[u8] = b"\xfe\xff";

/// How the characters of a document are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// JSON's own, and what is taken for granted.
    Utf8,
    /// The low byte of a unit comes first.
    Utf16Le,
    /// The high byte of a unit comes first.
    Utf16Be,
}

/// A document has bytes that are no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not {} text (byte {byte})", if *.encoding == Encoding::Utf8 { "UTF-8" } else { "UTF-16" })]
pub struct NotText {
    /// What it was taken for.
    pub encoding: Encoding,
    /// The first bad one, from 1.
    pub byte: usize,
}

/// How a document that begins with `head` is written, and how many bytes its byte order mark has: 0 where it has none.
/// Two bytes tell UTF-16, three the mark of UTF-8; fewer are UTF-8. Without a mark `{` in two bytes is UTF-16.
#[must_use]
pub fn encoding(head: &[u8]) -> (Encoding, usize) {
    for (start, encoding, mark) in [
        (MARK_UTF_8, Encoding::Utf8, MARK_UTF_8.len()),
        (MARK_UTF_16_LE, Encoding::Utf16Le, MARK_UTF_16_LE.len()),
        (MARK_UTF_16_BE, Encoding::Utf16Be, MARK_UTF_16_BE.len()),
        (b"{\0", Encoding::Utf16Le, 0),
        (b"\0{", Encoding::Utf16Be, 0),
    ] {
        if head.starts_with(start) {
            return (encoding, mark);
        }
    }
    (Encoding::Utf8, 0)
}

/// The text of `document`, without its byte order mark. An empty document is an empty text.
///
/// # Errors
/// [`NotText`]
pub fn text(document: Vec<u8>) -> Result<String, NotText> {
    let (encoding, mark) = encoding(&document);
    let unit: fn([u8; 2]) -> u16 = match encoding {
        Encoding::Utf8 => return utf_8(document, mark),
        Encoding::Utf16Le => u16::from_le_bytes,
        Encoding::Utf16Be => u16::from_be_bytes,
    };
    let (units, odd) = document[mark..].as_chunks::<2>();
    let mut bytes = mark;
    let mut text = String::with_capacity(units.len());
    for read in decode_utf16(units.iter().map(|pair| unit(*pair))) {
        let character = read.map_err(|_| NotText { encoding, byte: bytes + 1 })?;
        bytes += 2 * character.len_utf16();
        text.push(character);
    }
    if odd.is_empty() { Ok(text) } else { Err(NotText { encoding, byte: bytes + 1 }) }
}

fn utf_8(mut document: Vec<u8>, mark: usize) -> Result<String, NotText> {
    document.drain(..mark);
    String::from_utf8(document).map_err(|error| {
        let byte = mark + error.utf8_error().valid_up_to() + 1;
        NotText { encoding: Encoding::Utf8, byte }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn utf_16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn a_document_reads_the_same_in_every_encoding_with_and_without_a_mark() {
        let json = "{\"name\": \"Käse 🧀\"}";
        let (little, big) = (utf_16(json, u16::to_le_bytes), utf_16(json, u16::to_be_bytes));
        for document in [
            json.as_bytes().to_vec(),
            [MARK_UTF_8, json.as_bytes()].concat(),
            [MARK_UTF_16_LE, &little].concat(),
            [MARK_UTF_16_BE, &big].concat(),
            little,
            big,
        ] {
            assert_eq!(text(document.clone()).as_deref(), Ok(json), "{document:x?}");
        }
    }

    #[test]
    fn a_document_of_nothing_but_a_mark_is_empty() {
        for mark in [MARK_UTF_8, MARK_UTF_16_LE, MARK_UTF_16_BE, b""] {
            assert_eq!(text(mark.to_vec()).as_deref(), Ok(""));
        }
    }

    #[test]
    fn a_mark_in_the_middle_is_a_character_like_any_other() {
        assert_eq!(text("{\u{feff}}".as_bytes().to_vec()).as_deref(), Ok("{\u{feff}}"));
    }

    #[test]
    fn bad_bytes_are_named_by_the_first_of_them() {
        for (document, told) in [
            (&b"{\"a\xff\"}"[..], "not UTF-8 text (byte 4)"),
            (b"\xef\xbb\xbf{\xff", "not UTF-8 text (byte 5)"),
            (b"\xff", "not UTF-8 text (byte 1)"),
            (b"\xff\xfe{\0}", "not UTF-16 text (byte 5)"),
            (b"{\0\x00\xd8}\0", "not UTF-16 text (byte 3)"),
            (b"\xfe\xff\0{\xdc\x00", "not UTF-16 text (byte 5)"),
        ] {
            assert_eq!(text(document.to_vec()).unwrap_err().to_string(), told, "{document:x?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_text_or_named(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Err(NotText { byte, .. }) = text(bytes.clone()) {
                prop_assert!((1..=bytes.len()).contains(&byte));
            }
        }
    }
}
