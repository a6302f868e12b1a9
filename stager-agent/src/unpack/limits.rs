//! How much an archive may ask for. A file of a few kilobytes can claim to hold a petabyte, a million directories in
//! one another, or a name of a gigabyte; the bounds here are far above every buildpack and package that was ever seen,
//! and each can be widened by an option of the agent.

use crate::unpack::error::{Bound, UnpackError};
use std::sync::atomic::{AtomicU64, Ordering};

/// What an archive unpacks to before its ratio is looked at: a small file of zeros is no bomb.
const RATIO_FLOOR: u64 = 100 << 20;

/// The bounds. Beyond them an archive is refused, not cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Bytes that come out of one archive, holes of sparse files included.
    pub(crate) bytes: u64,
    /// Entries of one archive, whatever they are.
    pub(crate) entries: u64,
    /// Bytes that come out for each that went in; asked from 100 MiB on.
    pub(crate) ratio: u64,
    /// Parts of one path.
    pub(crate) depth: u64,
    /// Bytes of one path, and of one link's target.
    pub(crate) name: u64,
}

impl Limits {
    /// The defaults. An offline buildpack unpacks to 1.5 GB and 50,000 files, a package with its `node_modules` has
    /// 200,000; text shrinks to a twentieth, and only what nobody wrote shrinks to a thousandth, which is the most that
    /// deflate can. `PATH_MAX` is the longest name that a program can use, and leaves room for 256 parts with 15
    /// letters each; every one is a descriptor that is held open. A million entries of a zip, which are judged before any
    /// is unpacked, take 100 MiB of memory.
    pub(crate) const GENEROUS: Self = Self { bytes: 32 << 30, entries: 1_000_000, ratio: 200, depth: 256, name: 4095 };
}

/// What one archive has taken so far. Several threads may charge it.
#[derive(Debug)]
pub(super) struct Budget<'a> {
    pub(super) limits: &'a Limits,
    packed: AtomicU64,
    bytes: AtomicU64,
    entries: AtomicU64,
}

impl<'a> Budget<'a> {
    /// With nothing taken yet.
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self { limits, packed: AtomicU64::new(0), bytes: AtomicU64::new(0), entries: AtomicU64::new(0) }
    }

    /// So many more bytes of the archive were read, packed as they came. To be told before what comes out of them.
    ///
    /// # Errors
    /// They are more than may come out.
    pub(super) fn packed(&self, count: u64) -> Result<(), UnpackError> {
        at_most(Bound::Packed, add(&self.packed, count), self.limits.bytes)
    }

    /// So many more bytes come out.
    ///
    /// # Errors
    /// They are too many, or too many for what went in.
    pub(super) fn bytes(&self, count: u64) -> Result<(), UnpackError> {
        let bytes = add(&self.bytes, count);
        at_most(Bound::Bytes, bytes, self.limits.bytes)?;
        if bytes > RATIO_FLOOR {
            let packed = self.packed.load(Ordering::Relaxed).max(1);
            at_most(Bound::Ratio, bytes.div_ceil(packed), self.limits.ratio)?;
        }
        Ok(())
    }

    /// One more entry.
    ///
    /// # Errors
    /// There are too many.
    pub(super) fn entry(&self) -> Result<(), UnpackError> {
        at_most(Bound::Entries, add(&self.entries, 1), self.limits.entries)
    }
}

/// The sum; where there is no such number, the largest.
fn add(counter: &AtomicU64, count: u64) -> u64 {
    let sum = |old: u64| old.saturating_add(count);
    sum(counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |old| Some(sum(old))).unwrap_or_else(|old| old))
}

fn at_most(bound: Bound, value: u64, limit: u64) -> Result<(), UnpackError> {
    if value > limit { Err(UnpackError::LimitExceeded { bound, limit, entry: None }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    const NARROW: Limits = Limits { bytes: 200 << 20, entries: 10, ratio: 3, depth: 2, name: 5 };

    #[test]
    fn a_bound_may_be_reached_and_not_passed() {
        let budget = Budget::new(&NARROW);
        budget.packed(NARROW.bytes).unwrap();
        budget.bytes(NARROW.bytes).unwrap();
        assert_eq!(budget.bytes(1).unwrap_err().to_string(), "the archive unpacks to more than 200 MiB");
        assert_eq!(budget.packed(1).unwrap_err().to_string(), "the archive is larger than 200 MiB");
        for _ in 0..10 {
            budget.entry().unwrap();
        }
        assert_eq!(budget.entry().unwrap_err().to_string(), "the archive has more than 10 entries");
    }

    #[test]
    fn a_ratio_counts_from_a_hundred_mebibytes_on() {
        let budget = Budget::new(&NARROW);
        budget.packed(1000).unwrap();
        budget.bytes(RATIO_FLOOR).unwrap();
        let error = budget.bytes(1).unwrap_err();
        assert_eq!(error.to_string(), "the archive unpacks to more than 3 times its size");
        budget.packed(RATIO_FLOOR).unwrap();
        budget.bytes(1).unwrap();
    }

    #[test]
    fn no_sum_begins_anew_at_zero() {
        let budget = Budget::new(&NARROW);
        budget.bytes(u64::MAX).unwrap_err();
        budget.bytes(u64::MAX).unwrap_err();
    }

    #[test]
    fn threads_share_a_budget() {
        let budget = Budget::new(&NARROW);
        let refused: usize = thread::scope(|scope| {
            let threads = [(); 4].map(|()| scope.spawn(|| (0..5).filter(|_| budget.entry().is_err()).count()));
            threads.map(|thread| thread.join().unwrap()).iter().sum()
        });
        assert_eq!(refused, 20 - 10);
    }
}
