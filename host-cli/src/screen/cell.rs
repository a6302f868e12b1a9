//! The cell, for people or for programs.

use crate::cell::status::Told;
use crate::cell::view::InstanceKey;
use crate::plan::apps::log_source;
use serde::Serialize;
use shared_model::json_text::harmless;
use shared_model::plain_line::escape_control_in_line;
use shared_model::size;

/// What is known of it, in lines.
pub(crate) fn text(told: &Told) -> String {
    let cell = &told.container;
    let mut lines = vec![
        (
            "state:",
            if cell.running { "running".to_owned() } else { format!("down (exit status {})", cell.exit_status) },
        ),
        ("since:", time(if cell.running { cell.started } else { cell.ended })),
        ("image:", format!("{} ({})", escape_control_in_line(&told.image), short(&cell.image.0))),
    ];
    match &told.status {
        None => lines.push(("looked:", "not yet".to_owned())),
        Some(status) => {
            lines.push(("version:", escape_control_in_line(&status.version)));
            lines.push(("looked:", format!("{:.0}", status.looked)));
            lines.push(("apps:", format!("{}, {}/{} instances", status.apps, status.up, status.wanted)));
            lines.push(("restarts:", status.restarts.to_string()));
            lines.push(("given up:", given_up(&status.given_up)));
            if status.unreadable > 0 {
                lines.push(("unreadable:", format!("{} (`docker logs {}` says why)", status.unreadable, cell.name)));
            }
            lines.push(("memory:", size::bytes(status.memory_bytes)));
        }
    }
    lines.iter().map(|(key, value)| format!("{key:<12}{value}")).collect::<Vec<_>>().join("\n")
}

fn given_up(all: &[InstanceKey]) -> String {
    if all.is_empty() {
        return "none".to_owned();
    }
    let one = |key: &InstanceKey| format!("{} {}", key.app_guid, log_source(&key.process, key.index));
    all.iter().map(|key| escape_control_in_line(&one(key))).collect::<Vec<_>>().join(", ")
}

/// The cell for programs. Every key is always there.
#[derive(Serialize)]
struct Row<'a> {
    /// `running` or `down`.
    state: &'static str,
    /// Since when, as RFC 3339.
    since: String,
    image: &'a str,
    image_id: &'a str,
    version: &'a str,
    /// Null: it has not looked yet.
    looked: Option<String>,
    apps: usize,
    instances_wanted: u64,
    instances_up: usize,
    restarts: u64,
    given_up: &'a [InstanceKey],
    unreadable: usize,
    memory_bytes: u64,
}

/// One object; `null` where there is no cell.
pub(crate) fn json(told: Option<&Told>) -> String {
    let Some(Told { container, image, status }) = told else { return "null".to_owned() };
    let known = status.clone().unwrap_or_default();
    let row = Row {
        state: if container.running { "running" } else { "down" },
        since: time(if container.running { container.started } else { container.ended }),
        image,
        image_id: &container.image.0,
        version: &known.version,
        looked: status.as_ref().map(|status| status.looked.to_string()),
        apps: known.apps,
        instances_wanted: known.wanted,
        instances_up: known.up,
        restarts: known.restarts,
        given_up: &known.given_up,
        unreadable: known.unreadable,
        memory_bytes: known.memory_bytes,
    };
    harmless(serde_json::to_string(&row).unwrap_or_default()) // texts and numbers: always JSON
}

fn time(second: i64) -> String {
    jiff::Timestamp::from_second(second).map(|time| time.to_string()).unwrap_or_default()
}

fn short(id: &str) -> String {
    const CHARACTERS: usize = 12;
    id.trim_start_matches("sha256:").chars().take(CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::status::Status;
    use crate::engine::{Container, ImageId};

    fn told() -> Told {
        let key = InstanceKey { app_guid: "g\u{1b}[2J".into(), process: "web".into(), index: 3 };
        let status = Status {
            version: "0.1.0".into(),
            apps: 2,
            wanted: 5,
            up: 4,
            restarts: 7,
            given_up: vec![key],
            memory_bytes: 9 << 20,
            ..Status::default()
        };
        let container = Container {
            running: true,
            started: 60,
            image: ImageId("sha256:0123456789abcdef".into()),
            ..Container::default()
        };
        Told { container, image: "stager:latest".into(), status: Some(status) }
    }

    #[test]
    fn a_cell_is_shown_with_what_it_keeps_and_what_it_has_given_up() {
        assert_eq!(
            text(&told()),
            "state:      running\n\
             since:      1970-01-01T00:01:00Z\n\
             image:      stager:latest (0123456789ab)\n\
             version:    0.1.0\n\
             looked:     1970-01-01T00:00:00Z\n\
             apps:       2, 4/5 instances\n\
             restarts:   7\n\
             given up:   g\\u{1b}[2J APP/PROC/WEB/3\n\
             memory:     9 MiB"
        );
        let down = Told { status: None, container: Container { exit_status: 137, ..Container::default() }, ..told() };
        assert!(text(&down).starts_with("state:      down (exit status 137)\n"), "{}", text(&down));
    }

    #[test]
    fn programs_get_every_key_and_null_where_there_is_none() {
        let all: serde_json::Value = serde_json::from_str(&json(Some(&told()))).unwrap();
        assert_eq!(
            (&all["state"], &all["instances_up"], &all["given_up"][0]["index"]),
            (&"running".into(), &4.into(), &3.into())
        );
        assert_eq!(json(None), "null");
    }
}
