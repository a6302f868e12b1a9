//! BBS as far as `cfdot` shows it: the newest staging and the processes of each app, and all events since `up`. No cell takes
//! a staging: a task is there until the app is pushed again.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::manage::now::new_guid;
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
    /// Puts an app's requests in the place of its earlier ones: one staging, and one process for each of `processes`, of
    /// which there is at least one. `nanoseconds` is Unix time.
    pub(crate) fn tell_bbs(&self, processes: &[Application], nanoseconds: i128) -> Result<(), Failure> {
        let Some(application) = processes.first() else { return Ok(()) };
        let time = i64::try_from(nanoseconds).unwrap_or(i64::MAX);
        for folder in [TASKS, LRPS] {
            let folder = self.path(folder); // an older state has none
            fs::create_dir_all(&folder).map_err(Failure::file("make the folder", &folder))?;
        }
        let file = self.path(TASKS).join(format!("{}.json", application.guid));
        if let Ok(earlier) = fs::read_to_string(&file) {
            append(&self.path(TASK_EVENTS), &task_event("task_removed", earlier.trim_end()))?;
        }
        let task = task(application, time).to_go();
        append(&self.path(TASK_EVENTS), &task_event("task_created", &task))?;
        replace(&file, format!("{task}\n").as_bytes())?;

        let earlier = self.processes_of(&application.guid)?;
        let mut now = Vec::new();
        for process in processes {
            let lrp = lrp(process, &new_guid()).to_go();
            append(&self.path(LRP_EVENTS), &lrp_event("desired_lrp_created", &lrp, &new_guid()))?;
            now.push((self.path(LRPS).join(format!("{}.json", process.process.guid)), lrp));
        }
        for (file, document) in earlier {
            append(&self.path(LRP_EVENTS), &lrp_event("desired_lrp_removed", document.trim_end(), &new_guid()))?;
            if !now.iter().any(|(other, _)| *other == file) {
                fs::remove_file(&file).map_err(Failure::file("remove", &file))?;
            }
        }
        now.iter().try_for_each(|(file, lrp)| replace(file, format!("{lrp}\n").as_bytes()))
    }

    /// The processes that an app has, each with its file.
    fn processes_of(&self, app: &str) -> Result<Vec<(PathBuf, String)>, Failure> {
        let mark = format!(r#""log_guid":"{app}","#);
        let all = files(&self.path(LRPS)).into_iter();
        let all: Result<Vec<_>, Failure> = all
            .map(|file| {
                let document = fs::read_to_string(&file).map_err(Failure::file("read", &file))?;
                Ok((file, document))
            })
            .collect();
        Ok(all?.into_iter().filter(|(_, document)| document.contains(&mark)).collect())
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
    files(folder).iter().map(|file| fs::read_to_string(file).map_err(Failure::file("read", file))).collect()
}

/// Those of a folder that may not be there.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files
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
    use crate::request::application::Process;
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
        state.tell_bbs(std::slice::from_ref(&first), 1).unwrap();
        state.tell_bbs(&[second], 2).unwrap();
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
    fn each_process_has_a_request_until_the_app_is_pushed_without_it() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::at(folder.path());
        let web = today(Style::Y2026, false);
        let mut worker = web.clone();
        worker.process = Process { kind: "worker".into(), guid: "w".into(), sidecars: Vec::new() };
        let guids = || -> Vec<String> {
            let guid = |line| serde_json::from_str::<Value>(line).unwrap()["process_guid"].as_str().unwrap().to_owned();
            state.printed(&Query::DesiredLrps).unwrap().lines().map(guid).collect()
        };
        state.tell_bbs(&[web.clone(), worker], 1).unwrap();
        assert_eq!(guids(), [format!("{}-v1", web.guid), "w-v1".to_owned()]);
        state.tell_bbs(std::slice::from_ref(&web), 2).unwrap();
        assert_eq!(guids(), [format!("{}-v1", web.guid)]);
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
