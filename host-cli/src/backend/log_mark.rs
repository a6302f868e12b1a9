//! How far a log was read, by the times of its entries, so that another reading shows nothing twice and loses nothing of a line that was
//! cut off. Pure.

use crate::engine::LogPiece;
use jiff::Timestamp;

/// By the time of the last entry, how many had that time, and how much of the last one was read. Read again from that time on, a log
/// begins with those, and what is known of them is left out. The default: nothing was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Mark {
    last: Option<Timestamp>,
    of_that_time: u64,
    /// Bytes of the last entry.
    taken: u64,
    /// Until when, and how many of that time, entries are known.
    known: Option<(Timestamp, u64)>,
    /// Bytes of the entry that has begun which are left out.
    left_out: u64,
    /// The entry that has begun goes on where another reading has ended.
    resumes: bool,
}

/// How a piece comes after what was taken before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// Nothing is missing.
    AtOnce,
    /// What was read last is not there any more, and perhaps more that came after it.
    AGap,
}

impl Mark {
    /// For another reading.
    pub(super) fn again(&self) -> Self {
        Self { known: self.last.map(|last| (last, self.of_that_time)), left_out: 0, resumes: false, ..self.clone() }
    }

    /// From where that is to begin; `None`: from the start.
    pub(super) fn since(&self) -> Option<Timestamp> {
        self.last
    }

    /// What of a piece is new, with the time of its entry where it is the first of it; `None`: nothing is. Who reads on after a gap begins
    /// a new line.
    pub(super) fn take<'a>(&mut self, piece: LogPiece<'a>) -> Option<(After, LogPiece<'a>)> {
        let after = piece.time.map_or(After::AtOnce, |time| self.begin(time));
        let known = usize::try_from(self.left_out).unwrap_or(usize::MAX).min(piece.bytes.len());
        let bytes = piece.bytes.get(known..).unwrap_or_default();
        self.left_out -= known as u64;
        if self.left_out > 0 || (known > 0 && bytes.is_empty()) {
            return None;
        }
        self.taken += bytes.len() as u64;
        let time = if std::mem::take(&mut self.resumes) { self.last } else { piece.time };
        Some((after, LogPiece { time, bytes, ..piece }))
    }

    /// An entry of this time begins.
    fn begin(&mut self, time: Timestamp) -> After {
        self.resumes = false;
        match &mut self.known {
            Some((until, count)) if time < *until || (time == *until && *count > 1) => {
                *count -= u64::from(time == *until);
                self.left_out = u64::MAX;
                After::AtOnce
            }
            Some((until, _)) if time == *until => {
                (self.known, self.left_out, self.resumes) = (None, self.taken, true);
                After::AtOnce
            }
            known => {
                let after = if known.take().is_some() { After::AGap } else { After::AtOnce };
                self.of_that_time = if self.last == Some(time) { self.of_that_time + 1 } else { 1 };
                (self.last, self.taken, self.left_out) = (Some(time), 0, 0);
                after
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use shared_model::event::Stream;

    /// Entries of one line each, as they are read from a time on, in pieces of this size, until so many bytes were.
    fn read(mark: &mut Mark, entries: &[(i64, String)], (size, most): (usize, usize)) -> (Vec<After>, String) {
        let (mut afters, mut said, mut room) = (Vec::new(), String::new(), most);
        for (second, text) in entries {
            let mut time = Timestamp::from_second(*second).ok();
            if mark.since().is_some_and(|since| time < Some(since)) {
                continue;
            }
            for bytes in text.as_bytes().chunks(size) {
                let bytes = &bytes[..bytes.len().min(room)];
                room -= bytes.len();
                if bytes.is_empty() {
                    return (afters, said);
                }
                let taken = mark.take(LogPiece { stream: Stream::Out, time: time.take(), bytes });
                said.extend(taken.iter().map(|(_, piece)| String::from_utf8_lossy(piece.bytes)));
                afters.extend(taken.map(|(after, _)| after));
            }
        }
        (afters, said)
    }

    fn entries(seconds: &[i64]) -> Vec<(i64, String)> {
        seconds.iter().enumerate().map(|(at, second)| (*second, format!("{at} at {second}\n"))).collect()
    }

    fn passes(mark: &mut Mark, second: i64) -> bool {
        let time = Timestamp::from_second(second).ok();
        mark.take(LogPiece { stream: Stream::Out, time, bytes: b"x\n" }).is_some()
    }

    #[test]
    fn where_a_place_gives_more_again_than_was_asked_for_what_is_known_is_left_out() {
        let mut mark = Mark::default();
        assert!([1, 2, 2].into_iter().all(|second| passes(&mut mark, second)));
        let mut mark = mark.again();
        let passed: Vec<bool> = [1, 2, 2, 2, 1, 3].map(|second| passes(&mut mark, second)).into();
        assert_eq!(passed, [false, false, false, true, true, true], "a clock may go back, too");
        assert_eq!((mark.since(), mark.of_that_time), (Timestamp::from_second(3).ok(), 1));
    }

    #[test]
    fn a_line_that_was_cut_off_goes_on_where_it_was_and_has_its_time() {
        let (mut mark, log) = (Mark::default(), [(1, "one\n".to_owned()), (2, "a longer one\n".to_owned())]);
        assert_eq!(read(&mut mark, &log, (4, 10)).1, "one\na long");
        let mut mark = mark.again();
        let piece = LogPiece { stream: Stream::Out, time: Timestamp::from_second(2).ok(), bytes: b"a longer one\n" };
        let (after, rest) = mark.take(piece).unwrap();
        assert_eq!((after, rest.time, rest.bytes), (After::AtOnce, mark.since(), &b"er one\n"[..]));
    }

    #[test]
    fn a_log_whose_last_entry_is_gone_is_read_on_and_said_to_have_a_gap() {
        let (mut mark, log) = (Mark::default(), entries(&[1, 2, 3, 4, 5]));
        read(&mut mark, &log[..2], (99, 999));
        let (afters, said) = read(&mut mark.again(), &log[3..], (99, 999));
        assert_eq!((afters, said.as_str()), (vec![After::AGap, After::AtOnce], "3 at 4\n4 at 5\n"));
        let (afters, _) = read(&mut mark.again(), &log[1..], (99, 999));
        assert!(!afters.contains(&After::AGap), "{afters:?}");
    }

    proptest! {
        #[test]
        fn a_log_that_is_cut_off_anywhere_and_as_often_as_one_likes_is_whole_and_nothing_of_it_comes_twice(
            steps in proptest::collection::vec(0..2_i64, 1..40),
            cuts in proptest::collection::vec(0..400_usize, 0..6),
            size in 1..20_usize,
        ) {
            let seconds: Vec<i64> = steps.iter().scan(0, |at, step| { *at += step; Some(*at) }).collect();
            let (log, mut mark, mut all) = (entries(&seconds), Mark::default(), String::new());
            for cut in cuts.into_iter().chain([usize::MAX]) {
                mark = mark.again();
                let (afters, said) = read(&mut mark, &log, (size, cut));
                prop_assert!(!afters.contains(&After::AGap));
                all.push_str(&said);
            }
            let whole: String = log.iter().map(|(_, text)| text.as_str()).collect();
            prop_assert_eq!(all, whole);
        }
    }
}
