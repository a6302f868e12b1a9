//! What the cache holds, as a table for people or JSON for programs.

use crate::cache::Listed;
use crate::session::screen::{self, OutputFormat};
use jiff::Timestamp;
use serde_json::{Value, json};
use shared_model::cache::{TITLES, verified};
use shared_model::event::Stream;
use shared_model::plain_line::escape_control_in_line;
use shared_model::size;

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
    let row = |entry: &Listed| {
        let Listed { record, used } = entry;
        [
            escape_control_in_line(&record.key),
            record.kind.name().to_owned(),
            size::bytes(record.bytes),
            fetched(entry),
            rfc3339(Timestamp::try_from(*used).ok()),
            escape_control_in_line(&verified(record.facts.verified, record.facts.address.as_deref())),
            escape_control_in_line(&record.origin),
        ]
    };
    let rows: Vec<[String; 7]> = std::iter::once(TITLES.map(str::to_owned)).chain(entries.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; 7] = std::array::from_fn(width);
    let line = |row: &[String; 7]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn fetched(entry: &Listed) -> String {
    rfc3339(i64::try_from(entry.record.fetched).ok().and_then(|second| Timestamp::from_second(second).ok()))
}

/// In whole seconds; empty where there is no such time.
fn rfc3339(time: Option<Timestamp>) -> String {
    time.map_or(String::new(), |time| format!("{time:.0}"))
}
