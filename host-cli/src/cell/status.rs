//! What the cell says of itself, for `cell status`. Pure.

use super::records::Records;
use super::view::{InstanceKey, Seen, Wishes};
use crate::engine::Container;
use crate::plan::crash_policy::MOST;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What is known of a cell.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// Its container.
    pub(crate) container: Container,
    /// What its image is called at the moment; its id where it has no name.
    pub(crate) image: String,
    /// What it said last of itself; `None`: it has not looked yet.
    pub(crate) status: Option<Status>,
}

/// What the cell says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Status {
    /// When it looked last.
    pub(crate) looked: Timestamp,
    /// Its version.
    pub(crate) version: String,
    /// Apps of which something is wanted.
    pub(crate) apps: usize,
    /// Apps of which what is wanted cannot be read.
    pub(crate) unreadable: usize,
    /// Instances that are wanted.
    pub(crate) wanted: u64,
    /// Those of them that live.
    pub(crate) up: usize,
    /// How often one was started again, of apps that are there.
    pub(crate) restarts: u64,
    /// Those that are not started again.
    pub(crate) given_up: Vec<InstanceKey>,
    /// Those that are not started yet, and why; the first ones.
    #[serde(default)]
    pub(crate) waiting: Vec<(InstanceKey, String)>,
    /// Bytes of memory that it takes.
    pub(crate) memory_bytes: u64,
}

impl Status {
    /// What there is to say, but for the memory and for those that wait.
    pub(crate) fn new(wishes: &Wishes, seen: &Seen, records: &Records, now: Timestamp) -> Self {
        let wanted = |key: &InstanceKey| {
            wishes.apps.iter().find(|wish| wish.app_guid == key.app_guid).is_some_and(|wish| wish.wants(key))
        };
        let living = seen.instances.iter().filter(|one| one.state.lives()).map(|one| &one.key);
        let living: BTreeSet<&InstanceKey> = living.filter(|key| wanted(key)).collect();
        let given_up = records.instances.iter().filter(|one| one.crashes.count >= MOST && !living.contains(&one.key));
        let mut given_up: Vec<InstanceKey> = given_up.map(|one| one.key.clone()).collect();
        given_up.sort();
        let processes = wishes.apps.iter().flat_map(|wish| wish.processes.values());
        Self {
            looked: now,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            apps: wishes.apps.iter().filter(|wish| wish.processes.values().any(|instances| *instances > 0)).count(),
            unreadable: wishes.unreadable.len(),
            wanted: processes.map(|instances| u64::from(*instances)).sum(),
            up: living.len(),
            restarts: records.instances.iter().map(|one| one.restarts).fold(0, u64::saturating_add),
            given_up,
            waiting: Vec::new(),
            memory_bytes: 0,
        }
    }
}
