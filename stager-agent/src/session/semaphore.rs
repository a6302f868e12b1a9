//! Bounds how many threads do the same costly thing at once. Whoever waits for a permit notices a stop.

use crate::session::scope::Scope;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How soon a stop is noticed by who waits.
const LOOK_UP: Duration = Duration::from_millis(100);

/// A counting semaphore. A clone is the same semaphore.
#[derive(Clone, Debug)]
pub(crate) struct Semaphore(Arc<Permits>);

#[derive(Debug)]
struct Permits {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A permit, taken until this is dropped.
#[derive(Debug)]
#[must_use = "a permit is free again once it is dropped"]
pub(crate) struct Permit(Arc<Permits>);

impl Semaphore {
    /// With so many permits; 0 is taken for 1, since nobody could ever acquire one of none.
    pub(crate) fn new(permits: usize) -> Self {
        Self(Arc::new(Permits { free: Mutex::new(permits.max(1)), freed: Condvar::new() }))
    }

    /// Waits for a permit, in no particular order. `None`: `scope` was stopped; then it says why.
    pub(crate) fn acquire(&self, scope: &Scope) -> Option<Permit> {
        let mut free = self.0.free();
        loop {
            if scope.stopped().is_some() {
                return None;
            }
            if *free > 0 {
                *free -= 1;
                return Some(Permit(Arc::clone(&self.0)));
            }
            let woken = self.0.freed.wait_timeout(free, LOOK_UP);
            free = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Permits {
    fn free(&self) -> MutexGuard<'_, usize> {
        // A count is whole whatever else went wrong in the thread that held it.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        *self.0.free() += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::loopback::Audience;
    use crate::session::scope::{Stop, Stopped};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::Instant;

    #[test]
    fn no_more_than_its_permits_are_taken_at_once() {
        let (semaphore, audience, stop) = (Semaphore::new(3), Audience::default(), Stop::default());
        let scope = Scope::new(&audience, "STG", &stop);
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|threads| {
            for _ in 0..12 {
                threads.spawn(|| {
                    let permit = semaphore.acquire(&scope).unwrap();
                    most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(20));
                    inside.fetch_sub(1, Ordering::SeqCst);
                    drop(permit);
                });
            }
        });
        assert_eq!(most.into_inner(), 3);
    }

    #[test]
    fn who_waits_notices_a_stop_and_a_freed_permit() {
        let (semaphore, audience, stop) = (Semaphore::new(0), Audience::default(), Stop::default());
        let scope = Scope::new(&audience, "STG", &stop);
        let only = semaphore.acquire(&scope).unwrap();
        let started = Instant::now();
        thread::scope(|threads| {
            let waiting = threads.spawn(|| semaphore.clone().acquire(&scope).is_some());
            thread::sleep(Duration::from_millis(20));
            stop.ask(Stopped::Signal(15));
            assert!(!waiting.join().unwrap(), "a permit was to be had");
        });
        assert!(started.elapsed() < Duration::from_secs(1));
        drop(only);
        let other = Stop::default();
        assert!(semaphore.acquire(&Scope::new(&audience, "STG", &other)).is_some(), "the permit is free again");
        assert!(semaphore.acquire(&scope).is_none(), "a stopped scope gets no permit, even where one is free");
    }
}
