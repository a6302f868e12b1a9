//! What happened to an app, as a table for people or as JSON for programs.

use super::rows_json::array;
use crate::cell::app_events::Happened;
use shared_model::table::{Column, Table};

/// One line an event, with `cf events`' columns.
pub(crate) fn table(all: &[Happened], width: Option<usize>) -> String {
    let row =
        |one: &Happened| [format!("{:.0}", one.time), one.event.clone(), one.actor.clone(), one.description.clone()];
    let columns = [
        Column::whole("time"),
        Column::cut("event", 10).or_left_out(1),
        Column::cut("actor", 8),
        Column::cut("description", 12),
    ];
    Table { columns, rows: all.iter().map(row).collect() }.draw(width)
}

/// One JSON array, an event a line.
pub(crate) fn json(all: &[Happened]) -> String {
    array(all.iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_line_and_no_text_does_harm() {
        let one = Happened {
            time: jiff::Timestamp::UNIX_EPOCH,
            event: "audit.app.process.crash".into(),
            actor: "web".into(),
            description: "index: 0\u{1b}[2J".into(),
            index: Some(0),
            exit_status: None,
        };
        assert_eq!(
            table(std::slice::from_ref(&one), None),
            "time                  event                    actor  description\n\
             1970-01-01T00:00:00Z  audit.app.process.crash  web    index: 0\\u{1b}[2J"
        );
        let all: serde_json::Value = serde_json::from_str(&json(&[one])).unwrap();
        assert_eq!((&all[0]["index"], &all[0]["exit_status"]), (&0.into(), &serde_json::Value::Null));
        assert_eq!(json(&[]), "[]");
    }
}
