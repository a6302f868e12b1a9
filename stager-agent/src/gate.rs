//! Bounds how many threads do the same costly thing at once: a gate with so many places, and a permit for each that is
//! taken. Whoever waits for a place notices a stop.

use crate::scope::Scope;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How soon a stop is noticed by who waits.
const LOOK_UP: Duration = Duration::from_millis(100);

/// See the module's text. A clone is the same gate.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<Places>);

#[derive(Debug)]
struct Places {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A place, taken until this is dropped.
#[derive(Debug)]
#[must_use = "a place is free again once its permit is dropped"]
pub(crate) struct Permit(Arc<Places>);

impl Gate {
    /// A gate that lets `places` in at once; 0 is taken for 1, since nobody could ever get through a closed gate.
    pub(crate) fn new(places: usize) -> Self {
        Self(Arc::new(Places { free: Mutex::new(places.max(1)), freed: Condvar::new() }))
    }

    /// Waits for a place, in no particular order. `None`: `scope` was stopped; then it says why.
    pub(crate) fn enter(&self, scope: &Scope) -> Option<Permit> {
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

impl Places {
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
    use crate::scope::Stop;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::Instant;

    #[test]
    fn no_more_than_its_places_are_inside_at_once() {
        let (gate, audience, stop) = (Gate::new(3), Audience::default(), Stop::default());
        let scope = Scope::new(&audience, "STG", &stop);
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|threads| {
            for _ in 0..12 {
                threads.spawn(|| {
                    let permit = gate.enter(&scope).unwrap();
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
    fn who_waits_notices_a_stop_and_a_freed_place() {
        let (gate, audience, stop) = (Gate::new(0), Audience::default(), Stop::default());
        let scope = Scope::new(&audience, "STG", &stop);
        let only = gate.enter(&scope).unwrap();
        let started = Instant::now();
        thread::scope(|threads| {
            let waiting = threads.spawn(|| gate.clone().enter(&scope).is_some());
            thread::sleep(Duration::from_millis(20));
            stop.by_signal(15);
            assert!(!waiting.join().unwrap(), "a full gate lets nobody in");
        });
        assert!(started.elapsed() < Duration::from_secs(1));
        drop(only);
        let other = Stop::default();
        assert!(gate.enter(&Scope::new(&audience, "STG", &other)).is_some(), "the place is free again");
        assert!(gate.enter(&scope).is_none(), "a stopped scope gets no place, even of a free gate");
    }
}
