//! The request's `disk_mb`, which downloads draw on as they are unpacked, several at once. What a program writes is counted
//! where it lies (`build/disk.rs`), and told here for the downloads that follow. Touches nothing itself.

use shared_model::size;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that a file's last piece takes at least, on most file systems.
const BLOCK: u64 = 4096;

/// What a staging may write in all.
#[derive(Debug)]
pub(crate) struct DiskBudget {
    /// Bytes in all.
    limit: u64,
    used: AtomicU64,
}

/// What one archive takes of a budget.
#[derive(Debug)]
pub(crate) struct Draw {
    budget: Arc<DiskBudget>,
    /// Bytes that are given back when the archive is.
    taken: AtomicU64,
}

/// More than the budget has. Diego's words for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it takes more than the request's disk_mb ({}) has left: disk quota exceeded", size::bytes(*limit))]
pub(crate) struct DiskFull {
    /// In bytes.
    pub(crate) limit: u64,
}

impl DiskBudget {
    /// One of `limit` bytes, of which nothing is taken.
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, used: AtomicU64::new(0) }
    }

    /// All that is there takes so many bytes, what was drawn included.
    pub(crate) fn is_used(&self, bytes: u64) {
        self.used.fetch_max(bytes, Ordering::Relaxed);
    }
}

impl Draw {
    /// For one archive.
    pub(crate) fn on(budget: &Arc<DiskBudget>) -> Self {
        Self { budget: Arc::clone(budget), taken: AtomicU64::new(0) }
    }

    /// So many bytes are about to be written.
    ///
    /// # Errors
    /// There are not so many left; they are taken nevertheless, so that nobody else gets what is over.
    pub(crate) fn take(&self, bytes: u64) -> Result<(), DiskFull> {
        let add = |counter: &AtomicU64| {
            let sum = |old: u64| Some(old.saturating_add(bytes));
            counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum).unwrap_or_else(|old| old)
        };
        add(&self.taken);
        let before = add(&self.budget.used);
        if before.saturating_add(bytes) > self.budget.limit {
            Err(DiskFull { limit: self.budget.limit })
        } else {
            Ok(())
        }
    }

    /// So many of the bytes that were taken are free again.
    pub(crate) fn give_back(&self, bytes: u64) {
        for counter in [&self.taken, &self.budget.used] {
            let less = |old: u64| Some(old.saturating_sub(bytes));
            let _ = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        }
    }

    /// All that was taken is removed.
    pub(crate) fn give_all_back(&self) {
        self.give_back(self.taken.load(Ordering::Relaxed));
    }
}

/// What `bytes` take on a disk.
pub(crate) fn on_disk(bytes: u64) -> u64 {
    bytes.checked_next_multiple_of(BLOCK).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_share_a_budget_and_give_back_what_was_removed() {
        let budget = Arc::new(DiskBudget::new(100));
        let (one, other) = (Draw::on(&budget), Draw::on(&budget));
        one.take(60).unwrap();
        other.take(40).unwrap();
        assert_eq!(other.take(1), Err(DiskFull { limit: 100 }));
        other.give_all_back();
        one.take(40).unwrap();
        assert_eq!(one.take(u64::MAX), Err(DiskFull { limit: 100 }));
        assert_eq!(one.take(u64::MAX), Err(DiskFull { limit: 100 }), "no sum begins anew at zero");
    }

    #[test]
    fn what_a_program_wrote_is_not_there_for_a_later_archive() {
        let budget = Arc::new(DiskBudget::new(100));
        budget.is_used(90);
        budget.is_used(80);
        assert_eq!(Draw::on(&budget).take(11), Err(DiskFull { limit: 100 }));
    }
}
