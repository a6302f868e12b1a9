//! The clock on the wall, which is read here and nowhere else. It may be wrong and may jump, so it decides only what a
//! date is compared with that comes from elsewhere: a signature's end, a `Retry-After`, when an entry of the cache was used.
//! Deadlines, pauses and measured times are [`std::time::Instant`]s.
#![expect(clippy::disallowed_methods, reason = "the one place that asks what time it is")]

use jiff::Timestamp;
use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;
use std::time::SystemTime;

/// What time it is now.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// A clock that is asked again and again; tests give one that they can put forward and back.
#[derive(Clone)]
pub(crate) struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    pub(crate) fn on_the_wall() -> Self {
        Self(Arc::new(SystemTime::now))
    }

    pub(crate) fn now(&self) -> SystemTime {
        (self.0)()
    }

    /// One that shows what `time` says.
    #[cfg(test)]
    pub(crate) fn showing(time: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(time))
    }
}

impl Debug for Clock {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
