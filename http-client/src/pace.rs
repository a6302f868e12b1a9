//! Notices a transfer that never pauses for long and still moves too little to end. What counts is the time in which the other side
//! is waited for: who has nothing to send, or no room for what comes, is not slow. Pure.

use std::time::Duration;

/// How long it may move too little.
pub(crate) const WINDOW: Duration = Duration::from_secs(30);

/// How fast a connection moves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Bytes in a window at least.
    least: u64,
    /// In this window.
    waited: Duration,
    /// In this window.
    moved: u64,
}

impl Pace {
    /// Nothing has moved yet, and so many bytes a second are to move at least.
    pub(crate) fn new(lowest_rate: u64) -> Self {
        Self { least: lowest_rate.saturating_mul(WINDOW.as_secs()), waited: Duration::ZERO, moved: 0 }
    }

    /// Now the other side has its say: what moved until then does not count for it.
    pub(crate) fn turn(&mut self) {
        (self.waited, self.moved) = (Duration::ZERO, 0);
    }

    /// After another wait, at whose end so many bytes moved: whether it is fast enough.
    pub(crate) fn is_kept(&mut self, waited: Duration, moved: u64) -> bool {
        self.moved = self.moved.saturating_add(moved);
        // After a long wait the first bytes may be few: what comes right behind them counts, too.
        let is_over = self.waited >= WINDOW;
        let is_slow = is_over && self.moved < self.least;
        if is_over {
            self.turn();
        }
        self.waited = self.waited.saturating_add(waited);
        !is_slow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// After how many such steps it is too slow.
    fn steps(waited: Duration, moved: u64) -> Option<usize> {
        let mut pace = Pace::new(1000);
        (1..=1000).find(|_| !pace.is_kept(waited, moved))
    }

    #[test]
    fn a_byte_now_and_then_is_not_waited_for() {
        assert_eq!(steps(SECOND, 1), Some(31));
        assert_eq!(steps(SECOND, 900), Some(31));
        assert_eq!(steps(29 * SECOND, 1), Some(3));
    }

    #[test]
    fn what_moves_is_waited_for_however_long_it_takes() {
        assert_eq!(steps(SECOND, 1000), None);
        assert_eq!(steps(Duration::ZERO, 1), None, "nobody was waited for");
        assert_eq!(steps(29 * SECOND, 60_000), None);
    }

    #[test]
    fn what_comes_right_behind_a_long_pause_counts_for_it() {
        let mut pace = Pace::new(1000);
        assert!(pace.is_kept(29 * SECOND, 100) && pace.is_kept(2 * SECOND, 100));
        assert!(pace.is_kept(Duration::ZERO, 64_000), "it goes on fast");
    }

    #[test]
    fn an_answer_is_not_as_fast_as_the_question_was() {
        let mut pace = Pace::new(1000);
        assert!(pace.is_kept(SECOND, 1 << 30));
        pace.turn();
        assert!((0..30).all(|_| pace.is_kept(SECOND, 1)) && !pace.is_kept(SECOND, 1));
    }
}
