//! What agent and host agree on about the cache: where it lies in a container, and what `cache list` shows of an entry.
//! The agent draws its table where it runs alone, host-cli draws the same of what the agent tells it.

use crate::size;
use crate::table::{Column, Table};

/// Where the volume is mounted that staging containers share. The host mounts it there, the agent looks for it there.
pub const MOUNTED: &str = "/var/cache/stager";

/// Where a stager image holds what was baked into it.
pub const BAKED: &str = "/usr/share/stager-cache";

/// One entry of `cache list`, as both tables show it.
#[derive(Clone, Copy, Debug)]
pub struct ListedEntry<'a> {
    /// What the request calls the file: `staticfile_buildpack`; empty where nobody said.
    pub name: &'a str,
    /// The cache key; of a package the app's guid.
    pub key: &'a str,
    /// `tree` or `package`.
    pub kind: &'a str,
    /// Bytes on disk.
    pub bytes: u64,
    /// RFC 3339.
    pub fetched: &'a str,
    /// RFC 3339.
    pub used: &'a str,
    /// See [`verified`].
    pub verified: bool,
    /// See [`verified`].
    pub address: Option<&'a str>,
    /// Scheme, host and path.
    pub origin: &'a str,
}

/// Characters of a key that are shown at least; enough to tell most keys apart.
const SHORTEST_KEY: usize = 8;

/// Characters of a line from which on times are told to the second; on a narrower one to the day.
const WIDE: usize = 130;

/// Characters of a date.
const DAY: usize = "2026-01-02".len();

/// The table of `cache list` for a terminal of `width` characters; `None`: as wide as it takes. A key that is cut is still
/// long enough for `cache clear`: no other key begins so.
#[must_use]
pub fn table(entries: &[ListedEntry<'_>], width: Option<usize>) -> Table<8> {
    let day = |time: &str| match width {
        Some(width) if width < WIDE => time.chars().take(DAY).collect(),
        _ => time.to_owned(),
    };
    let row = |entry: &ListedEntry<'_>| {
        [
            if entry.name.is_empty() { "—".to_owned() } else { entry.name.to_owned() },
            entry.key.to_owned(),
            entry.kind.to_owned(),
            size::bytes(entry.bytes),
            day(entry.fetched),
            day(entry.used),
            verified(entry.verified, entry.address),
            entry.origin.to_owned(),
        ]
    };
    Table {
        columns: [
            Column::cut("NAME", 8),
            Column::cut("KEY", shortest_key(entries) + 1), // The last character is then a `…`.
            Column::whole("KIND").or_left_out(3),
            Column::whole("SIZE"),
            Column::whole("FETCHED").or_left_out(5),
            Column::whole("USED").or_left_out(1),
            Column::whole("VERIFIED").or_left_out(2),
            Column::cut("FROM", 16).or_left_out(4),
        ],
        rows: entries.iter().map(row).collect(),
    }
}

/// How many characters tell every key from all others.
fn shortest_key(entries: &[ListedEntry<'_>]) -> usize {
    let mut keys: Vec<&str> = entries.iter().map(|entry| entry.key).collect();
    keys.sort_unstable();
    keys.dedup();
    let alike = |pair: &[&str]| pair[0].chars().zip(pair[1].chars()).take_while(|(one, other)| one == other).count();
    keys.windows(2).map(|pair| alike(pair) + 1).max().unwrap_or_default().max(SHORTEST_KEY)
}

/// Whether somebody vouched for an entry; where nobody did, the address that it came from: `no: 10.0.0.2:80`. The
/// address stands as it was told: it may be anything.
#[must_use]
pub fn verified(verified: bool, address: Option<&str>) -> String {
    match (verified, address) {
        (true, _) => "yes".to_owned(),
        (false, None) => "no".to_owned(),
        (false, Some(address)) => format!("no: {address}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry<'a>(name: &'a str, key: &'a str, address: Option<&'a str>) -> ListedEntry<'a> {
        let origin = "http://file-server.service.cf.internal:8080/v1/static/buildpack_app_lifecycle.tgz";
        let (fetched, used) = ("2026-01-02T03:04:05Z", "2026-01-03T03:04:05Z");
        let verified = address.is_none();
        ListedEntry { name, key, kind: "tree", bytes: 41_943_040, fetched, used, verified, address, origin }
    }

    #[test]
    fn a_list_fits_every_terminal_and_its_keys_can_still_be_told_apart() {
        let keys =
            ["f771857d6dbe1efb1aa3a3ff04cb62ae", "f771857d6dbe77fb1aa3a3ff04cb62ae", "buildpack-cflinuxfs4-lifecycle"];
        let entries = [
            entry("staticfile_buildpack", keys[0], Some("172.18.0.5:8080")),
            entry("python_buildpack", keys[1], None),
            entry("", keys[2], Some("172.18.0.5:8080")),
        ];
        for (width, titles) in [
            (60, "NAME KEY SIZE USED"),
            (80, "NAME KEY KIND SIZE USED VERIFIED"),
            (120, "NAME KEY KIND SIZE FETCHED USED VERIFIED FROM"),
        ] {
            let drawn = table(&entries, Some(width)).draw(Some(width));
            assert!(drawn.lines().all(|line| line.chars().count() <= width), "{width}:\n{drawn}");
            let shown: Vec<&str> = drawn.lines().next().unwrap().split_whitespace().collect();
            assert_eq!(shown.join(" "), titles, "{width}:\n{drawn}");
            assert!(drawn.contains("f771857d6dbe1") && drawn.contains("f771857d6dbe7"), "{width}:\n{drawn}");
        }
        let whole = table(&entries, None).draw(None);
        assert!(keys.iter().all(|key| whole.contains(key)) && whole.contains("2026-01-02T03:04:05Z"), "{whole}");
    }
}
