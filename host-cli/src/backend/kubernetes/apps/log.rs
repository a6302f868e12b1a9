//! What a pod's container printed.

use crate::backend::apps::LogSource;
use crate::backend::kubernetes::client::{Cluster, ClusterError, Reason};
use crate::backend::kubernetes::timed_log::{TimedLines, params};
use crate::engine::{LogPiece, LogRange};
use std::ops::ControlFlow;

/// Reads it. One that is gone, and one that has not begun, has printed nothing.
pub(super) fn read(
    cluster: &Cluster,
    source: &LogSource,
    range: &LogRange,
    output: &mut dyn FnMut(LogPiece<'_>) -> ControlFlow<()>,
) -> Result<(), ClusterError> {
    let container = source.id.rsplit('/').next().unwrap_or_default();
    let mut lines = TimedLines::new(range.since);
    let read = cluster.read_log(&source.name, &params(container, range), &mut |bytes| lines.feed(bytes, output));
    match read {
        Err(error) if error.reason == Reason::Missing || error.text.contains("is waiting to start") => Ok(()),
        read => read,
    }
}
