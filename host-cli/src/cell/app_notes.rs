//! What the cell knows of an app's instances that do not run: how often they crashed, and what becomes of them. Pure.

use super::records::Records;
use super::view::InstanceKey;
use crate::plan::apps::{AppInstance, AppProcess, InstanceState, RunningApp};
use crate::plan::crash_policy::{MOST, Restart};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Adds to the app the instances that are wanted and not there, and to each that does not run what the cell knows of it; `waiting`: why
/// instances are not started.
pub(crate) fn add(app: &mut RunningApp, records: &Records, waiting: &BTreeMap<InstanceKey, String>, now: Timestamp) {
    let guid = app.guid.clone();
    for process in app.processes.iter_mut().filter(|process| process.started == Some(true)) {
        let wanted = u32::try_from(process.wanted).unwrap_or(u32::MAX);
        for index in 0..wanted {
            if process.instances.iter().any(|one| one.index == index && one.state.is_up()) {
                continue;
            }
            let key = InstanceKey { app_guid: guid.clone(), process: process.process_type.clone(), index };
            let one = of_index(process, index);
            let record = records.of(&key).filter(|record| record.crashes.count > 0);
            if let Some(record) = record {
                one.state = InstanceState::Crashed;
                one.note = becomes(record.crashes.count, record.crashes.restart(now));
            }
            if let Some(reason) = waiting.get(&key) {
                one.note = format!("not started yet: {reason}");
            }
        }
    }
}

/// The instance of this index, of several the newest; a new one where there is none.
fn of_index(process: &mut AppProcess, index: u32) -> &mut AppInstance {
    let at = process.instances.iter().position(|one| one.index >= index).unwrap_or(process.instances.len());
    if process.instances.get(at).is_none_or(|one| one.index != index) {
        process.instances.insert(at, AppInstance { index, ..AppInstance::default() });
    }
    &mut process.instances[at]
}

fn becomes(count: u32, restart: Restart) -> String {
    let crashes = if count == 1 { "crashed once".to_owned() } else { format!("crashed {count} times in a row") };
    match restart {
        Restart::Now => format!("{crashes}, is being started"),
        Restart::At(due) => format!("{crashes}, starts again at {due:.0}"),
        Restart::GivenUp => format!("given up after {MOST} crashes"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::records::Crash;
    use super::*;
    use crate::plan::apps::samples::seen;
    use crate::plan::apps::{Seen, apps};

    fn key(index: u32) -> InstanceKey {
        InstanceKey { app_guid: "g".into(), process: "web".into(), index }
    }

    /// An app of which two of these many instances are there: the first runs, the third does not.
    fn app(wanted: usize, started: bool) -> RunningApp {
        let wished = Seen {
            wanted: Some(wanted),
            started: Some(started),
            instance: None,
            ..seen("a", "g", "web", 0, InstanceState::Down)
        };
        apps([seen("a", "g", "web", 0, InstanceState::Running), seen("a", "g", "web", 2, InstanceState::Down), wished])
            .remove(0)
    }

    fn rows(app: &RunningApp) -> Vec<(u32, &str, &str)> {
        app.processes[0].instances.iter().map(|one| (one.index, one.state.name(), one.note.as_str())).collect()
    }

    #[test]
    fn each_instance_that_is_wanted_has_a_row_with_what_becomes_of_it() {
        let (mut records, now) = (Records::default(), Timestamp::from_second(1_000).unwrap());
        (0..5).for_each(|_| assert!(records.count(&key(2), Crash::default(), now)));
        (0..MOST).for_each(|_| assert!(records.count(&key(3), Crash::default(), now)));
        records.count(&key(0), Crash::default(), now);
        let waiting = [(key(1), "the image of a is gone".to_owned())].into();
        let mut shown = app(4, true);
        add(&mut shown, &records, &waiting, now);
        assert_eq!(
            rows(&shown),
            [
                (0, "running", ""),
                (1, "down", "not started yet: the image of a is gone"),
                (2, "crashed", "crashed 5 times in a row, starts again at 1970-01-01T00:17:40Z"),
                (3, "crashed", "given up after 200 crashes"),
            ]
        );
        assert_eq!(shown.processes[0].running(), 1);
    }

    #[test]
    fn of_what_was_stopped_nobody_waits_for_anything() {
        let mut shown = app(4, false);
        let mut records = Records::default();
        records.count(&key(2), Crash::default(), Timestamp::UNIX_EPOCH);
        add(&mut shown, &records, &BTreeMap::new(), Timestamp::UNIX_EPOCH);
        assert_eq!(rows(&shown), [(0, "running", ""), (2, "down", "")]);
    }
}
