//! Reads the request: from standard input or a file, whole, and never more than any request has.
#![expect(clippy::disallowed_methods, reason = "reads standard input or the file that --request names")]

use crate::session::lease::Lease;
use serde_json::Deserializer;
use serde_json::value::RawValue;
use shared_model::document::{self, Encoding, NotText};
use shared_model::secret::Secret;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Cursor, IsTerminal, Read};
use std::path::Path;
use std::rc::Rc;

/// Far above what Diego takes; bounds what a wrong file costs.
const LARGEST: u64 = 16 * 1024 * 1024;
/// Bytes of the longest byte order mark, which is UTF-8's.
const LONGEST_MARK: u64 = 3;

/// Why there is no request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("standard input is a terminal, not a request")]
    Terminal,
    #[error("cannot read the request from {from}")]
    Unreadable {
        /// `standard input` or the file.
        from: String,
        #[source]
        source: io::Error,
    },
    /// Over [`LARGEST`].
    #[error("the request is larger than 16 MiB")]
    TooLong,
    #[error("the request is {0}")]
    NotText(NotText),
    /// One of several is no JSON, so nobody knows where the next begins.
    #[error("the request is not JSON (line {line}, column {column})")]
    NotJson {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
}

/// The text of the request in `file`, or on standard input.
///
/// # Errors
/// See [`RequestError`]. An empty text is no error here.
pub(crate) fn read(file: Option<&Path>, lease: &Lease) -> Result<Secret<String>, RequestError> {
    let (from, input) = open(file, lease)?;
    let mut bytes = Vec::new();
    let read = input.take(LARGEST + 1).read_to_end(&mut bytes);
    read.map_err(|source| RequestError::Unreadable { from, source })?;
    if bytes.len() as u64 > LARGEST {
        return Err(RequestError::TooLong);
    }
    document::text(bytes).map(Secret::new).map_err(RequestError::NotText)
}

/// The texts of the requests in `file`, or on standard input: JSON values with white space between them. They are read
/// one by one; after an error there are no more.
///
/// # Errors
/// The file cannot be opened; standard input is a terminal.
pub(crate) fn read_several(
    file: Option<&Path>,
    lease: &Lease,
) -> Result<impl Iterator<Item = Result<Secret<String>, RequestError>>, RequestError> {
    let (from, input) = open(file, lease)?;
    let input = in_utf_8(input, &from)?;
    let left = Rc::new(Cell::new(LARGEST));
    let each_bounded = EachBounded { input, left: Rc::clone(&left) };
    let texts = Deserializer::from_reader(BufReader::new(each_bounded)).into_iter::<Box<RawValue>>();
    Ok(texts.map(move |text| {
        let text = text.map_err(|error| match left.get() {
            0 => RequestError::TooLong,
            _ if error.is_io() => RequestError::Unreadable { from: from.clone(), source: error.into() },
            _ => RequestError::NotJson { line: error.line(), column: error.column() },
        })?;
        left.set(LARGEST);
        Ok(Secret::new(text.get().to_owned()))
    }))
}

/// What is read, as UTF-8 and without a byte order mark. UTF-16 is decoded as a whole, and so bounded as a whole.
fn in_utf_8(mut input: Box<dyn Read>, from: &str) -> Result<Box<dyn Read>, RequestError> {
    let unreadable = |source| RequestError::Unreadable { from: from.to_owned(), source };
    let mut bytes = Vec::new();
    (&mut input).take(LONGEST_MARK).read_to_end(&mut bytes).map_err(unreadable)?;
    let (Encoding::Utf8, mark) = document::encoding(&bytes) else {
        input.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > LARGEST {
            return Err(RequestError::TooLong);
        }
        let text = document::text(bytes).map_err(RequestError::NotText)?;
        return Ok(Box::new(Cursor::new(text)));
    };
    bytes.drain(..mark);
    Ok(Box::new(Cursor::new(bytes).chain(input)))
}

/// Reads no further when one of several requests is too long.
struct EachBounded {
    input: Box<dyn Read>,
    /// Bytes that this request may still have.
    left: Rc<Cell<u64>>,
}

impl Read for EachBounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            return Err(io::Error::other("no request is that long"));
        }
        let count = (&mut self.input).take(left).read(buffer)?;
        self.left.set(left.saturating_sub(count as u64));
        Ok(count)
    }
}

/// What is read, for people, and it opened.
fn open(file: Option<&Path>, lease: &Lease) -> Result<(String, Box<dyn Read>), RequestError> {
    let from = file.map_or("standard input".to_owned(), |path| path.display().to_string());
    let opened = match file {
        Some(path) => File::open(path).map(|file| -> Box<dyn Read> { Box::new(file) }),
        None if io::stdin().is_terminal() => return Err(RequestError::Terminal),
        None => lease.request(),
    };
    match opened {
        Ok(input) => Ok((from, input)),
        Err(source) => Err(RequestError::Unreadable { from, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_several_requests_is_bounded_and_all_of_them_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let read = |texts: &[String]| {
            let path = folder.path().join("requests");
            std::fs::write(&path, texts.join("\n")).unwrap();
            read_several(Some(&path), &Lease::default())
                .unwrap()
                .map(|text| text.map(|text| text.reveal().len()))
                .collect::<Vec<_>>()
        };
        let of = |mebibytes: usize| format!("\"{}\"", "x".repeat(mebibytes << 20));
        let [first, second, third] = &read(&[of(9), of(9), of(17)])[..] else { panic!("three, and no more") };
        let whole = (9 << 20) + 2;
        assert!(matches!((first, second), (Ok(one), Ok(two)) if *one == whole && *two == whole));
        assert!(matches!(third, Err(RequestError::TooLong)), "{third:?}");
        let unreadable = read_several(Some(folder.path()), &Lease::default()).err();
        assert!(matches!(unreadable, Some(RequestError::Unreadable { .. })), "{unreadable:?}");
        assert!(matches!(read(&["{".to_owned()])[..], [Err(RequestError::NotJson { .. })]));
    }

    #[test]
    fn requests_that_powershell_wrote_are_read_as_if_they_were_utf_8() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("requests");
        let text = "{\"a\": 1}\n{\"b\": 2}";
        let utf_16 =
            |mark: &str| format!("{mark}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        for bytes in [text.as_bytes().to_vec(), format!("\u{feff}{text}").into_bytes(), utf_16("\u{feff}"), utf_16("")]
        {
            std::fs::write(&path, &bytes).unwrap();
            let lease = Lease::default();
            let several: Vec<_> =
                read_several(Some(&path), &lease).unwrap().map(|text| text.unwrap().reveal().clone()).collect();
            assert_eq!(several, ["{\"a\": 1}", "{\"b\": 2}"], "{bytes:x?}");
            assert_eq!(super::read(Some(&path), &Lease::default()).unwrap().reveal(), text, "{bytes:x?}");
        }
        std::fs::write(&path, [b"\xff\xfe".to_vec(), vec![b' '; 16 << 20]].concat()).unwrap();
        let too_long = read_several(Some(&path), &Lease::default()).err();
        assert!(matches!(too_long, Some(RequestError::TooLong)), "{too_long:?}");
    }
}
