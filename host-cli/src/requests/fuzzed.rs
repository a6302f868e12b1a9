//! What has to hold of a log, whatever bytes it has. For the targets of `ci/fuzz`, and for the replay of what they found.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a panic is how a target tells")]

use super::backwards::{Bounds, LinesFromEnd};
use super::forwards::each_line;
use super::log_file::LogOptions;
use super::log_line::{LineFilter, time_of_line};
use super::{RequestError, RequestKind, dependencies, find, history};
use std::io::{BufReader, Cursor, Write as _};
use tempfile::NamedTempFile;

/// A line and where it begins.
type Found = (u64, Vec<u8>);

/// A log, read from its end, from its beginning, and as the commands do: all find the same requests.
pub fn log_lines(bytes: &[u8]) {
    let [block, longest, ..] = *bytes else { return };
    let bounds = Bounds { block: usize::from(block) + 1, longest: usize::from(longest) * 4 + 1 };
    assert_eq!(from_end(bytes, bounds), from_start(bytes, bounds));

    let filter = LineFilter::new(&[RequestKind::Staging, RequestKind::Launch]);
    let mut requests = 0;
    for (_, line) in from_start(bytes, Bounds::default()) {
        let _ = time_of_line(&line);
        let Some(request) = filter.request(&line) else { continue };
        requests += 1;
        let document: serde_json::Value = serde_json::from_str(request.document).unwrap();
        assert!(document.is_object());
        let at = request.document.as_bytes();
        assert!(line.windows(at.len()).any(|part| part == at), "it is not in the line byte for byte");
        let _ = dependencies(request.document);
    }
    as_the_commands_do(bytes, requests);
}

fn as_the_commands_do(bytes: &[u8], requests: usize) {
    let compressed = bytes.starts_with(&[0x1f, 0x8b]);
    let mut log = NamedTempFile::new().unwrap();
    log.write_all(bytes).unwrap();
    let logs = LogOptions {
        stager_log: Some(log.path().to_owned()),
        nsync_log: Some(log.path().to_owned()),
        ..LogOptions::default()
    };
    let history = match history::read(None, &logs) {
        Ok(history) => history,
        Err(RequestError::NoRequests { .. }) => {
            assert!(compressed || requests == 0, "requests were missed");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    // The same file is both logs here, and is read once.
    assert!(compressed || history.entries.len() == requests, "{} of {requests}", history.entries.len());
    assert!(history.entries.is_sorted_by_key(|entry| std::cmp::Reverse(entry.time)), "the newest is not the first");
    for kind in [RequestKind::Staging, RequestKind::Launch] {
        let first = history.entries.iter().find(|entry| entry.kind == kind);
        let newest = find::newest(kind, None, &logs).ok();
        assert_eq!(first.map(|entry| entry.time), newest.map(|request| request.time), "{kind:?}");
    }
}

fn from_end(bytes: &[u8], bounds: Bounds) -> Vec<Found> {
    let mut lines = LinesFromEnd::new(Cursor::new(bytes), bounds).unwrap();
    let mut found = Vec::new();
    while let Some(line) = lines.next().unwrap() {
        found.push((line.offset, line.bytes.to_vec()));
    }
    found.reverse();
    found
}

fn from_start(bytes: &[u8], bounds: Bounds) -> Vec<Found> {
    let mut found = Vec::new();
    let chunks = BufReader::with_capacity(bounds.block, bytes);
    each_line(chunks, bounds, |line| found.push((line.offset, line.bytes.to_vec()))).unwrap();
    found
}
