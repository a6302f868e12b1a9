//! What is wanted of apps, and what is seen of them, as far as the cell needs it. Names are tenants' texts: who shows them
//! escapes them.

use crate::engine::ContainerId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Which instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct InstanceKey {
    /// Its app's guid.
    pub(crate) app_guid: String,
    /// Its process type.
    pub(crate) process: String,
    /// From 0.
    pub(crate) index: u32,
}

/// All that is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wishes {
    /// An app each.
    pub(crate) apps: Vec<Wish>,
    /// What cannot be read, in words without values: a damaged file, or one of a newer stager. What it is about is left alone.
    pub(crate) unreadable: Vec<String>,
}

/// What is wanted of an app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    /// The app's guid.
    pub(crate) app_guid: String,
    /// How many instances of each process type are to run; 0 of each of one that was stopped.
    pub(crate) processes: BTreeMap<String, u32>,
}

impl Wish {
    /// Whether this instance of the app is to run.
    pub(crate) fn wants(&self, key: &InstanceKey) -> bool {
        self.processes.get(&key.process).is_some_and(|instances| key.index < *instances)
    }
}

/// All that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Instances, running or not.
    pub(crate) instances: Vec<SeenInstance>,
    /// Names of guards: somebody launches, stops, replaces or deletes what they stand for at the moment.
    pub(crate) guards: BTreeSet<String>,
    /// Those that are not to be touched now: the cell itself brings them up, or tries so again a little later.
    pub(crate) at_work: BTreeSet<InstanceKey>,
}

/// One container of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SeenInstance {
    /// Whose it is.
    pub(crate) key: InstanceKey,
    /// Its id.
    pub(crate) container: ContainerId,
    /// Seconds since 1970 when it was made.
    pub(crate) created: i64,
    /// What it does.
    pub(crate) state: State,
    /// Whether a cell made it.
    pub(crate) by_cell: bool,
}

/// What a container of an instance does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// It was never started: somebody is about to, or was killed before.
    #[default]
    Made,
    /// It runs, and its check has not passed yet.
    Starting,
    /// It runs, and nothing says that it is not healthy.
    Up,
    /// It runs, and its check fails.
    Unhealthy {
        /// Seconds since 1970 when it was started.
        started: i64,
    },
    /// It has ended.
    Down(Ended),
}

/// How a container ended.
#[expect(clippy::struct_field_names, reason = "when it ended is one of the things that are told of its end")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ended {
    /// The exit status.
    pub(crate) status: i64,
    /// Whether the kernel ended it for its memory.
    pub(crate) out_of_memory: bool,
    /// Seconds since 1970 when it was started.
    pub(crate) started: i64,
    /// Seconds since 1970 when it ended.
    pub(crate) ended: i64,
}

impl State {
    /// Whether its main process runs.
    pub(crate) const fn runs(&self) -> bool {
        matches!(self, Self::Starting | Self::Up | Self::Unhealthy { .. })
    }

    /// Whether it runs and is not known to be unhealthy.
    pub(crate) const fn lives(&self) -> bool {
        matches!(self, Self::Starting | Self::Up)
    }
}
