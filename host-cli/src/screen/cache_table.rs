//! What a cache holds, as a table for people or as JSON for programs.

use crate::screen::table::Table;
use serde::{Deserialize, Serialize};
use shared_model::size;

/// An entry, as `stager-agent cache list --output json` tells it. It comes from a container, so everything may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    /// The cache key; of a package the app's guid.
    key: String,
    /// Scheme, host and path that it came from.
    origin: String,
    /// `tree`: unpacked; `package`: an app's package as it came.
    kind: String,
    /// The app's guid; only packages have one.
    app: Option<String>,
    /// Bytes on disk.
    bytes: u64,
    /// Bytes of the archive.
    packed_bytes: u64,
    /// Files and directories.
    entries: u64,
    /// RFC 3339.
    fetched: String,
    /// RFC 3339.
    used: String,
    /// Whether the server was known by its certificate, or the request gave a checksum.
    verified: bool,
    /// Of the archive, in hex.
    sha256: String,
}

/// One line an entry. Wide: the yielding columns are the key and the origin.
pub(crate) fn table(entries: &[Entry]) -> Table<7> {
    let row = |entry: &Entry| {
        [
            entry.key.clone(),
            entry.kind.clone(),
            size::bytes(entry.bytes),
            entry.fetched.clone(),
            entry.used.clone(),
            if entry.verified { "yes" } else { "no" }.to_owned(),
            entry.origin.clone(),
        ]
    };
    Table {
        titles: ["KEY", "KIND", "SIZE", "FETCHED", "USED", "VERIFIED", "FROM"],
        yielding: [true, false, false, false, false, false, true],
        rows: entries.iter().map(row).collect(),
    }
}

/// One JSON array, an entry a line.
pub(crate) fn json(entries: &[Entry]) -> String {
    // Texts, numbers and a bool: always JSON.
    let rows: Vec<String> = entries.iter().map(|entry| serde_json::to_string(entry).unwrap_or_default()).collect();
    format!("[{}]", rows.join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_line_for_people_and_an_object_for_programs() {
        let text = r#"{"key":"k","origin":"https://b/x","kind":"tree","app":null,"bytes":2048,"packed_bytes":1,"entries":3,"fetched":"2026-01-02T03:04:05Z","used":"2026-01-03T03:04:05Z","verified":true,"sha256":"ab"}"#;
        let entries: Vec<Entry> = serde_json::from_str(&format!("[{text},{{\"key\":\"\\u001b[2J\"}}]")).unwrap();
        let drawn = table(&entries).draw(None);
        let line = "k          tree  2K    2026-01-02T03:04:05Z  2026-01-03T03:04:05Z  yes       https://b/x";
        assert!(drawn.lines().any(|found| found == line), "{drawn}");
        assert!(!drawn.contains('\u{1b}'));
        assert_eq!(json(&entries).lines().next().unwrap(), format!("[{text},"));
        assert_eq!(json(&[]), "[]");
    }
}
