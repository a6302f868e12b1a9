//! Rows for programs.

use serde::Serialize;
use shared_model::json_text::harmless;

/// One JSON array, a row a line. A row is of texts, numbers and what is made of them, which is always JSON.
pub(crate) fn array<T: Serialize>(rows: impl Iterator<Item = T>) -> String {
    let rows: Vec<String> = rows.map(|row| harmless(serde_json::to_string(&row).unwrap_or_default())).collect();
    format!("[{}]", rows.join(",\n"))
}
