//! As many inflaters as there are cores, for all archives of the process together. Whoever unpacks entries needs one:
//! nine zips that arrive together keep every core busy, and so does one alone, but never do more threads than cores
//! pull at the memory and the disk. They are taken for a few MiB of entries and given back, so that nobody waits long.
//!
//! Their buffers are all the memory that unpacking takes, whatever the archives' sizes. With more cores each is smaller,
//! and more entries are streamed.
//!
//! A tar needs none. It is inflated by the thread that receives it, as fast as it comes; holding an inflater while the
//! network is slow, it would keep the cores from others. Receiving is bounded by a semaphore of its own.

use super::inflater::Inflater;
use crate::session::scope::Scope;
use crate::session::semaphore::Semaphore;
use crate::unpack::error::UnpackError;
use crate::unpack::unpacked::stopped;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread::available_parallelism;

/// Bytes in the buffers of all inflaters: less than half of the 48 MiB that the agent may take at all.
const MEMORY: u64 = 20 << 20;
/// However many cores there are, each has a buffer of this many bytes.
const LEAST: u64 = 256 << 10;

/// A pool of inflaters.
pub(in crate::unpack) struct Inflaters {
    /// At least 1.
    pub(super) count: usize,
    semaphore: Semaphore,
    idle: Mutex<Vec<Inflater>>,
}

impl Inflaters {
    /// The only ones that a program needs.
    pub(in crate::unpack) fn shared() -> &'static Self {
        static ALL: LazyLock<Inflaters> =
            LazyLock::new(|| Inflaters::new(available_parallelism().map_or(1, Into::into)));
        &ALL
    }

    /// So many, at least one.
    pub(in crate::unpack) fn new(count: usize) -> Self {
        let count = count.max(1);
        Self { count, semaphore: Semaphore::new(count), idle: Mutex::default() }
    }

    /// Bytes in the buffer of one.
    pub(super) fn memory_of_one(&self) -> u64 {
        (MEMORY / self.count as u64).max(LEAST)
    }

    /// Waits for one and does `work` with it.
    ///
    /// # Errors
    /// `scope` was stopped, or what `work` says.
    pub(super) fn with_one<T>(
        &self,
        scope: &Scope,
        work: impl FnOnce(&mut Inflater) -> Result<T, UnpackError>,
    ) -> Result<T, UnpackError> {
        let _permit = self.semaphore.acquire(scope).ok_or_else(stopped)?;
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let left = idle().pop();
        let mut inflater = left.unwrap_or_else(Inflater::new);
        let done = work(&mut inflater);
        idle().push(inflater);
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::loopback::Audience;
    use crate::session::scope::{Stop, Stopped};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::Duration;

    #[test]
    fn no_more_inflaters_work_or_are_made_than_there_are_cores() {
        let (inflaters, audience, stop) = (Inflaters::new(3), Audience::default(), Stop::default());
        let scope = Scope::new(&audience, "STG", &stop);
        let (at_work, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|threads| {
            for _ in 0..12 {
                threads.spawn(|| {
                    let done = inflaters.with_one(&scope, |_| {
                        most.fetch_max(at_work.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        thread::sleep(Duration::from_millis(20));
                        at_work.fetch_sub(1, Ordering::SeqCst);
                        Ok(())
                    });
                    done.unwrap();
                });
            }
        });
        assert_eq!(most.into_inner(), 3);
        assert_eq!(inflaters.idle.lock().unwrap().len(), 3);
        stop.ask(Stopped::Signal(15));
        inflaters.with_one(&scope, |_| Ok(())).unwrap_err();
    }

    #[test]
    fn the_memory_of_all_is_bounded_with_few_cores_and_with_many() {
        for count in [1, 2, 64] {
            assert!(Inflaters::new(count).memory_of_one() * count as u64 <= MEMORY);
        }
        assert_eq!(Inflaters::new(1000).memory_of_one(), LEAST);
    }
}
