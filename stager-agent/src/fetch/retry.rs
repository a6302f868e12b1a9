//! Tries a transfer again, as Diego does, but with growing pauses, which differ by chance so that many clients of one
//! server do not come back at the same moment.

use crate::causes::with_causes;
use crate::session::scope::{Scope, Stopped};
use crate::session::semaphore::{Permit, Semaphore};
use crate::session::steps::milliseconds;
use http_client::{Timeouts, TransferError, by_chance};
use shared_model::event::Event;
use shared_model::safe_url::SafeUrl;
use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

/// How much longer each pause is than the one before.
const PAUSE_GROWS: u32 = 4;
/// No pause of ours is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// A server may ask for a longer pause, but not for any.
const LONGEST_REQUESTED_PAUSE: Duration = Duration::from_secs(120);
/// Bytes that are progress: nobody reads a body byte by byte, with a pause before each.
const PROGRESS: u64 = 1024 * 1024;
/// How soon a stop is noticed in a pause.
const NAP: Duration = Duration::from_millis(50);

/// Why one try gave no result.
#[derive(Debug)]
pub(crate) enum AttemptError<E> {
    /// The scope was stopped.
    Stopped(Stopped),
    /// The network, or who is behind it; may be worth another try.
    Transfer(TransferError),
    /// Something that another try would not cure.
    Final(E),
}

impl<E> From<TransferError> for AttemptError<E> {
    fn from(cause: TransferError) -> Self {
        Self::Transfer(cause)
    }
}

/// How often one transfer is tried: how many tries there were without getting further, and how long they may take in all.
pub(crate) struct Retries<'a> {
    what: &'a SafeUrl,
    timeouts: Timeouts,
    scope: &'a Scope<'a>,
    /// Tries that failed since there was progress.
    failed: Cell<u32>,
    /// Bytes that had come when there was progress.
    furthest: Cell<u64>,
    began: Instant,
    /// In front of a semaphore: what others take does not count.
    waited: Cell<Duration>,
}

impl<'a> Retries<'a> {
    fn new(what: &'a SafeUrl, timeouts: Timeouts, scope: &'a Scope<'a>) -> Self {
        let (failed, furthest, waited) = (Cell::default(), Cell::default(), Cell::default());
        Self { what, timeouts, scope, failed, furthest, began: Instant::now(), waited }
    }

    /// Why not to go on: the scope was stopped, or the transfer's own time is up. `None`: go on.
    pub(crate) fn ended<E>(&self) -> Option<AttemptError<E>> {
        let Timeouts { total, .. } = self.timeouts;
        let too_long = || (self.taken() >= total).then_some(TransferError::TooLong { after: total }.into());
        self.scope.stopped().map(AttemptError::Stopped).or_else(too_long)
    }

    /// So many bytes of the body have come. Where that is further than ever, by more than a little, what failed before
    /// does not count any more: a large body may come in many pieces over a network that cuts off each.
    pub(crate) fn reached(&self, bytes: u64) {
        if bytes >= self.furthest.get() + PROGRESS {
            self.furthest.set(bytes);
            self.failed.set(0);
        }
    }

    /// After `cause`: says that there will be another try, and waits for it.
    ///
    /// # Errors
    /// There will be none: `cause` will not pass, or that was the last try, or waiting for another takes too long, or
    /// the scope was stopped.
    pub(crate) fn again<E>(&self, cause: TransferError) -> Result<(), AttemptError<E>> {
        let failed = self.failed.get() + 1;
        let wait = self.pause(failed, cause.retry_after());
        if failed > self.timeouts.retries || !cause.is_transient() || self.taken() + wait >= self.timeouts.total {
            return Err(AttemptError::Transfer(cause));
        }
        self.failed.set(failed);
        self.scope.emit(Event::Retrying {
            what: self.what.to_string(),
            reason: with_causes(&cause),
            attempt: failed + 1,
            attempts: self.timeouts.retries + 1,
            wait_ms: milliseconds(wait),
        });
        rest(wait, self.scope).map_err(AttemptError::Stopped)
    }

    /// Waits for a place among the transfers that are under way at once.
    ///
    /// # Errors
    /// The scope was stopped.
    pub(crate) fn enter<E>(&self, semaphore: &Semaphore) -> Result<Permit, AttemptError<E>> {
        let came = Instant::now();
        let permit = semaphore.acquire(self.scope);
        self.waited.set(self.waited.get() + came.elapsed());
        match (permit, self.scope.stopped()) {
            (Some(permit), _) => Ok(permit),
            (None, why) => Err(AttemptError::Stopped(why.unwrap_or(Stopped::Codependent))),
        }
    }

    fn taken(&self) -> Duration {
        self.began.elapsed().saturating_sub(self.waited.get())
    }

    fn pause(&self, failed: u32, requested: Option<Duration>) -> Duration {
        let grown = self.timeouts.back_off.saturating_mul(PAUSE_GROWS.saturating_pow(failed.saturating_sub(1)));
        let ours = by_chance(grown.min(LONGEST_PAUSE));
        ours.max(requested.unwrap_or_default().min(LONGEST_REQUESTED_PAUSE))
    }
}

/// Runs `attempt` until it succeeds, or fails for good, or too often. Says so before each new try.
///
/// # Errors
/// The error of the last try.
pub(crate) fn with_retries<'a, T, E>(
    what: &'a SafeUrl,
    timeouts: Timeouts,
    scope: &'a Scope<'a>,
    mut attempt: impl FnMut(&Retries<'a>) -> Result<T, AttemptError<E>>,
) -> Result<T, AttemptError<E>> {
    let retries = Retries::new(what, timeouts, scope);
    loop {
        match attempt(&retries) {
            Err(AttemptError::Transfer(cause)) => retries.again(cause)?,
            result => return result,
        }
    }
}

fn rest(wait: Duration, scope: &Scope) -> Result<(), Stopped> {
    let until = Instant::now() + wait;
    loop {
        scope.go_on()?;
        match until.saturating_duration_since(Instant::now()) {
            Duration::ZERO => return Ok(()),
            left => thread::sleep(left.min(NAP)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::loopback::Audience;
    use crate::session::scope::Stop;
    use http_client::retry_after;
    use jiff::Timestamp;
    use ureq::http::{HeaderMap, header};

    fn cut_off() -> TransferError {
        TransferError::CutOff { received: 0, expected: None }
    }

    fn tried<T>(timeouts: Timeouts, test: impl FnOnce(&Retries, &Audience) -> T) -> T {
        let (audience, stop, url) = (Audience::default(), Stop::default(), SafeUrl::new("http://h/"));
        let scope = Scope::new(&audience, "STG", &stop);
        test(&Retries::new(&url, timeouts, &scope), &audience)
    }

    const QUICK: Timeouts = Timeouts {
        connect: Duration::from_secs(1),
        idle: Duration::from_secs(1),
        total: Duration::from_secs(60),
        back_off: Duration::from_millis(1),
        retries: 3,
        lowest_rate: None,
    };

    #[test]
    fn tries_without_progress_are_counted_and_progress_starts_the_count_anew() {
        tried(QUICK, |retries, audience| {
            for (reached, further) in [(PROGRESS, true), (2 * PROGRESS - 1, false), (100, false), (3 * PROGRESS, true)]
            {
                retries.reached(reached);
                for _ in 0..3 {
                    assert_eq!(retries.again::<()>(cut_off()).is_ok(), further, "{reached}");
                }
                assert!(retries.again::<()>(cut_off()).is_err(), "{reached}");
            }
            let told = audience.heard_of("retrying");
            assert_eq!(told.len(), 6);
            for (said, attempt) in told.iter().zip([2, 3, 4].iter().cycle()) {
                assert!(said.contains(&format!("\"attempt\":{attempt},\"attempts\":4")), "{said}");
            }
        });
        tried(Timeouts { retries: 0, ..QUICK }, |retries, _| assert!(retries.again::<()>(cut_off()).is_err()));
    }

    #[test]
    fn pauses_grow_within_bounds_and_differ() {
        tried(Timeouts::default(), |retries, _| {
            for (failed, half, most) in [(1, 250, 750), (2, 1000, 3000), (3, 4000, 12_000), (4, 7500, 22_500)] {
                let pause = retries.pause(failed, None).as_millis();
                assert!((half..=most).contains(&pause), "{failed}: {pause}");
            }
            let first = retries.pause(3, None);
            assert!((0..20).any(|_| retries.pause(3, None) != first), "pauses that are all alike part no herd");
            assert!(retries.pause(40, None) <= LONGEST_PAUSE * 3 / 2);
            let asked = Duration::from_secs(60);
            assert_eq!(retries.pause(1, Some(asked)), asked);
            assert_eq!(retries.pause(1, Some(Duration::from_secs(86_400))), LONGEST_REQUESTED_PAUSE);
        });
    }

    #[test]
    fn nothing_is_tried_beyond_the_time_in_all() {
        let busy =
            || TransferError::Status { status: 503, text: String::new(), retry_after: Some(Duration::from_secs(60)) };
        tried(QUICK, |retries, audience| {
            let error = retries.again::<()>(busy()).unwrap_err();
            assert!(matches!(error, AttemptError::Transfer(TransferError::Status { .. })), "what happened is told");
            assert_eq!(audience.heard().len(), 0, "nobody announces a try that there will not be");
            assert!(retries.ended::<()>().is_none());
        });
        tried(Timeouts { total: Duration::ZERO, ..QUICK }, |retries, _| {
            let ended = retries.ended::<()>();
            assert!(matches!(ended, Some(AttemptError::Transfer(TransferError::TooLong { .. }))), "{ended:?}");
        });
    }

    #[test]
    fn waiting_for_a_place_does_not_count() {
        let (semaphore, total) = (Semaphore::new(1), Duration::from_millis(200));
        tried(Timeouts { total, ..QUICK }, |retries, _| {
            let first = semaphore.acquire(retries.scope).unwrap();
            thread::scope(|threads| {
                threads.spawn(move || {
                    thread::sleep(total * 2);
                    drop(first);
                });
                let _second = retries.enter::<()>(&semaphore).unwrap();
                assert!(retries.began.elapsed() > total && retries.ended::<()>().is_none());
            });
        });
    }

    #[test]
    fn a_date_that_a_wrong_clock_takes_for_far_away_asks_for_no_longer_pause_than_any_other() {
        let asked = HeaderMap::from_iter([(header::RETRY_AFTER, "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap())]);
        let pause = |now: &str| {
            let requested = retry_after(&asked, now.parse().unwrap());
            tried(Timeouts { back_off: Duration::ZERO, ..QUICK }, |retries, _| retries.pause(1, requested))
        };
        for (now, seconds) in [
            ("1994-11-06T08:49:07Z", 30),
            ("1994-11-06T05:49:07Z", 120), // hours back
            ("1969-12-31T23:59:59Z", 120),
            ("-009999-01-02T01:59:59Z", 120),
            ("2034-11-06T08:49:37Z", 0), // years forward
        ] {
            assert_eq!(pause(now).as_secs(), seconds, "{now}");
        }
        let forever = HeaderMap::from_iter([(header::RETRY_AFTER, u64::MAX.to_string().parse().unwrap())]);
        let requested = retry_after(&forever, Timestamp::UNIX_EPOCH);
        tried(QUICK, |retries, _| assert_eq!(retries.pause(1, requested), LONGEST_REQUESTED_PAUSE));
    }
}
