//! What a cache holds, as a table for people or as JSON for programs.

use crate::screen::table::Table;
use serde::{Deserialize, Serialize};
use shared_model::cache::{TITLES, verified};
use shared_model::size;

/// An entry, as `stager-agent cache list --output json` tells it. It comes from a container, so everything may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CachedEntry {
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

/// Characters of a line from which on times are told to the second; on a narrower one to the day.
const WIDE: usize = 100;

/// Characters of a date.
const DAY: usize = "2026-01-02".len();

/// One line an entry, for a terminal of `width` characters (`None`: as wide as it takes). The yielding columns are the
/// key and the origin.
pub(crate) fn table(entries: &[CachedEntry], width: Option<usize>) -> Table<7> {
    let time = |time: &str| match width {
        Some(width) if width < WIDE => time.chars().take(DAY).collect(),
        _ => time.to_owned(),
    };
    let row = |entry: &CachedEntry| {
        [
            entry.key.clone(),
            entry.kind.clone(),
            size::bytes(entry.bytes),
            time(&entry.fetched),
            time(&entry.used),
            verified(entry.verified, entry.address.as_deref()),
            entry.origin.clone(),
        ]
    };
    Table {
        titles: TITLES,
        yielding: [true, false, false, false, false, false, true],
        rows: entries.iter().map(row).collect(),
    }
}

/// One JSON array, an entry a line.
pub(crate) fn json(entries: &[CachedEntry]) -> String {
    // Texts, numbers and a bool: always JSON.
    let rows: Vec<String> = entries.iter().map(|entry| serde_json::to_string(entry).unwrap_or_default()).collect();
    format!("[{}]", rows.join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_line_for_people_and_an_object_for_programs() {
        let text = r#"{"key":"k","origin":"https://b/x","kind":"tree","app":null,"bytes":2048,"packed_bytes":1,"entries":3,"fetched":"2026-01-02T03:04:05Z","used":"2026-01-03T03:04:05Z","verified":true,"address":"10.0.0.2:443","sha256":"ab"}"#;
        let entries: Vec<CachedEntry> = serde_json::from_str(&format!("[{text},{{\"key\":\"\\u001b[2J\"}}]")).unwrap();
        let drawn = table(&entries, None).draw(None);
        let line = "k          tree  2K    2026-01-02T03:04:05Z  2026-01-03T03:04:05Z  yes       https://b/x";
        assert!(drawn.lines().any(|found| found == line), "{drawn}");
        assert!(!drawn.contains('\u{1b}'));
        assert_eq!(json(&entries).lines().next().unwrap(), format!("[{text},"));
        assert_eq!(json(&[]), "[]");
    }

    #[test]
    fn an_unverified_entry_says_where_it_came_from_and_a_narrow_terminal_shows_that_whole() {
        let of = |address: &str| {
            let text = format!(
                r#"{{"key":"buildpack-cflinuxfs4-lifecycle","origin":"http://file-server.service.cf.internal:8080/v1/static/buildpack_app_lifecycle.tgz","kind":"tree","bytes":41943040,"fetched":"2026-01-02T03:04:05Z","used":"2026-01-03T03:04:05Z","verified":false{address}}}"#
            );
            serde_json::from_str::<CachedEntry>(&text).unwrap()
        };
        let entries = [of(r#","address":"172.18.0.5:8080""#), of("")];
        let at = |width| table(&entries, Some(width)).draw(Some(width));
        for (width, times) in [(80, "2026-01-02  2026-01-03"), (120, "2026-01-02T03:04:05Z  2026-01-03T03:04:05Z")] {
            let drawn = at(width);
            assert!(drawn.lines().all(|line| line.chars().count() <= width), "{drawn}");
            let lines: Vec<&str> = drawn.lines().collect();
            assert!(lines[1].contains(&format!("{times}  no: 172.18.0.5:8080  http://")), "{drawn}");
            assert!(lines[2].contains(&format!("{times}  no                   http://")), "{drawn}");
        }
    }
}
