//! The apps that run, as a table for people or as JSON for programs.

use super::rows_json::array;
use crate::plan::apps::{AppInstance, AppProcess, RunningApp};
use serde::Serialize;
use shared_model::plain_line::escape_control_in_line;
use shared_model::table::{Column, Table};

/// One line an app, with `cf apps`' columns, for a terminal of `width` characters (`None`: as wide as it takes).
pub(crate) fn table(apps: &[RunningApp], width: Option<usize>) -> String {
    let row = |app: &RunningApp| {
        let processes =
            app.processes.iter().map(|one| format!("{}:{}/{}", one.process_type, one.running(), one.wanted));
        [
            app.subject().to_owned(),
            requested_state(app).to_owned(),
            processes.collect::<Vec<_>>().join(", "),
            routes(app).join(", "),
        ]
    };
    let columns = [
        Column::cut("name", 12),
        Column::whole("requested state"),
        Column::cut("processes", 10),
        Column::cut("routes", 10).or_left_out(1),
    ];
    Table { columns, rows: apps.iter().map(row).collect() }.draw(width)
}

/// The names alone, one a line.
pub(crate) fn names(apps: &[RunningApp]) -> String {
    apps.iter().map(|app| escape_control_in_line(app.subject())).collect::<Vec<_>>().join("\n")
}

/// An app for programs. Every key is always there.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    guid: &'a str,
    /// `started` or `stopped`.
    requested_state: &'static str,
    /// Of all instances that run.
    routes: Vec<&'a str>,
    processes: Vec<ProcessRow<'a>>,
}

#[derive(Serialize)]
struct ProcessRow<'a> {
    #[serde(rename = "type")]
    process_type: &'a str,
    running: usize,
    wanted: usize,
    instances: Vec<InstanceRow<'a>>,
}

#[derive(Serialize)]
struct InstanceRow<'a> {
    index: u32,
    /// `starting`, `running`, `unhealthy`, `down` or, where the cell was asked, `crashed`.
    state: &'static str,
    /// Null: it runs, or nobody knows.
    exit_status: Option<i64>,
    /// How often it has crashed, and what becomes of it, or why it is not started; only where the cell was asked, and it does not run.
    #[serde(skip_serializing_if = "str::is_empty")]
    details: &'a str,
    /// Of one core. This and the next two are there only where they were looked at, and it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_percent: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bound: Option<u64>,
    /// RFC 3339; null: nobody knows.
    since: Option<String>,
    routes: &'a [String],
    /// Of its container.
    name: &'a str,
    id: &'a str,
    image: &'a str,
}

/// One JSON array, an app a line.
pub(crate) fn json(apps: &[RunningApp]) -> String {
    array(apps.iter().map(|app| Row {
        name: &app.name,
        guid: &app.guid,
        requested_state: requested_state(app),
        routes: routes(app),
        processes: app.processes.iter().map(process_row).collect(),
    }))
}

fn process_row(one: &AppProcess) -> ProcessRow<'_> {
    ProcessRow {
        process_type: &one.process_type,
        running: one.running(),
        wanted: one.wanted,
        instances: one.instances.iter().map(instance_row).collect(),
    }
}

fn instance_row(one: &AppInstance) -> InstanceRow<'_> {
    InstanceRow {
        index: one.index,
        state: one.state.name(),
        exit_status: one.exit_status,
        details: &one.note,
        cpu_percent: one.usage.and_then(|usage| usage.processor_permille).map(|permille| f64::from(permille) / 10.0),
        memory_bytes: one.usage.map(|usage| usage.memory_bytes),
        memory_bound: one.usage.map(|usage| usage.memory_bound),
        since: one.since.map(|since| since.to_string()),
        routes: &one.routes,
        name: &one.name,
        id: &one.id,
        image: &one.image,
    }
}

fn requested_state(app: &RunningApp) -> &'static str {
    if app.is_started() { "started" } else { "stopped" }
}

fn routes(app: &RunningApp) -> Vec<&str> {
    let instances = app.processes.iter().flat_map(|process| &process.instances);
    let mut routes: Vec<&str> = Vec::new();
    for route in instances.flat_map(|one| &one.routes) {
        if !routes.contains(&route.as_str()) {
            routes.push(route);
        }
    }
    routes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::apps::samples::seen;
    use crate::plan::apps::{InstanceState, apps};

    fn two() -> Vec<RunningApp> {
        let mut web = seen("shop", "g-1", "web", 0, InstanceState::Running);
        web.instance.as_mut().unwrap().routes = vec!["127.0.0.1:32768".into(), "0.0.0.0:8080".into()];
        let evil = seen("evil\u{1b}[2J\n", "g-2", "web", 0, InstanceState::Down);
        apps([web, seen("shop", "g-1", "worker", 0, InstanceState::Down), evil])
    }

    #[test]
    fn an_app_is_a_line_with_cfs_columns_and_no_name_does_harm() {
        assert_eq!(
            table(&two(), None),
            "name             requested state  processes            routes\n\
             evil\\u{1b}[2J\\n  stopped          web:0/1\n\
             shop             started          web:1/1, worker:0/1  127.0.0.1:32768, 0.0.0.0:8080"
        );
        assert!(table(&two(), Some(60)).lines().all(|line| line.chars().count() <= 60));
        assert_eq!(names(&two()), "evil\\u{1b}[2J\\n\nshop");
    }

    #[test]
    fn programs_get_one_array() {
        let all: serde_json::Value = serde_json::from_str(&json(&two())).unwrap();
        assert_eq!(all[0]["name"], "evil\u{1b}[2J\n");
        assert_eq!((&all[1]["requested_state"], &all[1]["routes"][1]), (&"started".into(), &"0.0.0.0:8080".into()));
        let worker = &all[1]["processes"][1];
        assert_eq!((&worker["type"], &worker["running"], &worker["wanted"]), (&"worker".into(), &0.into(), &1.into()));
        assert_eq!(worker["instances"][0]["state"], "down");
        assert_eq!(json(&[]), "[]");
    }
}
