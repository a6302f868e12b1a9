//! Tries a transfer three times, as Diego does, but with a pause before the second and the third.

use super::error::{TransferError, in_full};
use super::patience::Patience;
use crate::scope::{Scope, Stopped};
use shared_model::event::Event;
use shared_model::safe_url::SafeUrl;
use std::thread;
use std::time::{Duration, Instant};

/// How often in all.
const TRIES: u32 = 3;
/// How much longer each pause is than the one before.
const PAUSE_GROWS: u32 = 4;
/// A server may ask for a longer pause, but not for any.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// How soon a stop is noticed in a pause.
const NAP: Duration = Duration::from_millis(50);

/// Why one try gave no result.
pub(crate) enum Trouble<E> {
    /// The scope was stopped.
    Stopped(Stopped),
    /// The network, or who is behind it; may be worth another try.
    Transfer(TransferError),
    /// Something that another try would not cure.
    Final(E),
}

impl<E> From<TransferError> for Trouble<E> {
    fn from(cause: TransferError) -> Self {
        Self::Transfer(cause)
    }
}

/// Runs `attempt` until it succeeds, or fails for good, or has failed three times. Says so before each new try.
///
/// # Errors
/// The trouble of the last try.
pub(crate) fn with_retries<T, E>(
    what: &SafeUrl,
    patience: Patience,
    scope: &Scope,
    mut attempt: impl FnMut() -> Result<T, Trouble<E>>,
) -> Result<T, Trouble<E>> {
    let mut pause = patience.back_off;
    for next in 2..=TRIES {
        let cause = match attempt() {
            Err(Trouble::Transfer(cause)) if cause.may_pass() => cause,
            result => return result,
        };
        let wait = pause.max(cause.retry_after().unwrap_or_default()).min(LONGEST_PAUSE);
        scope.emit(Event::Retrying {
            what: what.to_string(),
            reason: in_full(&cause),
            attempt: next,
            of: TRIES,
            wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
        });
        rest(wait, scope).map_err(Trouble::Stopped)?;
        pause *= PAUSE_GROWS;
    }
    attempt()
}

fn rest(wait: Duration, scope: &Scope) -> Result<(), Stopped> {
    let until = Instant::now() + wait;
    loop {
        if let Some(why) = scope.stopped() {
            return Err(why);
        }
        match until.saturating_duration_since(Instant::now()) {
            Duration::ZERO => return Ok(()),
            left => thread::sleep(left.min(NAP)),
        }
    }
}
