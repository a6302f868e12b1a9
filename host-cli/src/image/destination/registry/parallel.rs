//! Several things at once, and an end to all at the first error.

use crate::image::ImageError;
use crate::image::stop::Stop;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Does each of `jobs`, the first first, `at_once` at a time. What came of them, in their order. At the first error `halt` is
/// stopped, so that those under way end early, and no more are begun.
pub(super) fn parallel<Job: Sync, Done: Send>(
    jobs: &[Job],
    at_once: usize,
    halt: &Stop,
    act: impl Fn(&Job) -> Result<Done, ImageError> + Sync,
) -> Result<Vec<Done>, ImageError> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let failed = Mutex::new(None);
    let work = || {
        while !halt.is_stopped() {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(at) else { break };
            match act(job) {
                Ok(found) => done.lock().unwrap_or_else(PoisonError::into_inner).push((at, found)),
                Err(error) => {
                    // What fails after the first fails because of it.
                    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    halt.stop();
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..at_once.min(jobs.len()) {
            // The caller's own thread does what others cannot.
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, done)| done).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(name: &'static str) -> ImageError {
        ImageError::Empty { archive: name }
    }

    #[test]
    fn what_came_of_them_is_in_their_order() {
        let jobs: Vec<usize> = (0..40).collect();
        for at_once in [1, 3, 100] {
            let done = parallel(&jobs, at_once, &Stop::default(), |job| Ok(job * 2)).unwrap();
            assert_eq!(done, (0..40).map(|job| job * 2).collect::<Vec<_>>());
        }
        assert_eq!(parallel(&[] as &[u8], 3, &Stop::default(), |_| Ok(())).unwrap(), []);
    }

    #[test]
    fn the_first_error_is_the_one_that_counts_and_ends_the_others() {
        let halt = Stop::default();
        let jobs: Vec<usize> = (0..40).collect();
        let error = parallel(&jobs, 2, &halt, |job| {
            if *job == 0 {
                return Err(wrong("first"));
            }
            while !halt.is_stopped() {
                thread::yield_now();
            }
            Err::<(), _>(wrong("consequence"))
        });
        assert_eq!(error.unwrap_err().to_string(), "the first is empty");
    }
}
