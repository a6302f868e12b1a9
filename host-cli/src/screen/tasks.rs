//! An app's one-off tasks, as a table with `cf tasks`' columns, or as JSON.

use super::rows_json::array;
use crate::plan::task::Task;
use jiff::Timestamp;
use serde::Serialize;
use shared_model::table::{Column, Table};

/// In the place of a command, which may hold a password.
const HIDDEN: &str = "<hidden>";

/// A task and what it runs; `None`: that is not to be shown.
pub(crate) type Row = (Task, Option<String>);

/// One line a task, for a terminal of `width` characters (`None`: as wide as it takes).
pub(crate) fn table(tasks: &[Row], width: Option<usize>) -> String {
    let row = |(task, command): &Row| {
        [
            task.id.to_string(),
            task.name.clone(),
            task.state.name().to_owned(),
            task.created.map(started).unwrap_or_default(),
            command.clone().unwrap_or_else(|| HIDDEN.to_owned()),
        ]
    };
    let columns = [
        Column::whole("id"),
        Column::cut("name", 10),
        Column::whole("state"),
        Column::whole("start time").or_left_out(1),
        Column::cut("command", 10),
    ];
    Table { columns, rows: tasks.iter().map(row).collect() }.draw(width)
}

/// As cf has it: `Mon, 30 Nov 2026 05:10:00 UTC`.
fn started(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S UTC").to_string()
}

/// A task for programs. Every key is always there but the command.
#[derive(Serialize)]
struct TaskRow<'a> {
    id: u64,
    name: &'a str,
    /// `PENDING`, `RUNNING`, `SUCCEEDED` or `FAILED`.
    state: &'static str,
    /// Null: it runs, or nobody knows.
    exit_status: Option<i64>,
    /// RFC 3339; null: nobody knows.
    created: Option<String>,
    container: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<&'a str>,
}

/// One JSON array, a task a line.
pub(crate) fn json(tasks: &[Row]) -> String {
    array(tasks.iter().map(|(task, command)| TaskRow {
        id: task.id,
        name: &task.name,
        state: task.state.name(),
        exit_status: task.exit_status,
        created: task.created.map(|time| time.to_string()),
        container: &task.container_name,
        command: command.as_deref(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ContainerId;
    use crate::plan::task::TaskState;

    fn task() -> Task {
        Task {
            id: 3,
            name: "mi\u{1b}[2Jgrate".to_owned(),
            state: TaskState::Failed,
            exit_status: Some(7),
            created: Timestamp::from_second(1_796_015_400).ok(),
            container: ContainerId("c".to_owned()),
            container_name: "cf-task-shop".to_owned(),
        }
    }

    #[test]
    fn a_row_is_cfs_and_its_command_is_hidden_until_it_is_asked_for() {
        let hidden = table(&[(task(), None)], None);
        let mut lines = hidden.lines();
        assert_eq!(
            lines.next().unwrap().split_whitespace().collect::<Vec<_>>().join(" "),
            "id name state start time command"
        );
        let row = lines.next().unwrap();
        assert!(row.contains("FAILED") && row.contains(" UTC  <hidden>") && row.contains("\\u{1b}[2J"), "{row}");
        assert!(table(&[(task(), Some("PASSWORD=x rake".to_owned()))], None).contains("PASSWORD=x rake"));
        assert_eq!(started(Timestamp::UNIX_EPOCH), "Thu, 01 Jan 1970 00:00:00 UTC");
    }

    #[test]
    fn programs_get_every_key_and_the_command_where_it_is_asked_for() {
        let read = |command: Option<&str>| -> serde_json::Value {
            serde_json::from_str(&json(&[(task(), command.map(str::to_owned))])).unwrap()
        };
        let row = read(None);
        assert_eq!((&row[0]["id"], &row[0]["state"], &row[0]["exit_status"]), (&3.into(), &"FAILED".into(), &7.into()));
        assert!(row[0].get("command").is_none());
        assert_eq!(read(Some("ls"))[0]["command"], "ls");
        assert_eq!(json(&[]), "[]");
    }
}
