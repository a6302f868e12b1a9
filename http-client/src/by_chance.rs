//! Pauses that differ, so that many clients of one server do not come back at the same moment.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

/// Between half of `pause` and one and a half of it.
#[must_use]
pub fn by_chance(pause: Duration) -> Duration {
    // The standard library seeds each of its hashers anew; that is chance enough to part a herd.
    let chance = RandomState::new().build_hasher().finish() % 1000;
    let thousandths = 500 + u32::try_from(chance).unwrap_or_default();
    pause * thousandths / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_about_as_long_as_it_was_meant_to_be() {
        let pause = Duration::from_secs(8);
        let pauses: Vec<Duration> = (0..100).map(|_| by_chance(pause)).collect();
        assert!(pauses.iter().all(|one| (pause / 2..pause * 3 / 2).contains(one)), "{pauses:?}");
        assert!(pauses.iter().any(|one| *one != pauses[0]), "a herd stays together");
        assert_eq!(by_chance(Duration::ZERO), Duration::ZERO);
    }
}
