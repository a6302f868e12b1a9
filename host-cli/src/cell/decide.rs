//! What is wanted and what is seen, with the crashes so far → what is to be done now, and when there is more. Pure.
//!
//! An instance is wanted once. Of several containers of it, as a killed replacement leaves them, the newest that lives stays; one that
//! gets healthy ends the older ones, and one that does not, ends itself. What has ended stays for those who read its log: whoever
//! brings the next one up removes it.

use super::exit_words::exit_words;
use super::records::{Crash, Records};
use super::view::{Ended, InstanceKey, Seen, SeenInstance, State, Wish, Wishes};
use crate::engine::ContainerId;
use crate::plan::crash_policy::Restart;
use crate::plan::guard;
use jiff::Timestamp;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What an unhealthy instance's crash is called. Executor's own words.
const UNHEALTHY: &str = "Instance became unhealthy: its health check failed";

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A container is not wanted any more, or not as it is.
    End(ContainerId),
    /// An instance is to run and does not. First these end, which are its own and hold what it needs.
    BringUp(InstanceKey, Vec<ContainerId>),
}

/// What was decided.
#[derive(Debug, Default)]
pub(crate) struct Decision {
    /// What is to be done, in this order; what is of several instances may be done side by side.
    pub(crate) steps: Vec<Step>,
    /// When there will be more to do, should nothing happen before.
    pub(crate) due: Option<Timestamp>,
    /// Crashes that were not seen before.
    pub(crate) crashed: Vec<(InstanceKey, String, Restart)>,
}

/// Decides for all apps at once. `records` gets the crashes that were not seen before; keep them before anything is done.
pub(crate) fn decide(wishes: &Wishes, seen: &Seen, records: &mut Records, now: Timestamp) -> Decision {
    records.at(now);
    let mut of_process: BTreeMap<(&str, &str), BTreeMap<u32, Vec<&SeenInstance>>> = BTreeMap::new();
    for one in &seen.instances {
        let process = of_process.entry((&one.key.app_guid, &one.key.process)).or_default();
        process.entry(one.key.index).or_default().push(one);
    }
    let mut decision = Decision::default();
    for wish in &wishes.apps {
        for (process, wanted) in &wish.processes {
            let of_launch = guard::of_launch(&wish.app_guid, process);
            if seen.guards.contains(&of_launch) || seen.guards.contains(&guard::asking_for(&of_launch)) {
                continue;
            }
            let mut there = of_process.remove(&(wish.app_guid.as_str(), process.as_str())).unwrap_or_default();
            for index in 0..*wanted {
                let key = InstanceKey { app_guid: wish.app_guid.clone(), process: process.clone(), index };
                let mine = there.remove(&index).unwrap_or_default();
                if !seen.at_work.contains(&key) {
                    decision.decide_one(key, mine, records, now);
                }
            }
            let is_mine = |one: &&SeenInstance| one.state.runs() && !seen.at_work.contains(&one.key);
            let surplus = there.into_values().flatten().filter(is_mine);
            decision.steps.extend(surplus.map(|one| Step::End(one.container.clone())));
        }
    }
    forget(wishes, records);
    decision
}

impl Decision {
    fn decide_one(&mut self, key: InstanceKey, mut mine: Vec<&SeenInstance>, records: &mut Records, now: Timestamp) {
        // The newest first; of two of one second always the same.
        mine.sort_by_key(|one| Reverse((one.created, one.container.0.as_str())));
        if let Some(at) = mine.iter().position(|one| one.state.lives()) {
            let (newer, older) = mine.split_at(at);
            let stays = older.first();
            let is_up = stays.is_some_and(|one| one.state == State::Up);
            stays.inspect(|one| records.lives(&key, &one.container.0, one.by_cell));
            let others = newer.iter().chain(older.iter().skip(1).filter(|_| is_up));
            let ends = others.filter(|one| one.state.runs());
            self.steps.extend(ends.map(|one| Step::End(one.container.clone())));
            return;
        }
        let unhealthy: Vec<ContainerId> =
            mine.iter().filter(|one| one.state.runs()).map(|one| one.container.clone()).collect();
        let crash = mine.iter().find_map(|one| crash_of(one, now));
        if let Some(crash) = crash {
            let words = crash.words.clone();
            if records.count(&key, crash, now) {
                self.crashed.push((key.clone(), words, records.restart(&key, now)));
            }
        }
        match records.restart(&key, now) {
            Restart::Now => return self.steps.push(Step::BringUp(key, unhealthy)),
            Restart::At(due) => self.due = Some(self.due.map_or(due, |other| other.min(due))),
            Restart::GivenUp => {}
        }
        self.steps.extend(unhealthy.into_iter().map(Step::End));
    }
}

/// The crash that a container tells of; `None`: it lives, or has never run.
fn crash_of(one: &SeenInstance, now: Timestamp) -> Option<Crash> {
    let up = |from: i64, to: i64| Duration::from_secs(u64::try_from(to.saturating_sub(from)).unwrap_or_default());
    let (started, up, words, exit_status) = match one.state {
        State::Down(Ended { status, out_of_memory, started, ended }) => {
            (started, up(started, ended), exit_words(status, out_of_memory), Some(status))
        }
        State::Unhealthy { started } => (started, up(started, now.as_second()), UNHEALTHY.to_owned(), None),
        State::Made | State::Starting | State::Up => return None,
    };
    let container = one.container.0.clone();
    Some(Crash { id: crash_id(&container, started), up, words, exit_status, container })
}

/// What tells the crash of a container from others. Its start, and not its end: who was unhealthy and is ended for that has crashed once.
pub(crate) fn crash_id(container: &str, started: i64) -> String {
    format!("{container} {started}")
}

/// What nobody wants any more, and what happened to apps of which nothing is known.
fn forget(wishes: &Wishes, records: &mut Records) {
    // Of what cannot be read nobody knows which app it is about.
    if !wishes.unreadable.is_empty() {
        return;
    }
    let wanted: BTreeMap<&str, &Wish> = wishes.apps.iter().map(|wish| (wish.app_guid.as_str(), wish)).collect();
    records.keep(|key| wanted.get(key.app_guid.as_str()).is_some_and(|wish| wish.wants(key)));
    records.keep_rows_of(&wanted.keys().copied().collect::<BTreeSet<&str>>());
}

#[cfg(test)]
mod tests;
