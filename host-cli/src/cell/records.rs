//! The crashes of all instances, as the cell keeps them: by instance, to know when it is started again, and one after the other, for
//! those who ask what happened. Pure.

use super::view::InstanceKey;
use crate::plan::crash_policy::{Crashes, Restart};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The form of what is kept.
pub(crate) const VERSION: u32 = 1;
/// Crashes of an app that are told; the oldest go first.
const MOST_OF_AN_APP: usize = 50;
/// Crashes that are told in all.
const MOST_ROWS: usize = 2_000;
/// Characters of what a crash is told with, which may be an app's own words.
const LONGEST_WORDS: usize = 500;

/// All of them. `Default`: nothing has crashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Records {
    /// [`VERSION`].
    pub(crate) version: u32,
    /// An instance each that has crashed since its app is there.
    pub(crate) instances: Vec<Record>,
    /// The newest crashes, the oldest first.
    pub(crate) rows: Vec<CrashRow>,
}

impl Default for Records {
    fn default() -> Self {
        Self { version: VERSION, instances: Vec::new(), rows: Vec::new() }
    }
}

/// What is kept of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Which.
    #[serde(flatten)]
    pub(crate) key: InstanceKey,
    /// Its crashes in a row.
    #[serde(flatten)]
    pub(crate) crashes: Crashes,
    /// Which end of which container was counted last, so that none is counted twice.
    pub(crate) counted: String,
    /// How often it was started again.
    pub(crate) restarts: u64,
    /// The container in which it was started again last; empty: that was never.
    #[serde(default)]
    pub(crate) made: String,
}

/// A crash, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CrashRow {
    /// When it was seen.
    pub(crate) time: Timestamp,
    /// Of which instance.
    #[serde(flatten)]
    pub(crate) key: InstanceKey,
    /// The how manieth in a row.
    pub(crate) count: u32,
    /// How it ended, in words.
    pub(crate) exit_description: String,
    /// The exit status; `None` where it did not end by itself.
    pub(crate) exit_status: Option<i64>,
    /// Its container; empty where there is none any more.
    pub(crate) container: String,
}

/// A crash that was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Crash {
    /// What tells it from all others; empty: it is another one in any case.
    pub(crate) id: String,
    /// How long the instance had been up.
    pub(crate) up: Duration,
    /// How it ended, in words.
    pub(crate) words: String,
    /// The exit status; `None` where it did not end by itself.
    pub(crate) exit_status: Option<i64>,
    /// Its container; empty where there is none any more.
    pub(crate) container: String,
}

impl Records {
    /// What is kept of an instance; `None`: it has not crashed.
    pub(crate) fn of(&self, key: &InstanceKey) -> Option<&Record> {
        self.instances.iter().find(|record| record.key == *key)
    }

    /// What becomes of an instance that does not run.
    pub(crate) fn restart(&self, key: &InstanceKey, now: Timestamp) -> Restart {
        self.of(key).map_or(Restart::Now, |record| record.crashes.restart(now))
    }

    /// Counts a crash, unless it was counted already. Whether it was not.
    pub(crate) fn count(&mut self, key: &InstanceKey, crash: Crash, now: Timestamp) -> bool {
        if !crash.id.is_empty() && self.of(key).is_some_and(|record| record.counted == crash.id) {
            return false;
        }
        let mut count = 0;
        self.change(key, |record| {
            record.crashes = record.crashes.and_one(crash.up, now);
            count = record.crashes.count;
            if !crash.id.is_empty() {
                record.counted = crash.id;
            }
        });
        self.rows.push(CrashRow {
            time: now,
            key: key.clone(),
            count,
            exit_description: crash.words.chars().take(LONGEST_WORDS).collect(),
            exit_status: crash.exit_status,
            container: crash.container,
        });
        self.forget_the_oldest(&key.app_guid);
        true
    }

    /// Writes down that an instance was started again, in this container.
    pub(crate) fn restarted(&mut self, key: &InstanceKey, container: &str) {
        self.change(key, |record| {
            record.restarts = record.restarts.saturating_add(1);
            container.clone_into(&mut record.made);
        });
    }

    /// An instance lives in this container. If that was made neither here nor by another cell, and has not crashed, somebody else has
    /// started the app, and its crashes count anew.
    pub(crate) fn lives(&mut self, key: &InstanceKey, container: &str, by_cell: bool) {
        let Some(record) = self.instances.iter_mut().find(|record| record.key == *key) else { return };
        let is_known = by_cell || record.made == container || record.counted.split(' ').next() == Some(container);
        if !is_known {
            record.crashes = Crashes::default();
            container.clone_into(&mut record.made);
        }
    }

    /// Takes back what lies behind a clock that was set back.
    pub(crate) fn at(&mut self, now: Timestamp) {
        for record in &mut self.instances {
            record.crashes = record.crashes.at(now);
        }
    }

    /// Forgets instances of which this says that nobody wants them any more; what happened stays.
    pub(crate) fn keep(&mut self, is_wanted: impl Fn(&InstanceKey) -> bool) {
        self.instances.retain(|record| is_wanted(&record.key));
    }

    /// Forgets what happened to apps that are gone.
    pub(crate) fn keep_rows_of(&mut self, apps: &BTreeSet<&str>) {
        self.rows.retain(|row| apps.contains(row.key.app_guid.as_str()));
    }

    fn change(&mut self, key: &InstanceKey, change: impl FnOnce(&mut Record)) {
        let at = self.instances.iter().position(|record| record.key == *key);
        let mut record =
            at.map_or_else(|| Record { key: key.clone(), ..Record::default() }, |at| self.instances.swap_remove(at));
        change(&mut record);
        self.instances.push(record);
    }

    fn forget_the_oldest(&mut self, app: &str) {
        let is_its = |row: &CrashRow| row.key.app_guid == app;
        let mut excess = self.rows.iter().filter(|row| is_its(row)).count().saturating_sub(MOST_OF_AN_APP);
        self.rows.retain(|row| {
            let goes = excess > 0 && is_its(row);
            excess -= usize::from(goes);
            !goes
        });
        // Of the app that has most: one that crashes is not to push out what happened to others.
        while self.rows.len() > MOST_ROWS {
            let mut of_app: BTreeMap<&str, usize> = BTreeMap::new();
            self.rows.iter().for_each(|row| *of_app.entry(&row.key.app_guid).or_default() += 1);
            let most = of_app.into_iter().max_by_key(|(_, rows)| *rows).map(|(app, _)| app.to_owned());
            let oldest = self.rows.iter().position(|row| most.as_ref() == Some(&row.key.app_guid));
            self.rows.remove(oldest.unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(app: &str, index: u32) -> InstanceKey {
        InstanceKey { app_guid: app.into(), process: "web".into(), index }
    }

    fn crash(id: &str) -> Crash {
        Crash { id: id.into(), words: "Exited with status 1".into(), exit_status: Some(1), ..Crash::default() }
    }

    #[test]
    fn a_crash_is_counted_once_however_often_it_is_seen() {
        let (mut records, now) = (Records::default(), Timestamp::UNIX_EPOCH);
        let one = key("a", 0);
        assert!(records.count(&one, crash("c1 7"), now));
        assert!(!records.count(&one, crash("c1 7"), now));
        assert!(records.count(&one, crash("c1 9"), now), "it was started again, and ended again");
        assert!(records.count(&one, crash(""), now) && records.count(&one, crash(""), now));
        assert!(!records.count(&one, crash("c1 9"), now), "what has no container takes no container's place");
        assert_eq!((records.of(&one).unwrap().crashes.count, records.rows.len()), (4, 4));
        assert_eq!(records.of(&key("a", 1)), None);
    }

    #[test]
    fn who_starts_an_app_anew_has_its_crashes_count_anew() {
        let (mut records, now, one) = (Records::default(), Timestamp::UNIX_EPOCH, key("a", 0));
        let count = |records: &Records| records.of(&one).unwrap().crashes.count;
        records.lives(&one, "c0", false);
        assert_eq!(records, Records::default());
        records.count(&one, crash("c0 7"), now);
        records.restarted(&one, "c1");
        records.lives(&one, "c1", false);
        records.lives(&one, "c0", false);
        assert_eq!(count(&records), 1, "the cell's own, and one that somebody started again as it was");
        records.lives(&one, "c3", true);
        assert_eq!(count(&records), 1, "another cell's, which was killed before it wrote that down");
        records.lives(&one, "c2", false);
        assert_eq!((count(&records), records.rows.len()), (0, 1));
    }

    #[test]
    fn one_app_that_crashes_all_the_time_does_not_push_out_what_happened_to_others() {
        let (mut records, now) = (Records::default(), Timestamp::UNIX_EPOCH);
        records.count(&key("quiet", 0), crash("q"), now);
        for number in 0..500 {
            let words = "x".repeat(10_000);
            records.count(&key("loud", 0), Crash { words, ..crash(&number.to_string()) }, now);
        }
        assert_eq!(records.rows.len(), MOST_OF_AN_APP + 1);
        assert_eq!(records.rows[0].key.app_guid, "quiet");
        assert!(records.rows.iter().all(|row| row.exit_description.len() <= LONGEST_WORDS));
        records.keep_rows_of(&BTreeSet::from(["quiet"]));
        records.keep(|key| key.app_guid == "quiet");
        assert_eq!((records.rows.len(), records.instances.len()), (1, 1));
    }

    #[test]
    fn many_apps_that_crash_do_not_push_out_what_happened_to_others_either() {
        let (mut records, now) = (Records::default(), Timestamp::UNIX_EPOCH);
        records.count(&key("quiet", 0), crash("q"), now);
        for app in 0..MOST_ROWS / MOST_OF_AN_APP + 9 {
            for _ in 0..MOST_OF_AN_APP {
                records.count(&key(&format!("loud{app}"), 0), crash(""), now);
            }
        }
        let apps: BTreeSet<&str> = records.rows.iter().map(|row| &*row.key.app_guid).collect();
        assert_eq!((records.rows.len(), apps.len()), (MOST_ROWS, MOST_ROWS / MOST_OF_AN_APP + 10));
    }

    #[test]
    fn what_is_kept_is_read_again_as_it_was() {
        let mut records = Records::default();
        records.count(&key("a", 3), crash("c"), "2026-11-30T01:02:03.5Z".parse().unwrap());
        let text = serde_json::to_string(&records).unwrap();
        assert_eq!(serde_json::from_str::<Records>(&text).unwrap(), records, "{text}");
    }
}
