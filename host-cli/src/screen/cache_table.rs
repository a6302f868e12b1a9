//! What a cache holds, as a table for people or as JSON for programs.

use super::rows_json::array;
use serde::{Deserialize, Serialize};
use shared_model::cache::{self, ListedEntry};

/// An entry, as `stager-agent cache list --output json` tells it. It comes from a container, so everything may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CachedEntry {
    /// What the request calls it; null where nobody said.
    name: Option<String>,
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
    /// Address and port of the server, or of the proxy before it: `10.0.0.2:80`. Absent in what earlier stagers fetched.
    address: Option<String>,
    /// Of the archive, in hex.
    sha256: String,
}

/// One line an entry, for a terminal of `width` characters (`None`: as wide as it takes).
pub(crate) fn table(entries: &[CachedEntry], width: Option<usize>) -> String {
    let entries: Vec<ListedEntry<'_>> = entries.iter().map(listed).collect();
    cache::table(&entries, width).draw(width)
}

fn listed(entry: &CachedEntry) -> ListedEntry<'_> {
    ListedEntry {
        name: entry.name.as_deref().unwrap_or_default(),
        key: &entry.key,
        kind: &entry.kind,
        bytes: entry.bytes,
        fetched: &entry.fetched,
        used: &entry.used,
        verified: entry.verified,
        address: entry.address.as_deref(),
        origin: &entry.origin,
    }
}

/// One JSON array, an entry a line.
pub(crate) fn json(entries: &[CachedEntry]) -> String {
    array(entries.iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_line_for_people_and_an_object_for_programs() {
        let text = r#"{"name":"static","key":"k","origin":"https://b/x","kind":"tree","app":null,"bytes":2048,"packed_bytes":1,"entries":3,"fetched":"2026-01-02T03:04:05Z","used":"2026-01-03T03:04:05Z","verified":true,"address":"10.0.0.2:443","sha256":"ab"}"#;
        let entries: Vec<CachedEntry> = serde_json::from_str(&format!("[{text},{{\"key\":\"\\u001b[2J\"}}]")).unwrap();
        let drawn = table(&entries, None);
        let line = "static  k          tree  2 KiB  2026-01-02T03:04:05Z  2026-01-03T03:04:05Z  yes       https://b/x";
        assert!(drawn.lines().any(|found| found == line), "{drawn}");
        assert!(!drawn.contains('\u{1b}'));
        assert_eq!(json(&entries).lines().next().unwrap(), format!("[{text},"));
        assert_eq!(json(&[]), "[]");
    }
}
