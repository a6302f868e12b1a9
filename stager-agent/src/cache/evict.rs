//! Keeps the cache within its limit: what was not used for the longest time goes first, what is in use stays.

use super::error::CacheError;
use super::index::Index;
use super::layout::Name;
use super::lock::{Hold, Lock};
use super::{Cache, rubbish};
use std::cmp::Reverse;
use std::thread;
use std::time::{Duration, Instant};

/// Its holder is the one that evicts; several at once would remove too much.
const LOCK: &str = "evicting";
/// How long others wait for it. A paused one must not hold them up for long; the next publishing evicts as well.
const PATIENCE: Duration = Duration::from_secs(5);
const NAP: Duration = Duration::from_millis(10);

/// What became of an entry that was to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removal {
    /// It is gone.
    Removed,
    /// Somebody uses it or fetches it anew: it stays.
    InUse,
}

impl Cache {
    /// Removes entries until all of them together are within the limit.
    pub(super) fn evict(&self) -> Result<(), CacheError> {
        let index = Index::of(&self.layout);
        let Some(_turn) = self.turn_to_evict()? else { return Ok(()) };
        let mut all: Vec<_> = index
            .all()?
            .into_iter()
            .filter_map(|indexed| Some((indexed.used, indexed.id, indexed.record.ok()?)))
            .collect();
        let mut total: u64 = all.iter().map(|(_, _, record)| record.bytes).sum();
        // The last is the one to go first.
        all.sort_by_key(|(used, ..)| Reverse(*used));
        while total > self.limit {
            let Some((_, id, record)) = all.pop() else { break };
            if self.remove(&id, &record.name)? == Removal::Removed {
                total -= record.bytes;
            }
        }
        Ok(())
    }

    /// Removes an entry and its record, unless it is in use.
    pub(super) fn remove(&self, id: &str, name: &Name) -> Result<Removal, CacheError> {
        let Some(alone) = rubbish::alone(&self.layout, name.as_str())? else { return Ok(Removal::InUse) };
        let Some(_turn) = rubbish::alone(&self.layout, id)? else { return Ok(Removal::InUse) };
        let index = Index::of(&self.layout);
        if index.leads(id, name)? {
            index.remove(id)?;
        }
        rubbish::remove(&self.layout, name, &alone)?;
        Ok(Removal::Removed)
    }

    fn turn_to_evict(&self) -> Result<Option<Lock>, CacheError> {
        let path = self.layout.locks().join(LOCK);
        let until = Instant::now() + PATIENCE;
        loop {
            let turn = Lock::try_take(&path, Hold::Exclusive).map_err(CacheError::io("lock", &path))?;
            if turn.is_some() || Instant::now() >= until {
                return Ok(turn);
            }
            thread::sleep(NAP);
        }
    }
}
