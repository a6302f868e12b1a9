//! Which extended attributes come along: the user's own. The others are left out, as tar does in Diego's container:
//! `security.capability` would give a program more than its user has, `trusted.overlay.*` would change what an engine makes
//! of a layer.

use super::entries::Entry;
use std::io::{self, Write};
use tar::{Builder, EntryType};

/// How the names of the user's own begin.
const USERS: &str = "user.";

/// Those that did not come along.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// How many.
    pub(super) count: u64,
    /// The name of the first.
    pub(super) first: String,
}

/// Writes the entry's attributes as records for the entry that comes next.
pub(super) fn append(tar: &mut Builder<impl Write>, entry: &Entry, left_out: &mut LeftOut) -> io::Result<()> {
    let mut records = Vec::new();
    for (name, value) in &entry.attributes {
        match str::from_utf8(name) {
            // A record's name ends at the first `=`.
            Ok(name) if name.starts_with(USERS) && !name.contains('=') => {
                records.push((format!("SCHILY.xattr.{name}"), value.as_slice()));
            }
            _ => {
                left_out.count += 1;
                if left_out.count == 1 {
                    left_out.first = String::from_utf8_lossy(name).into_owned();
                }
            }
        }
    }
    if records.is_empty() || !matches!(entry.kind, EntryType::Regular | EntryType::Directory) {
        return Ok(()); // Linux knows none of the user's of anything else.
    }
    tar.append_pax_extensions(records.iter().map(|(name, value)| (name.as_str(), *value)))
}
