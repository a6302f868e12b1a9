//! A container's log with the times of the kubelet: how it is asked for, and its lines. It does not tell standard output from standard
//! error. Pure.

use crate::engine::timed_entry::TimedEntry;
use crate::engine::{LogPiece, LogRange};
use jiff::Timestamp;
use kube::api::LogParams;
use shared_model::event::Stream;
use std::ops::ControlFlow;

/// So many bytes of a line are one entry of containerd's; a kubelet before 1.24 gives each of them its time.
const ENTRY: usize = 16 << 10;

/// What is asked for.
pub(super) fn params(container: &str, range: &LogRange) -> LogParams {
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
pub(super) struct TimedLines {
    /// What is older is left out.
    since: Option<Timestamp>,
    entry: TimedEntry,
    /// Bytes of the entry; what is cut off its beginning does not count.
    of_entry: usize,
    /// The last byte ended no line.
    is_within: bool,
    /// The line has shown its time; and it is wanted.
    has_time: bool,
    is_wanted: bool,
}

impl TimedLines {
    /// Of one reading; `since`: what is older is left out.
    pub(super) fn new(since: Option<Timestamp>) -> Self {
        Self { since, ..Self::default() }
    }

    /// The next bytes of any number. Gives of each line that is wanted the pieces, without times, and the time with the first of them.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        output: &mut dyn FnMut(LogPiece<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        bytes.split_inclusive(|byte| *byte == b'\n').try_for_each(|part| self.part(part, output))
    }

    /// Bytes of one line, its end or not.
    fn part(&mut self, mut part: &[u8], output: &mut dyn FnMut(LogPiece<'_>) -> ControlFlow<()>) -> ControlFlow<()> {
        if !self.is_within {
            self.entry.begin();
            (self.is_within, self.has_time, self.is_wanted, self.of_entry) = (true, false, false, 0);
        }
        let ends = part.ends_with(b"\n");
        while !part.is_empty() {
            if self.of_entry == ENTRY {
                self.entry.begin(); // with a time, perhaps
                self.of_entry = 0;
            }
            let now;
            (now, part) = part.split_at(part.len().min(ENTRY - self.of_entry));
            self.pieces(|entry, give| entry.feed(Stream::Out, now, give), output)?;
        }
        if ends {
            self.is_within = false;
            self.pieces(|entry, give| entry.end(Stream::Out, give), output)?;
        }
        ControlFlow::Continue(())
    }

    /// What the entry gives, where the line is wanted.
    fn pieces(
        &mut self,
        give: impl FnOnce(&mut TimedEntry, &mut dyn FnMut(LogPiece<'_>) -> ControlFlow<()>) -> ControlFlow<()>,
        output: &mut dyn FnMut(LogPiece<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Self { since, entry, of_entry, has_time, is_wanted, .. } = self;
        give(entry, &mut |piece| {
            *of_entry += piece.bytes.len();
            // A later time of the same line is of no interest.
            let time = piece.time.filter(|_| !std::mem::replace(has_time, true));
            if let Some(time) = time {
                *is_wanted = since.is_none_or(|since| time >= since);
            }
            if *is_wanted { output(LogPiece { time, ..piece }) } else { ControlFlow::Continue(()) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a log that comes in pieces of this size, and how many times it has.
    fn said(lines: &mut TimedLines, text: &str, size: usize) -> (String, Vec<Timestamp>) {
        let (mut said, mut times) = (String::new(), Vec::new());
        for chunk in text.as_bytes().chunks(size) {
            let _ = lines.feed(chunk, &mut |piece| {
                times.extend(piece.time);
                said.push_str(&String::from_utf8_lossy(piece.bytes));
                ControlFlow::Continue(())
            });
        }
        (said, times)
    }

    #[test]
    fn each_line_loses_its_time_wherever_the_bytes_are_cut_and_the_kubelets_own_are_left_out() {
        let text = "2026-11-30T01:02:03.450000000Z one\nrpc error: code = NotFound desc = no such container\n2026-11-30T01:02:04Z two words\n2026-11-30T01:02:05Z \n";
        for size in 1..=text.len() {
            let (said, times) = said(&mut TimedLines::default(), text, size);
            assert_eq!((said.as_str(), times.len()), ("one\ntwo words\n\n", 3), "cut every {size} bytes");
            assert_eq!(times[0], "2026-11-30T01:02:03.45Z".parse().unwrap());
        }
    }

    #[test]
    fn a_line_of_several_entries_is_one_whether_a_kubelet_gives_each_its_time_or_not() {
        const TIME: &str = "2026-11-30T01:02:03.450000000Z ";
        let all: Vec<String> = ["a", "b", "c"].map(|letter| letter.repeat(ENTRY)).into();
        for (rest, sizes) in [("", [1000, 99_999]), ("d", [7, ENTRY]), ("and so on", [ENTRY + 1, 31])] {
            let whole = format!("{}{rest}\n", all.concat());
            let last = if rest.is_empty() { String::new() } else { format!("{TIME}{rest}") };
            let old = format!("{TIME}{}{last}\n{TIME}next\n", all.join(TIME));
            let new = format!("{TIME}{whole}{TIME}next\n");
            for (text, size) in [&old, &new].into_iter().flat_map(|text| sizes.map(|size| (text, size))) {
                let (said, times) = said(&mut TimedLines::default(), text, size);
                assert!(said == format!("{whole}next\n"), "{rest:?} in pieces of {size}: {} bytes", said.len());
                assert_eq!(times.len(), 2, "{rest:?} in pieces of {size}");
            }
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
        assert_eq!(said(&mut TimedLines::new(since), text, 99).0, "of then\nnewer\n");
    }
}
