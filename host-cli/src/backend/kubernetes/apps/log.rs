//! What a pod's container printed, with the times of the kubelet. It does not tell standard output from standard error.

use crate::backend::apps::LogSource;
use crate::backend::kubernetes::client::{Cluster, ClusterError, Reason};
use crate::engine::timed_entry::TimedEntry;
use crate::engine::{LogPiece, LogRange};
use jiff::Timestamp;
use kube::api::LogParams;
use shared_model::event::Stream;
use std::ops::ControlFlow;

/// Reads it. One that is gone, and one that has not begun, has printed nothing.
pub(super) fn read(
    cluster: &Cluster,
    source: &LogSource,
    range: &LogRange,
    output: &mut dyn FnMut(LogPiece<'_>) -> ControlFlow<()>,
) -> Result<(), ClusterError> {
    let container = source.id.rsplit('/').next().unwrap_or_default();
    let mut lines = Lines { since: range.since, ..Lines::default() };
    let read = cluster.read_log(&source.name, &params(container, range), &mut |bytes| lines.feed(bytes, output));
    match read {
        Err(error) if error.reason == Reason::Missing || error.text.contains("is waiting to start") => Ok(()),
        read => read,
    }
}

fn params(container: &str, range: &LogRange) -> LogParams {
    LogParams {
        container: Some(container.to_owned()),
        follow: range.follow,
        timestamps: true,
        tail_lines: range.tail.map(|tail| i64::try_from(tail).unwrap_or(i64::MAX)),
        // A client asks for whole seconds, and rounds to the nearest one: what was said before that would be lost.
        since_time: range.since.and_then(|since| Timestamp::from_second(since.as_second()).ok()),
        ..LogParams::default()
    }
}

/// Lines that begin with a time each. One that does not is the kubelet's own: what it says of a container that has just gone.
#[derive(Default)]
struct Lines {
    /// What is older is left out.
    since: Option<Timestamp>,
    entry: TimedEntry,
    /// The last byte ended no line.
    is_within: bool,
    /// The line has shown its time, and is wanted.
    is_wanted: bool,
}

impl Lines {
    fn feed(&mut self, bytes: &[u8], output: &mut dyn FnMut(LogPiece<'_>) -> ControlFlow<()>) -> ControlFlow<()> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            if !self.is_within {
                self.entry.begin();
                self.is_wanted = false;
            }
            self.is_within = !part.ends_with(b"\n");
            let (since, is_wanted) = (self.since, &mut self.is_wanted);
            self.entry.feed(Stream::Out, part, &mut |piece| {
                if let Some(time) = piece.time {
                    *is_wanted = since.is_none_or(|since| time >= since);
                }
                if *is_wanted { output(piece) } else { ControlFlow::Continue(()) }
            })?;
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_loses_its_time_wherever_the_bytes_are_cut_and_the_kubelets_own_are_left_out() {
        let text = "2026-11-30T01:02:03.450000000Z one\nrpc error: code = NotFound desc = no such container\n2026-11-30T01:02:04Z two words\n2026-11-30T01:02:05Z \n";
        for size in 1..=text.len() {
            let (mut lines, mut said, mut times) = (Lines::default(), String::new(), Vec::new());
            for chunk in text.as_bytes().chunks(size) {
                let _ = lines.feed(chunk, &mut |piece| {
                    times.extend(piece.time);
                    said.push_str(&String::from_utf8_lossy(piece.bytes));
                    ControlFlow::Continue(())
                });
            }
            assert_eq!((said.as_str(), times.len()), ("one\ntwo words\n\n", 3), "cut every {size} bytes");
            assert_eq!(times[0], "2026-11-30T01:02:03.45Z".parse().unwrap());
        }
    }

    #[test]
    fn what_is_wanted_is_asked_for() {
        let since = "2026-11-30T01:02:03Z".parse().ok();
        let asked = params("app", &LogRange { tail: Some(5), since, follow: true });
        assert_eq!((asked.tail_lines, asked.since_time, asked.follow, asked.timestamps), (Some(5), since, true, true));
    }

    #[test]
    fn from_within_a_second_on_nothing_is_lost_and_nothing_older_comes() {
        let since: Option<Timestamp> = "2026-11-30T01:02:03.7Z".parse().ok();
        let asked = params("app", &LogRange { since, ..LogRange::default() }).since_time.unwrap();
        assert_eq!(asked.to_string(), "2026-11-30T01:02:03Z", "the nearest second is a later one");
        let text = "2026-11-30T01:02:03.600Z older\n2026-11-30T01:02:03.700Z of then\n2026-11-30T01:02:03.800Z newer\n";
        let (mut lines, mut said) = (Lines { since, ..Lines::default() }, String::new());
        let _ = lines.feed(text.as_bytes(), &mut |piece| {
            said.push_str(&String::from_utf8_lossy(piece.bytes));
            ControlFlow::Continue(())
        });
        assert_eq!(said, "of then\nnewer\n");
    }
}
