//! What happened to an app, as `cf events` has it: what people did, and how instances ended. Pure.

use super::exit_words::exit_words;
use super::records::CrashRow;
use crate::engine::Container;
use crate::plan::wish::AppEvent;
use jiff::Timestamp;
use serde::Serialize;

/// Cloud Controller's word for a crash.
const CRASH: &str = "audit.app.process.crash";
/// Who did what people do with this program; nobody knows which of them.
const ACTOR: &str = "host-cli";

/// Something that happened. Texts may be a tenant's: who shows them escapes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Happened {
    /// When.
    pub(crate) time: Timestamp,
    /// Cloud Foundry's word where it has one.
    pub(crate) event: String,
    /// Who did it: a process type where an instance has crashed.
    pub(crate) actor: String,
    /// In a few words.
    pub(crate) description: String,
    /// Which instance; `None`: it is about the app.
    pub(crate) index: Option<u32>,
    /// Its exit status; `None`: it has none, or nobody knows.
    pub(crate) exit_status: Option<i64>,
}

/// What somebody did.
pub(crate) fn done(event: &AppEvent) -> Happened {
    Happened {
        time: event.time,
        event: event.event.clone(),
        actor: ACTOR.to_owned(),
        description: event.description.clone(),
        index: None,
        exit_status: None,
    }
}

/// A crash that the cell has counted.
pub(crate) fn crashed(row: &CrashRow) -> Happened {
    let CrashRow { key, count, exit_description, .. } = row;
    let index = key.index;
    Happened {
        time: row.time,
        event: CRASH.to_owned(),
        actor: key.process.clone(),
        description: format!(
            "index: {index}, reason: CRASHED, crash_count: {count}, exit_description: {exit_description}"
        ),
        index: Some(index),
        exit_status: row.exit_status,
    }
}

/// What a container tells of an instance where no cell counts: that it has ended, or that the engine has started it again. `None`:
/// neither.
pub(crate) fn ended(process: &str, index: u32, container: &Container) -> Option<Happened> {
    let restarts = match container.restarts {
        0 => String::new(),
        count => format!(", restarts: {count}"),
    };
    let (second, description, exit_status) = if container.running {
        (container.started, format!("index: {index}, reason: CRASHED{restarts}"), None)
    } else {
        let words = exit_words(container.exit_status, container.out_of_memory);
        let description = format!("index: {index}, reason: CRASHED{restarts}, exit_description: {words}");
        (container.ended, description, Some(container.exit_status))
    };
    let has_ended = !container.running && container.ended > 0 || container.restarts > 0;
    let time = Timestamp::from_second(second).ok().filter(|_| has_ended)?;
    Some(Happened {
        time,
        event: CRASH.to_owned(),
        actor: process.to_owned(),
        description,
        index: Some(index),
        exit_status,
    })
}

/// The newest first.
pub(crate) fn newest_first(mut all: Vec<Happened>) -> Vec<Happened> {
    all.sort_by_key(|one| std::cmp::Reverse(one.time));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::view::InstanceKey;

    #[test]
    fn a_crash_is_told_with_its_index_and_how_it_ended() {
        let key = InstanceKey { app_guid: "g".into(), process: "web".into(), index: 2 };
        let row = CrashRow {
            key,
            count: 4,
            exit_description: exit_words(137, true),
            exit_status: Some(137),
            ..CrashRow::default()
        };
        let told = crashed(&row);
        assert_eq!((told.event.as_str(), told.actor.as_str(), told.index), (CRASH, "web", Some(2)));
        let words =
            "index: 2, reason: CRASHED, crash_count: 4, exit_description: Exited with status 137 (out of memory)";
        assert_eq!(told.description, words);
    }

    #[test]
    fn without_a_cell_a_container_tells_that_it_ended_or_how_often_the_engine_started_it() {
        let down = Container { exit_status: 1, ended: 60, ..Container::default() };
        let told = ended("worker", 0, &down).unwrap();
        assert_eq!(told.description, "index: 0, reason: CRASHED, exit_description: Exited with status 1");
        assert_eq!((told.time.as_second(), told.exit_status), (60, Some(1)));
        let again = Container { running: true, restarts: 3, started: 90, ..Container::default() };
        let told = ended("web", 0, &again).unwrap();
        assert_eq!((told.description.as_str(), told.exit_status), ("index: 0, reason: CRASHED, restarts: 3", None));
        assert_eq!(ended("web", 0, &Container { running: true, ..Container::default() }), None);
        assert_eq!(ended("web", 0, &Container::default()), None, "it was never started");
    }
}
