//! A request from a file of its own, for `--request FILE`.

#![expect(clippy::disallowed_methods, reason = "the one place that opens a request's own file")]

use super::about::About;
use super::error::RequestError;
use super::places::Place;
use super::{Kind, Request};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Bytes; a request in a log line may have as many.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Reads all of it.
pub(super) fn read(path: &Path, kind: Kind) -> Result<Request, RequestError> {
    let (place, text) = if path == Path::new("-") {
        (Place::StandardInput, read_text(io::stdin()))
    } else {
        (Place::File(path.to_owned()), File::open(path).and_then(read_text))
    };
    let document = text.map_err(|error| RequestError::unreadable(&place, &error))?;
    let about = About::document(&document);
    Ok(Request {
        kind,
        document,
        time: None,
        staging_guid: Some(about.staging_guid).filter(|guid| !guid.is_empty()),
        application: about.application,
        warnings: Vec::new(),
    })
}

fn read_text(source: impl Read) -> io::Result<String> {
    let mut text = String::new();
    source.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 16 MiB, which no request is"));
    }
    Ok(text)
}
