//! What has to hold of a log, whatever bytes it has. For the targets of `ci/fuzz`, and for the replay of what they found.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a panic is how a target tells")]

use super::backwards::{Bounds, LinesFromEnd};
use super::forms::{Content, RequestFilter, time_of_line};
use super::forwards::each_line;
use super::log_file::LogOptions;
use super::meaning::Process;
use super::{RequestError, RequestKind, dependencies, find, history, unpacked};
use std::io::{BufReader, Cursor, Write as _};
use tempfile::NamedTempFile;

/// A line and where it begins.
type Found = (u64, Vec<u8>);

/// A log, read from its end, from its beginning, and as the commands do: all find the same requests.
pub fn log_lines(bytes: &[u8]) {
    let [block, longest, ..] = *bytes else { return };
    let bounds = Bounds { block: usize::from(block) + 1, longest: usize::from(longest) * 4 + 1 };
    assert_eq!(from_end(bytes, bounds), from_start(bytes, bounds));

    let filter = RequestFilter::new(&KINDS);
    let mut requests = 0;
    let read = unpacked::each_record(&mut &bytes[..], &mut |record| {
        let _ = time_of_line(record.bytes);
        filter.contents(record.bytes, &mut |content| {
            let Content::Request(found) = content else { return };
            requests += 1;
            let document: serde_json::Value = serde_json::from_str(found.document).unwrap();
            assert!(document.is_object());
            let at = found.document.as_bytes();
            assert!(record.bytes.windows(at.len()).any(|part| part == at), "it is not in the record byte for byte");
            let _ = dependencies(found.document);
        });
    });
    as_the_commands_do(bytes, requests, read.is_ok());
}

const KINDS: [RequestKind; 3] = [RequestKind::Staging, RequestKind::Launch, RequestKind::Task];

fn as_the_commands_do(bytes: &[u8], requests: usize, is_whole: bool) {
    let mut log = NamedTempFile::new().unwrap();
    log.write_all(bytes).unwrap();
    let logs = LogOptions { from: vec![log.path().to_owned()], ..LogOptions::default() };
    let history = match history::read(None, &logs) {
        Ok(history) => history,
        Err(RequestError::NoRequests { .. }) => {
            assert!(requests == 0, "requests were missed");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    // One that was printed several times is listed once.
    assert!((1..=requests).contains(&history.entries.len()), "{} of {requests}", history.entries.len());
    assert!(is_whole || !history.warnings.is_empty(), "damage is not told");
    assert!(history.entries.is_sorted_by_key(|entry| std::cmp::Reverse(entry.time)), "the newest is not the first");
    for kind in [RequestKind::Staging, RequestKind::Launch] {
        let first = history.entries.iter().find(|entry| entry.kind == kind);
        let newest = find::newest(kind, None, Process::Usual, &logs);
        let newest = match newest {
            // There are only processes of several other types than web.
            Err(RequestError::NoProcess { .. }) => continue,
            newest => newest.ok(),
        };
        assert_eq!(first.is_some(), newest.is_some(), "{kind:?}");
        if kind == RequestKind::Staging {
            assert_eq!(first.map(|entry| entry.time), newest.map(|request| request.time), "{kind:?}");
        }
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
    each_line(chunks, bounds, None, |line| found.push((line.offset, line.bytes.to_vec()))).unwrap();
    found
}
