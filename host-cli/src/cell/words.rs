//! What the cell says of instances. Pure. Guids, process types and what an app said are foreign: they are escaped here.

use super::view::InstanceKey;
use crate::plan::apps::log_source;
use crate::plan::crash_policy::{MOST, Restart};
use jiff::Timestamp;
use shared_model::plain_line::escape_control;
use std::time::Duration;

/// `app GUID [APP/PROC/WEB/0]`.
pub(super) fn subject(key: &InstanceKey) -> String {
    format!("app {} [{}]", escape_control(&key.app_guid), escape_control(&log_source(&key.process, key.index)))
}

/// That an instance has crashed, how, and what becomes of it.
pub(super) fn crashed(key: &InstanceKey, words: &str, restart: Restart, now: Timestamp) -> String {
    let next = match restart {
        Restart::Now => "it is started again".to_owned(),
        Restart::At(due) => format!("it is started again in {} s", between(now, due).as_secs()),
        Restart::GivenUp => format!("it has crashed {MOST} times and is given up; `host-cli launch` starts it again"),
    };
    format!("{} crashed: {}; {next}", subject(key), escape_control(words))
}

/// From now until then; nothing where that is over.
pub(super) fn between(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default()
}
