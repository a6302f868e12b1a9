//! BBS as far as `cfdot` shows it: the newest staging and web process of each app, and all events since `up`. No cell takes
//! a staging: a task is there until the app is pushed again.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use crate::failure::Failure;
use crate::manage::push::new_guid;
use crate::request::application::Application;
use crate::request::bbs::{lrp, lrp_event, task, task_event};
use crate::state::{State, replace};

const TASKS: &str = "bbs/tasks";
const LRPS: &str = "bbs/desired-lrps";
const TASK_EVENTS: &str = "bbs/task-events.jsonl";
const LRP_EVENTS: &str = "bbs/lrp-events.jsonl";

/// What `cfdot` is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Query {
    /// `tasks`.
    Tasks,
    /// `task GUID`.
    Task(String),
    /// `task-events`: those of the past; then it ends, as when BBS shuts down.
    TaskEvents,
    /// `desired-lrps`.
    DesiredLrps,
    /// `desired-lrp PROCESS-GUID`.
    DesiredLrp(String),
    /// `lrp-events`, those of the past too.
    LrpEvents,
}

impl Query {
    /// From the words behind `cfdot`.
    pub(crate) fn parse(command: &str, guid: Option<String>) -> Result<Query, Failure> {
        match (command, guid) {
            ("tasks", None) => Ok(Query::Tasks),
            ("task", Some(guid)) => Ok(Query::Task(guid)),
            ("task-events", None) => Ok(Query::TaskEvents),
            ("desired-lrps", None) => Ok(Query::DesiredLrps),
            ("desired-lrp", Some(guid)) => Ok(Query::DesiredLrp(guid)),
            ("lrp-events", None) => Ok(Query::LrpEvents),
            ("task" | "desired-lrp", None) => Err(Failure::CommandLine(format!("cfdot {command} needs a guid"))),
            ("tasks" | "task-events" | "desired-lrps" | "lrp-events", Some(_)) => {
                Err(Failure::CommandLine(format!("cfdot {command} takes no guid")))
            }
            _ => Err(Failure::CommandLine(format!(
                "there is no cfdot command `{command}` here; there are tasks, task, task-events, desired-lrps, desired-lrp \
                 and lrp-events"
            ))),
        }
    }
}

impl State {
    /// Puts an app's requests in the place of its earlier ones. `nanoseconds` is Unix time.
    pub(crate) fn tell_bbs(&self, application: &Application, nanoseconds: i128) -> Result<(), Failure> {
        let time = i64::try_from(nanoseconds).unwrap_or(i64::MAX);
        let (task, lrp) = (task(application, time).to_go(), lrp(application, &new_guid()).to_go());
        let file = |folder: &str| self.path(folder).join(format!("{}.json", application.guid));
        for folder in [TASKS, LRPS] {
            let folder = self.path(folder); // an older state has none
            fs::create_dir_all(&folder).map_err(Failure::file("make the folder", &folder))?;
        }
        if let Ok(earlier) = fs::read_to_string(file(TASKS)) {
            append(&self.path(TASK_EVENTS), &task_event("task_removed", earlier.trim_end()))?;
        }
        append(&self.path(TASK_EVENTS), &task_event("task_created", &task))?;
        replace(&file(TASKS), format!("{task}\n").as_bytes())?;
        append(&self.path(LRP_EVENTS), &lrp_event("desired_lrp_created", &lrp, &new_guid()))?;
        if let Ok(earlier) = fs::read_to_string(file(LRPS)) {
            append(&self.path(LRP_EVENTS), &lrp_event("desired_lrp_removed", earlier.trim_end(), &new_guid()))?;
        }
        replace(&file(LRPS), format!("{lrp}\n").as_bytes())
    }

    /// What `cfdot` prints: one document a line; nothing where there is none.
    pub(crate) fn printed(&self, query: &Query) -> Result<String, Failure> {
        match query {
            Query::Tasks => Ok(documents(&self.path(TASKS))?.concat()),
            Query::DesiredLrps => Ok(documents(&self.path(LRPS))?.concat()),
            Query::TaskEvents => Ok(fs::read_to_string(self.path(TASK_EVENTS)).unwrap_or_default()),
            Query::LrpEvents => Ok(fs::read_to_string(self.path(LRP_EVENTS)).unwrap_or_default()),
            Query::Task(guid) => one(documents(&self.path(TASKS))?, "task_guid", guid),
            Query::DesiredLrp(guid) => one(documents(&self.path(LRPS))?, "process_guid", guid),
        }
    }
}

/// In no order of time, as BBS has them.
fn documents(folder: &Path) -> Result<Vec<String>, Failure> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files.iter().map(|file| fs::read_to_string(file).map_err(Failure::file("read", file))).collect()
}

fn one(documents: Vec<String>, key: &str, guid: &str) -> Result<String, Failure> {
    let mark = format!(r#""{key}":"{guid}","#);
    let found = documents.into_iter().find(|document| document.contains(&mark));
    found.ok_or_else(|| Failure::NotInBbs(format!("nothing with {key} {guid}")))
}

fn append(file: &Path, line: &str) -> Result<(), Failure> {
    let mut open = OpenOptions::new().create(true).append(true).open(file).map_err(Failure::file("open", file))?;
    open.write_all(format!("{line}\n").as_bytes()).map_err(Failure::file("write", file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::samples::today;
    use crate::request::style::Style;
    use serde_json::Value;

    #[test]
    fn an_app_that_is_pushed_again_has_one_task_and_one_lrp_and_events_of_both() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::at(folder.path());
        assert_eq!(state.printed(&Query::Tasks).unwrap(), "");
        let first = today(Style::Y2026, false);
        let second = Application { staging_guid: "second".into(), version: "v2".into(), ..first.clone() };
        state.tell_bbs(&first, 1).unwrap();
        state.tell_bbs(&second, 2).unwrap();
        let tasks = state.printed(&Query::Tasks).unwrap();
        assert_eq!(tasks.lines().count(), 1);
        assert_eq!(tasks, state.printed(&Query::Task("second".into())).unwrap());
        let lrp = state.printed(&Query::DesiredLrp(format!("{}-v2", first.guid))).unwrap();
        assert_eq!(lrp, state.printed(&Query::DesiredLrps).unwrap());
        let gone = state.printed(&Query::Task(first.staging_guid)).unwrap_err();
        assert_eq!((gone.exit_code(), gone.to_string().contains("ResourceNotFound")), (4, true));
        let kinds = |query| -> Vec<String> {
            let lines = state.printed(&query).unwrap();
            let kind = |line| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned();
            lines.lines().map(kind).collect()
        };
        assert_eq!(kinds(Query::TaskEvents), ["task_created", "task_removed", "task_created"]);
        assert_eq!(kinds(Query::LrpEvents), ["desired_lrp_created", "desired_lrp_created", "desired_lrp_removed"]);
    }

    #[test]
    fn a_command_that_cannot_be_is_refused_with_those_that_can() {
        assert_eq!(Query::parse("task", Some("g".into())).unwrap(), Query::Task("g".into()));
        for (command, guid, said) in
            [("task", None, "needs a guid"), ("tasks", Some("g"), "takes no guid"), ("cells", None, "desired-lrps")]
        {
            let error = Query::parse(command, guid.map(str::to_owned)).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
