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
/// A registry may ask for a longer pause, but not for any: before its time another try would be refused, too.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How often one thing was tried.
pub(super) struct Tries<'a> {
    /// What is tried, for people: `r.io/team/app`.
    what: &'a str,
    events: &'a dyn EventSink,
    most: u32,
    failed: u32,
}

impl<'a> Tries<'a> {
    /// None by now. `was_reached`: the registry has answered before.
    pub(super) fn new(what: &'a str, was_reached: bool, events: &'a dyn EventSink) -> Self {
        Self { what, events, most: if was_reached { TRIES } else { FIRST_TRIES }, failed: 0 }
    }

    /// It got further than ever before: the count begins anew.
    pub(super) fn progress(&mut self) {
        self.failed = 0;
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
