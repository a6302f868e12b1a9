//! What is new each time: the time, and guids.

use std::time::{SystemTime, UNIX_EPOCH};

/// Unix time in nanoseconds.
pub(crate) fn now() -> i128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i128::try_from(since.as_nanos()).unwrap_or(i128::MAX)
}

/// Whole seconds of a time in nanoseconds.
pub(crate) fn seconds(nanoseconds: i128) -> i64 {
    i64::try_from(nanoseconds / 1_000_000_000).unwrap_or(i64::MAX)
}

/// A random one.
pub(crate) fn new_guid() -> String {
    uuid::Uuid::new_v4().to_string()
}
