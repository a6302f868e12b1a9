//! What the cache holds, as a table for people or JSON for programs.

use crate::cache::{Listed, Record};
use crate::session::screen::{self, OutputFormat};
use jiff::Timestamp;
use serde_json::{Value, json};
use shared_model::cache::{self, ListedEntry};
use shared_model::event::Stream;

/// Writes the list on standard output, what was last used first.
pub(super) fn print(entries: &[Listed], format: OutputFormat) {
    let text = match format {
        OutputFormat::Json => Value::Array(entries.iter().map(object).collect()).to_string(),
        OutputFormat::Plain => table(entries),
    };
    screen::write(Stream::Out, text);
}

fn object(entry: &Listed) -> Value {
    let Listed { record, used } = entry;
    json!({
        "name": record.facts.name,
        "key": record.key,
        "origin": record.origin,
        "kind": record.kind.name(),
        "app": record.facts.app.as_deref().unwrap_or_default(),
        "bytes": record.bytes,
        "packed_bytes": record.facts.packed_bytes,
        "entries": record.facts.entries,
        "fetched": fetched(entry),
        "used": rfc3339(Timestamp::try_from(*used).ok()),
        "verified": record.facts.verified,
        "address": record.facts.address,
        "sha256": record.facts.sha256,
    })
}

fn table(entries: &[Listed]) -> String {
    let times: Vec<(String, String)> =
        entries.iter().map(|entry| (fetched(entry), rfc3339(Timestamp::try_from(entry.used).ok()))).collect();
    let entries: Vec<ListedEntry<'_>> =
        entries.iter().zip(&times).map(|(entry, (fetched, used))| listed(&entry.record, fetched, used)).collect();
    cache::table(&entries, None).draw(None)
}

fn listed<'a>(record: &'a Record, fetched: &'a str, used: &'a str) -> ListedEntry<'a> {
    ListedEntry {
        name: record.facts.name.as_deref().unwrap_or_default(),
        key: &record.key,
        kind: record.kind.name(),
        bytes: record.bytes,
        fetched,
        used,
        verified: record.facts.verified,
        address: record.facts.address.as_deref(),
        origin: &record.origin,
    }
}

fn fetched(entry: &Listed) -> String {
    rfc3339(i64::try_from(entry.record.fetched).ok().and_then(|second| Timestamp::from_second(second).ok()))
}

/// In whole seconds; empty where there is no such time.
fn rfc3339(time: Option<Timestamp>) -> String {
    time.map_or(String::new(), |time| format!("{time:.0}"))
}
