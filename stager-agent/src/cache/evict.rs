//! Keeps the cache within its limit: what was not used for the longest time goes first, what is in use stays.
//! The limit is on what is kept: while something is fetched, or what it replaced is still used, the disk holds more.

use super::error::CacheError;
use super::index::Index;
use super::layout::{EVICTING, Name};
use super::lock::Lock;
use super::record::Record;
use super::remove::remove_entry;
use super::store::Cache;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// How long others wait for it. A paused one must not hold them up for long; the next publishing evicts as well.
const PATIENCE: Duration = Duration::from_secs(5);
const NAP: Duration = Duration::from_millis(10);
/// So long ago something counts as used that was used in the future: what is published at this moment comes after it,
/// even if it had to wait for its turn.
const JUST_NOW: Duration = Duration::from_secs(10);

/// What became of an entry that was to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removal {
    /// It is gone.
    Removed,
    /// Somebody uses it or fetches it anew: it stays.
    InUse,
}

impl Cache {
    /// Removes entries until all of them together are within the limit, or the rest is in use.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub(super) fn evict(&self) -> Result<(), CacheError> {
        let index = Index::new(&self.layout);
        let Some(_turn) = self.turn_to_evict()? else { return Ok(()) };
        let mut all: Vec<_> =
            index.all()?.into_iter().filter_map(|it| Some((it.used, it.id, it.record.ok()?))).collect();
        all.sort_by_key(|(used, ..)| *used);
        self.settle(&mut all)?;
        let mut total = all.iter().fold(0_u64, |sum, (.., record)| sum.saturating_add(record.bytes));
        for (_, id, record) in all {
            if total <= self.limit {
                break;
            }
            if self.remove(&id, &record.name)? == Removal::Removed {
                total = total.saturating_sub(record.bytes);
            }
        }
        Ok(())
    }

    /// Sees to it that none of `all`, which are in the order of their use, was used in the future: then the clock was put
    /// back, and such an entry would stay for ever. As if used just now it grows old like any other.
    fn settle(&self, all: &mut [(SystemTime, String, Record)]) -> Result<(), CacheError> {
        let now = self.clock.now();
        let before = all.partition_point(|(used, ..)| *used <= now);
        let just_now = now.checked_sub(JUST_NOW).unwrap_or(now);
        for ((used, id, _), place) in all[before..].iter_mut().zip(0..) {
            *used = just_now + Duration::from_nanos(place);
            Index::new(&self.layout).touch(id, *used)?;
        }
        all.sort_by_key(|(used, ..)| *used);
        Ok(())
    }

    /// Removes an entry and its record, unless it is in use.
    pub(super) fn remove(&self, id: &str, name: &Name) -> Result<Removal, CacheError> {
        let Some(alone) = self.layout.lock_alone(name.as_str())? else { return Ok(Removal::InUse) };
        let Some(turn) = self.layout.lock_alone(id)? else { return Ok(Removal::InUse) };
        let index = Index::new(&self.layout);
        if index.leads(id, name)? {
            index.remove(id)?;
        }
        drop(turn); // whoever wants to fetch it anew need not wait until the old one is removed
        remove_entry(&self.layout, name, &alone)?;
        Ok(Removal::Removed)
    }

    fn turn_to_evict(&self) -> Result<Option<Lock>, CacheError> {
        let until = Instant::now() + PATIENCE;
        loop {
            let turn = self.layout.lock_alone(EVICTING)?;
            if turn.is_some() || Instant::now() >= until {
                return Ok(turn);
            }
            thread::sleep(NAP);
        }
    }
}
