//! A request from a file of its own, for `--request FILE`.

#![expect(clippy::disallowed_methods, reason = "the one place that opens a request's own file")]

use super::about::About;
use super::error::RequestError;
use super::log_file::LogFile;
use super::request::{Request, RequestKind};
use shared_model::document;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Bytes; a request in a log line may have as many.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Reads all of it. A byte order mark is no part of it, and UTF-16 is decoded.
pub(super) fn read(path: &Path, kind: RequestKind) -> Result<Request, RequestError> {
    let (log_file, text) = if path == Path::new("-") {
        (LogFile::StandardInput, read_text(io::stdin()))
    } else {
        (LogFile::File(path.to_owned()), File::open(path).and_then(read_text))
    };
    let document = text.map_err(|error| RequestError::unreadable(&log_file, &error))?;
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
    let mut bytes = Vec::new();
    source.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 16 MiB, which no request is"));
    }
    document::text(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_as_it_stands_and_its_app_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("request.json");
        let document =
            "{ \"log_guid\": \"g\", \"completion_callback_url\": \"http://s/v1/staging/the-guid/completed\" }\n";
        std::fs::write(&file, document).unwrap();
        let request = from_file(&file);
        assert_eq!(request.document, document);
        assert_eq!((request.application.guid.as_str(), request.staging_guid.as_deref()), ("g", Some("the-guid")));
        std::fs::write(&file, "not JSON").unwrap();
        assert_eq!(from_file(&file).document, "not JSON", "judging it is not done here");
    }

    #[test]
    fn a_request_that_notepad_or_powershell_wrote_is_the_same_request() {
        let folder = tempfile::tempdir().unwrap();
        let (file, document) = (folder.path().join("request.json"), "{\"log_guid\": \"g\"}\r\n");
        let marked = format!("\u{feff}{document}");
        for bytes in [marked.as_bytes().to_vec(), marked.encode_utf16().flat_map(u16::to_le_bytes).collect()] {
            std::fs::write(&file, bytes).unwrap();
            assert_eq!(from_file(&file).document, document);
            assert_eq!(from_file(&file).application.guid, "g");
        }
    }

    fn from_file(file: &Path) -> Request {
        read(file, RequestKind::Staging).unwrap()
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let missing = read(&folder.path().join("gone"), RequestKind::Launch).unwrap_err().to_string();
        assert!(missing.contains("gone: No such file"), "{missing}");
        let directory = read(folder.path(), RequestKind::Launch).unwrap_err().to_string();
        assert!(directory.to_lowercase().contains("is a directory"), "{directory}");
        let no_text = folder.path().join("no-text");
        std::fs::write(&no_text, b"{\xff").unwrap();
        assert!(read(&no_text, RequestKind::Launch).unwrap_err().to_string().ends_with(": not UTF-8 text (byte 2)"));
        let large = folder.path().join("large");
        std::fs::File::create(&large).unwrap().set_len(LARGEST + 1).unwrap();
        assert!(read(&large, RequestKind::Launch).unwrap_err().to_string().contains("larger than 16 MiB"));
    }
}
