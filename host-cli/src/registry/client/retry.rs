//! Tries again what failed in passing, after growing pauses that differ by chance, and says so.

use super::trouble::Trouble;
use http_client::by_chance;
use shared_model::event::{Event, EventSink};
use std::thread;
use std::time::Duration;

/// Tries in all, while nothing gets further.
const TRIES: u32 = 5;
/// Tries in all where the registry was never reached, or says nothing: a wrong name should not take half a minute.
const FIRST_TRIES: u32 = 2;
/// Before the second try.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// How much longer each pause is than the one before.
const PAUSE_GROWS: u32 = 3;
/// Bytes that are progress: a layer that comes or goes a few bytes a try never ends.
const PROGRESS: u64 = 256 << 10;
/// A registry may ask for a longer pause, but not for any: before its time another try would be refused, too.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How often one thing was tried.
pub(super) struct Tries<'a> {
    /// What is tried, for people: `r.io/team/app`.
    what: &'a str,
    events: &'a dyn EventSink,
    most: u32,
    failed: u32,
    /// Bytes that had moved when there was progress.
    furthest: u64,
}

impl<'a> Tries<'a> {
    /// None by now. `was_reached`: the registry has answered before.
    pub(super) fn new(what: &'a str, was_reached: bool, events: &'a dyn EventSink) -> Self {
        Self { what, events, most: if was_reached { TRIES } else { FIRST_TRIES }, failed: 0, furthest: 0 }
    }

    /// So many bytes have moved in all. Where that is further than ever, by more than a little, the count begins anew: a large layer
    /// may come in many pieces over a network that cuts off each.
    pub(super) fn reached(&mut self, bytes: u64) {
        if bytes >= self.furthest.saturating_add(PROGRESS) {
            (self.furthest, self.failed) = (bytes, 0);
        }
    }

    /// The next try may come at once: it will be another.
    ///
    /// # Errors
    /// There was enough of it.
    pub(super) fn without_pause(&mut self, trouble: Trouble) -> Result<(), Trouble> {
        self.failed += 1;
        if self.failed >= TRIES { Err(trouble) } else { Ok(()) }
    }

    /// Waits before the next try.
    ///
    /// # Errors
    /// There is none: the trouble is not of the passing kind, or there was enough of it.
    pub(super) fn again(&mut self, trouble: Trouble) -> Result<(), Trouble> {
        self.failed += 1;
        let most = if trouble.is_about_the_server() { self.most } else { TRIES };
        let most = if trouble.is_silence() { FIRST_TRIES } else { most };
        let asks_too_much = trouble.retry_after().is_some_and(|pause| pause > LONGEST_PAUSE);
        if self.failed >= most || asks_too_much || !trouble.is_transient() {
            return Err(trouble);
        }
        let own = FIRST_PAUSE * PAUSE_GROWS.pow(self.failed - 1);
        let wait = by_chance(own).max(trouble.retry_after().unwrap_or_default());
        self.events.emit(Event::Retrying {
            what: self.what.to_owned(),
            reason: trouble.reason(),
            attempt: self.failed + 1,
            attempts: most,
            wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
        });
        thread::sleep(wait);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::client::said::said;
    use http_client::TransferError;
    use std::sync::Mutex;
    use std::time::Instant;

    #[derive(Default)]
    struct Told(Mutex<Vec<Event>>);

    impl EventSink for Told {
        fn emit(&self, event: Event) {
            self.0.lock().unwrap().push(event);
        }
    }

    fn refused(status: u16, retry_after: Option<Duration>) -> Trouble {
        Trouble::Refused { status, said: said(status, b"", &[]), retry_after, by_login_service: false }
    }

    fn silence() -> Trouble {
        TransferError::Idle { after: Duration::from_secs(30) }.into()
    }

    #[test]
    fn tries_are_counted_until_there_is_progress() {
        let told = Told::default();
        let mut tries = Tries::new("r.io/a", true, &told);
        for (bytes, is_progress) in [(PROGRESS, true), (2 * PROGRESS - 1, false), (9, false), (2 * PROGRESS, true)] {
            tries.reached(bytes);
            for _ in 1..TRIES {
                assert_eq!(tries.without_pause(refused(404, None)).is_ok(), is_progress, "{bytes}");
            }
        }
        assert!(tries.without_pause(refused(404, None)).is_err(), "that was the last");
    }

    #[test]
    fn what_will_not_pass_is_not_waited_for() {
        let (told, began) = (Told::default(), Instant::now());
        let hour = Some(Duration::from_secs(3600));
        for trouble in [refused(403, None), refused(429, hour), refused(503, hour), Trouble::login("no token")] {
            assert!(Tries::new("r.io/a", true, &told).again(trouble).is_err());
        }
        assert!(told.0.lock().unwrap().is_empty() && began.elapsed() < FIRST_PAUSE);
    }

    #[test]
    fn a_pause_is_told_with_its_reason_and_as_long_as_was_asked_for() {
        let (told, began) = (Told::default(), Instant::now());
        let asked = Duration::from_secs(1);
        Tries::new("r.io/a", true, &told).again(refused(429, Some(asked))).unwrap();
        assert!(began.elapsed() >= asked);
        let told = told.0.lock().unwrap();
        let [Event::Retrying { what, reason, attempt, attempts, wait_ms }] = &told[..] else { panic!("{told:?}") };
        assert_eq!((&**what, &**reason), ("r.io/a", "it answered 429 Too Many Requests"));
        assert_eq!((*attempt, *attempts, *wait_ms), (2, TRIES, 1000));
    }

    #[test]
    fn a_registry_that_says_nothing_or_was_never_reached_is_tried_twice() {
        let told = Told::default();
        let slow = || TransferError::TooSlow { within: Duration::from_secs(30) };
        let unreachable = || TransferError::UnknownHost { host: "r.io".to_owned() }.into();
        let login_service = || Trouble::LoginService { at: "https://l.io".to_owned(), error: slow() };
        for (was_reached, trouble) in [
            (true, &silence as &dyn Fn() -> Trouble),
            (true, &|| slow().into()),
            (true, &login_service),
            (false, &unreachable),
        ] {
            let mut tries = Tries::new("r.io/a", was_reached, &told);
            assert!(tries.again(trouble()).is_ok() && tries.again(trouble()).is_err(), "{}", trouble().reason());
        }
    }
}
