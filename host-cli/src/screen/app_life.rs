//! One app for people: what is wanted of it, how its instances do, and what it was before.

use super::rows_json::array;
use crate::cell::exit_words::exit_words;
use crate::plan::apps::{AppInstance, InstanceUsage, RunningApp};
use crate::plan::launch::Size;
use crate::plan::wish::{AppWish, Revision};
use serde::Serialize;
use shared_model::plain_line::escape_control_in_line;
use shared_model::size;
use shared_model::table::{Column, Table};
use std::collections::BTreeSet;

/// The app with a table of instances for each process, in lines of `width` characters (`None`: as wide as it takes).
pub(crate) fn details(app: &RunningApp, wish: Option<&AppWish>, width: Option<usize>) -> String {
    let state = if app.is_started() { "started" } else { "stopped" };
    let mut parts = vec![
        [("name:", app.subject()), ("guid:", &app.guid), ("requested state:", state)]
            .map(|(key, value)| format!("{key:<18}{}", escape_control_in_line(value)))
            .join("\n"),
    ];
    for process in &app.processes {
        let wanted = wish.and_then(|wish| wish.current(&process.process_type));
        let mut lines = vec![
            format!("{:<18}{}", "type:", escape_control_in_line(&process.process_type)),
            format!("{:<18}{}/{}", "instances:", process.running(), process.wanted),
        ];
        if let Some((_, revision, _)) = wanted {
            lines.push(format!("{:<18}{}", "revision:", revision.version));
        }
        if !process.instances.is_empty() {
            // Where nothing stands in them, they give way first.
            let no_details = process.instances.iter().all(|one| details_of(one).is_empty());
            let columns = [
                Column::whole(""),
                Column::whole("state"),
                Column::whole("since"),
                Column::whole("cpu").or_left_out(3),
                Column::whole("memory").or_left_out(4),
                Column::cut("route", 10).or_left_out(1),
                Column::cut("details", 10).or_left_out(if no_details { 9 } else { 2 }),
            ];
            let rows = process.instances.iter().map(row).collect();
            lines.push(Table { columns, rows }.draw(width));
        }
        parts.push(lines.join("\n"));
    }
    if wish.is_none() {
        let text = "Nothing is remembered of how it was launched; `host-cli launch` remembers it.";
        parts.push(text.to_owned());
    }
    parts.join("\n\n")
}

fn row(one: &AppInstance) -> [String; 7] {
    [
        format!("#{}", one.index),
        one.state.name().to_owned(),
        one.since.map(|since| format!("{since:.0}")).unwrap_or_default(),
        one.usage.and_then(|usage| usage.processor_permille).map(percent).unwrap_or_default(),
        one.usage.map(memory).unwrap_or_default(),
        one.routes.join(" "),
        details_of(one),
    ]
}

/// How it ended, and what becomes of it.
fn details_of(one: &AppInstance) -> String {
    let ended = one.exit_status.map(|status| exit_words(status, one.out_of_memory));
    let note = Some(one.note.clone()).filter(|note| !note.is_empty());
    ended.into_iter().chain(note).collect::<Vec<_>>().join("; ")
}

/// `12.5%`.
fn percent(permille: u32) -> String {
    format!("{}.{}%", permille / 10, permille % 10)
}

/// `36.4 MiB of 1 GiB`.
fn memory(InstanceUsage { memory_bytes, memory_bound, .. }: InstanceUsage) -> String {
    format!("{} of {}", size::bytes(memory_bytes), size::bytes(memory_bound))
}

/// How many instances each process is to have, and how much each may use; `process`: only this one.
pub(crate) fn sizes(wish: &AppWish, process: Option<&str>) -> String {
    let mib = |size: Option<i32>| size.map_or_else(|| "as requested".to_owned(), |mib| format!("{mib}M"));
    let meant = wish.processes.iter().filter(|(name, _)| process.is_none_or(|one| one == *name));
    let rows = meant.map(|(name, wanted)| {
        [name.clone(), wanted.instances.to_string(), mib(wanted.size.memory_mb), mib(wanted.size.disk_mb)]
    });
    let columns = ["process", "instances", "memory", "disk"].map(Column::whole);
    Table { columns, rows: rows.collect() }.draw(None)
}

/// The same for programs: one JSON array. Null: as requested.
pub(crate) fn sizes_json(wish: &AppWish, process: Option<&str>) -> String {
    #[derive(Serialize)]
    struct Row<'a> {
        #[serde(rename = "type")]
        process_type: &'a str,
        instances: u32,
        memory_mb: Option<i32>,
        disk_mb: Option<i32>,
    }
    let meant = wish.processes.iter().filter(|(name, _)| process.is_none_or(|one| one == *name));
    array(meant.map(|(name, wanted)| {
        let Size { memory_mb, disk_mb } = wanted.size;
        Row { process_type: name, instances: wanted.instances, memory_mb, disk_mb }
    }))
}

/// An app's revisions, the newest first; of those in `images` the image is there.
pub(crate) fn revisions(wish: &AppWish, images: &BTreeSet<&str>, width: Option<usize>) -> String {
    let row = |one: &Revision| {
        let current = if runs(wish, one) { format!("{} (current)", one.version) } else { one.version.to_string() };
        let deployable = images.contains(&*one.image).to_string();
        [current, one.description.clone(), deployable, format!("{:.0}", one.created)]
    };
    let columns = [
        Column::whole("revision"),
        Column::cut("description", 12),
        Column::whole("deployable"),
        Column::whole("created at").or_left_out(1),
    ];
    Table { columns, rows: wish.revisions.iter().rev().map(row).collect() }.draw(width)
}

/// The same for programs: one JSON array.
pub(crate) fn revisions_json(wish: &AppWish, images: &BTreeSet<&str>) -> String {
    #[derive(Serialize)]
    struct Row<'a> {
        version: u64,
        description: &'a str,
        deployable: bool,
        current: bool,
        created: String,
        image: &'a str,
        processes: Vec<&'a String>,
    }
    array(wish.revisions.iter().rev().map(|one| Row {
        version: one.version,
        description: &one.description,
        deployable: images.contains(&*one.image),
        current: runs(wish, one),
        created: one.created.to_string(),
        image: &one.image,
        processes: one.recipes.keys().collect(),
    }))
}

fn runs(wish: &AppWish, revision: &Revision) -> bool {
    wish.processes.values().any(|process| process.revision == revision.version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::apps::samples::seen;
    use crate::plan::apps::{InstanceState, apps};
    use crate::plan::wish::samples::launched;
    use jiff::Timestamp;

    fn wish() -> AppWish {
        let at = |second| Timestamp::from_second(second).unwrap();
        let first = AppWish::launched(None, launched("web", "i1", "{}"), at(0));
        AppWish::launched(Some(first), launched("web", "i2", "{}"), at(60))
    }

    #[test]
    fn revisions_are_listed_newest_first_and_say_which_can_be_started() {
        assert_eq!(
            revisions(&wish(), &["i2"].into(), None),
            "revision     description            deployable  created at\n\
             2 (current)  New droplet deployed.  true        1970-01-01T00:01:00Z\n\
             1            Initial revision.      false       1970-01-01T00:00:00Z"
        );
        assert!(revisions(&wish(), &BTreeSet::new(), Some(40)).lines().all(|line| line.chars().count() <= 40));
        let all: serde_json::Value = serde_json::from_str(&revisions_json(&wish(), &["i2"].into())).unwrap();
        assert_eq!((&all[0]["version"], &all[1]["deployable"]), (&2.into(), &false.into()));
        assert!(!all.to_string().contains("document"), "no request is shown");
    }

    #[test]
    fn sizes_are_a_table_for_people_and_an_array_for_programs() {
        assert!(sizes(&wish(), None).contains("web      1          as requested"), "{}", sizes(&wish(), None));
        let all: serde_json::Value = serde_json::from_str(&sizes_json(&wish(), Some("web"))).unwrap();
        assert_eq!(
            (&all[0]["type"], &all[0]["instances"], all[0]["memory_mb"].is_null()),
            (&"web".into(), &1.into(), true)
        );
        assert_eq!(sizes_json(&wish(), Some("worker")), "[]");
    }

    #[test]
    fn an_app_is_shown_with_its_instances_and_no_name_does_harm() {
        let mut down = seen("shop\u{1b}[2J", "g", "web", 1, InstanceState::Down);
        down.instance.as_mut().unwrap().exit_status = Some(137);
        let mut up = seen("shop\u{1b}[2J", "g", "web", 0, InstanceState::Running);
        let usage = InstanceUsage { processor_permille: Some(125), memory_bytes: 9 << 20, memory_bound: 1 << 30 };
        up.instance.as_mut().unwrap().usage = Some(usage);
        let app = apps([up, down]).remove(0);
        let text = details(&app, Some(&wish()), Some(80));
        assert!(text.contains("shop\\u{1b}[2J") && text.contains("revision:         2"), "{text}");
        assert!(text.contains("  12.5%  9 MiB of 1 GiB") && text.contains("#1  down"), "{text}");
        let wide = details(&app, None, None);
        assert!(
            wide.contains("Exited with status 137 (killed: SIGKILL)") && wide.contains("Nothing is remembered"),
            "{wide}"
        );
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}
