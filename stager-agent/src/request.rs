//! Reads the request: from standard input or a file, whole, and never more than any request has.
#![expect(clippy::disallowed_methods, reason = "reads standard input or the file that --request names")]

use serde_json::Deserializer;
use serde_json::value::RawValue;
use shared_model::secret::Secret;
use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Read};
use std::path::Path;

/// Far above what Diego takes; bounds what a wrong file costs.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Why there is no request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    /// Nobody pipes one in.
    #[error("standard input is a terminal, not a request")]
    Terminal,
    /// The file or the pipe fails.
    #[error("the request could not be read from {from}")]
    Unreadable {
        /// `standard input` or the file.
        from: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Over [`LARGEST`].
    #[error("more than 16 MiB: no request is that long")]
    TooLong,
    /// Not text.
    #[error("not UTF-8 text, so not JSON")]
    NotText,
    /// One of several is no JSON, so nobody knows where the next begins.
    #[error("not JSON (line {line}, column {column})")]
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
pub(crate) fn read(file: Option<&Path>) -> Result<Secret<String>, RequestError> {
    let named = |path: &Path| path.display().to_string();
    let from = file.map_or("standard input".to_owned(), named);
    let bytes = match file {
        Some(path) => File::open(path).and_then(bounded),
        None if io::stdin().is_terminal() => return Err(RequestError::Terminal),
        None => bounded(io::stdin().lock()),
    };
    let bytes = bytes.map_err(|source| RequestError::Unreadable { from, source })?;
    if bytes.len() as u64 > LARGEST {
        return Err(RequestError::TooLong);
    }
    String::from_utf8(bytes).map(Secret::new).map_err(|_| RequestError::NotText)
}

/// The texts of the requests in `file`, or on standard input: JSON values with white space between them. They are read
/// one by one; after an error there are no more.
///
/// # Errors
/// The file cannot be opened; standard input is a terminal.
pub(crate) fn read_several(
    file: Option<&Path>,
) -> Result<impl Iterator<Item = Result<Secret<String>, RequestError>>, RequestError> {
    let opened = |path: &Path| {
        let from = path.display().to_string();
        File::open(path).map_err(|source| RequestError::Unreadable { from, source })
    };
    let input: Box<dyn Read> = match file {
        Some(path) => Box::new(opened(path)?),
        None if io::stdin().is_terminal() => return Err(RequestError::Terminal),
        None => Box::new(io::stdin().lock()),
    };
    let texts = Deserializer::from_reader(BufReader::new(input)).into_iter::<Box<RawValue>>();
    Ok(texts.map(|text| {
        let text = text.map_err(|error| RequestError::NotJson { line: error.line(), column: error.column() })?;
        Ok(Secret::new(text.get().to_owned()))
    }))
}

fn bounded(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(LARGEST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
