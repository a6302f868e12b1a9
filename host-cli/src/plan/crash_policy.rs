//! When an instance that crashed is started again: Diego's policy, as its BBS keeps it. Three times at once, then after 30 s, which
//! each further crash doubles up to 16 minutes; after 200 it is given up. Who was up for five minutes begins anew. Pure.
//!
//! Times are those of a clock on a wall, which may jump: to its next start an instance never waits longer than the longest pause.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Crashes in a row after which an instance is started again at once. Diego: `DefaultImmediateRestarts`.
pub(crate) const AT_ONCE: u32 = 3;
/// The first pause, after the crash behind those. Diego: `CrashBackoffMinDuration`.
const SHORTEST_PAUSE: Duration = Duration::from_secs(30);
/// The longest. Diego: `DefaultMaxBackoffDuration`.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(16 * 60);
/// Crashes in a row after which it is not started again. Diego: `DefaultMaxRestarts`.
pub(crate) const MOST: u32 = 200;
/// Who was up so long has crashed for the first time. Diego: `CrashResetTimeout`.
const LONG_ENOUGH: Duration = Duration::from_secs(5 * 60);

/// The crashes in a row of one instance. `Default` is one that has not crashed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Crashes {
    /// How many.
    pub(crate) count: u32,
    /// When the last one was seen; `None`: there was none.
    pub(crate) last: Option<Timestamp>,
}

/// What becomes of an instance that crashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restart {
    /// It is started.
    Now,
    /// It is started then, which is later than now, by [`LONGEST_PAUSE`] at most.
    At(Timestamp),
    /// Nobody starts it again but who asks for it.
    GivenUp,
}

impl Crashes {
    /// With one more, which is seen now; the instance had been up for so long.
    #[must_use]
    pub(crate) fn and_one(self, up: Duration, now: Timestamp) -> Self {
        let before = if up > LONG_ENOUGH { 0 } else { self.count };
        Self { count: before.saturating_add(1), last: Some(now) }
    }

    /// The same for who looks at a clock that was set back behind the last crash: that was now, or a pause would be as much longer as
    /// the clock jumped. Keep what this gives.
    #[must_use]
    pub(crate) fn at(self, now: Timestamp) -> Self {
        Self { last: self.last.map(|last| last.min(now)), ..self }
    }

    /// What becomes of the instance.
    pub(crate) fn restart(self, now: Timestamp) -> Restart {
        if self.count >= MOST {
            return Restart::GivenUp;
        }
        let crashed = self.at(now).last.unwrap_or(now);
        let due = later(crashed, self.pause());
        if due <= now { Restart::Now } else { Restart::At(due) }
    }

    /// From the last crash to the next start.
    fn pause(self) -> Duration {
        match self.count.checked_sub(AT_ONCE + 1) {
            None => Duration::ZERO,
            // 2 to the power of what does not fit is beyond the longest in any case.
            Some(doubled) => SHORTEST_PAUSE.saturating_mul(2_u32.saturating_pow(doubled)).min(LONGEST_PAUSE),
        }
    }
}

/// So much later; the end of all times where there is no such time.
fn later(time: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Seconds from each crash of a loop to the next start, until it is given up.
    fn pauses() -> Vec<i64> {
        let (mut crashes, mut now, mut pauses) = (Crashes::default(), 1_000, Vec::new());
        loop {
            crashes = crashes.and_one(Duration::from_secs(1), at(now));
            let due = match crashes.restart(at(now)) {
                Restart::Now => now,
                Restart::At(due) => due.as_second(),
                Restart::GivenUp => return pauses,
            };
            pauses.push(due - now);
            now = due + 1;
        }
    }

    #[test]
    fn a_crash_loop_is_restarted_three_times_at_once_then_later_and_later_and_given_up_after_200() {
        let pauses = pauses();
        assert_eq!(pauses[..10], [0, 0, 0, 30, 60, 120, 240, 480, 960, 960]);
        assert!(pauses[10..].iter().all(|pause| *pause == 960));
        assert_eq!(pauses.len(), 199, "the 200th crash is the last");
    }

    #[test]
    fn who_was_up_for_more_than_five_minutes_begins_anew() {
        let given_up = Crashes { count: MOST, last: Some(at(0)) };
        let short = given_up.and_one(Duration::from_secs(300), at(9_000));
        let long = given_up.and_one(Duration::from_secs(301), at(9_000));
        assert_eq!((short.restart(at(9_000)), short.count), (Restart::GivenUp, MOST + 1));
        assert_eq!((long.restart(at(9_000)), long.count), (Restart::Now, 1));
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_pause_longer_when_that_is_kept() {
        let crashes = Crashes { count: 4, last: Some(at(100_000)) };
        let kept = crashes.at(at(1_000));
        assert_eq!(kept.restart(at(1_000)), Restart::At(at(1_030)));
        assert_eq!(kept.at(at(1_030)).restart(at(1_030)), Restart::Now);
        assert_eq!(crashes.restart(at(1_000_000)), Restart::Now, "a jump forwards ends the pause");
    }

    fn any_time() -> impl Strategy<Value = Timestamp> {
        let edges = prop_oneof![Just(Timestamp::MIN), Just(Timestamp::MAX), Just(Timestamp::UNIX_EPOCH)];
        let seconds = Timestamp::MIN.as_second()..=Timestamp::MAX.as_second();
        prop_oneof![edges, seconds.prop_map(at), (0_i64..4_000).prop_map(at)]
    }

    proptest! {
        #[test]
        fn whatever_the_clock_says_nobody_waits_longer_than_16_minutes(
            count in any::<u32>(), last in proptest::option::of(any_time()), now in any_time(), up in any::<u64>()
        ) {
            let crashes = Crashes { count, last };
            for crashes in [crashes, crashes.at(now), crashes.and_one(Duration::from_secs(up), now)] {
                match crashes.restart(now) {
                    Restart::Now => prop_assert!(crashes.count < MOST),
                    Restart::At(due) => {
                        prop_assert!(due > now && due.duration_since(now) <= SignedDuration::from_mins(16));
                        prop_assert!((AT_ONCE + 1..MOST).contains(&crashes.count));
                    }
                    Restart::GivenUp => prop_assert!(crashes.count >= MOST),
                }
            }
        }

        #[test]
        fn however_often_the_clock_jumps_an_instance_is_started_after_its_pause(
            count in 0..MOST, last in any_time(), jumps in proptest::collection::vec(any_time(), 0..8)
        ) {
            let mut crashes = Crashes { count, last: Some(last) };
            for now in &jumps {
                crashes = crashes.at(*now);
            }
            let now = jumps.last().copied().unwrap_or(last);
            let due = later(now, LONGEST_PAUSE);
            prop_assert_eq!(crashes.at(due).restart(due), Restart::Now);
        }
    }
}
