//! Several sources side by side, each read by a thread of its own, → one sequence of lines in the order of their times, with bounded
//! memory: a source that is far ahead waits. One that is followed and has been quiet for a moment is not waited for, nor is any that has
//! long said nothing.

use crate::plan::apps::LogLine;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Lines of one source that may wait, and their bytes: a line may have 60 KiB.
const MOST_WAITING: usize = 512;
const MOST_BYTES: usize = 1 << 20;
/// A source that is followed and says nothing for so long has said what was there.
const QUIET: Duration = Duration::from_millis(200);
/// One that ends by itself and says nothing for so long hangs. It may still say something, and nobody else's lines wait for that.
const HUNG: Duration = Duration::from_secs(10);

/// The sources, and what waits of each.
#[derive(Default)]
pub(crate) struct Merge {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    queues: Vec<Queue>,
    /// No source will be added any more.
    is_complete: bool,
    /// Nobody takes lines any more.
    is_closed: bool,
}

struct Queue {
    waiting: VecDeque<LogLine>,
    /// Of all that waits.
    bytes: usize,
    has_ended: bool,
    /// It is not waited for any more: it is followed, and what was there at first has come; or it hangs.
    is_live: bool,
    /// When it last said something or could say more, or began.
    heard: Instant,
    /// For how long it is waited for while it says nothing.
    patience: Duration,
}

impl Queue {
    fn new(goes: Goes) -> Self {
        let patience = match goes {
            Goes::ToItsEnd => HUNG,
            Goes::On => QUIET,
        };
        Self { waiting: VecDeque::new(), bytes: 0, has_ended: false, is_live: false, heard: Instant::now(), patience }
    }

    fn is_full(&self) -> bool {
        self.waiting.len() >= MOST_WAITING || self.bytes >= MOST_BYTES
    }

    fn push(&mut self, line: LogLine) {
        self.bytes += line.text.len();
        self.waiting.push_back(line);
        self.heard = Instant::now();
    }

    fn pop(&mut self) -> Option<LogLine> {
        if self.is_full() {
            self.heard = Instant::now(); // it has waited for room
        }
        let line = self.waiting.pop_front()?;
        self.bytes = self.bytes.saturating_sub(line.text.len());
        Some(line)
    }
}

/// A source's place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(usize);

/// Whether a source goes on for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goes {
    /// It gives what is there, and ends.
    ToItsEnd,
    /// It is followed.
    On,
}

impl Merge {
    /// A source begins.
    pub(crate) fn add(&self, goes: Goes) -> Place {
        let mut state = self.lock();
        // A source that is read again and again takes the place of one that is over.
        let free = state.queues.iter().position(|queue| queue.has_ended && queue.waiting.is_empty());
        let at = free.unwrap_or(state.queues.len());
        match state.queues.get_mut(at) {
            Some(queue) => *queue = Queue::new(goes),
            None => state.queues.push(Queue::new(goes)),
        }
        Place(at)
    }

    /// A source's next line. Waits while too many of it wait; says when no more are wanted.
    pub(crate) fn push(&self, place: Place, line: LogLine) -> ControlFlow<()> {
        let mut state = self.lock();
        while !state.is_closed && state.queues[place.0].is_full() {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_closed {
            return ControlFlow::Break(());
        }
        state.queues[place.0].push(line);
        self.changed.notify_all();
        ControlFlow::Continue(())
    }

    /// A source has said all.
    pub(crate) fn end(&self, place: Place) {
        self.lock().queues[place.0].has_ended = true;
        self.changed.notify_all();
    }

    /// No source comes any more: when all have ended, so does this.
    pub(crate) fn complete(&self) {
        self.lock().is_complete = true;
        self.changed.notify_all();
    }

    /// There will be no more lines, whatever the sources still have.
    pub(crate) fn give_up(&self) {
        let mut state = self.lock();
        state.is_complete = true;
        state.queues.iter_mut().for_each(|queue| queue.has_ended = true);
        drop(state);
        self.changed.notify_all();
    }

    /// No line is wanted any more.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// The next line; `None`: there will be none. Waits for it.
    pub(crate) fn next(&self) -> Option<LogLine> {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            match state.step(now) {
                Step::Line(at) => {
                    let line = state.queues[at].pop();
                    self.changed.notify_all();
                    return line;
                }
                Step::End => return None,
                Step::Wait => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Step::WaitUntil(time) => {
                    let waited = self.changed.wait_timeout(state, time.saturating_duration_since(now));
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// The first line of this source.
    Line(usize),
    /// Nothing, until something changes.
    Wait,
    /// Nothing, until something changes or this moment comes.
    WaitUntil(Instant),
    /// Nothing any more.
    End,
}

impl State {
    fn step(&mut self, now: Instant) -> Step {
        let mut quiet_at = None;
        for queue in &mut self.queues {
            if !queue.waiting.is_empty() || queue.has_ended || queue.is_live {
                continue;
            }
            let until = queue.heard + queue.patience;
            queue.is_live = until <= now;
            if !queue.is_live {
                quiet_at = quiet_at.max(Some(until));
            }
        }
        if let Some(time) = quiet_at {
            return Step::WaitUntil(time);
        }
        // One without a time goes first: nobody can say behind what it belongs.
        let heads = self.queues.iter().enumerate().filter_map(|(at, queue)| Some((queue.waiting.front()?.time, at)));
        match heads.min() {
            Some((_, at)) => Step::Line(at),
            None if self.is_complete && self.queues.iter().all(|queue| queue.has_ended) => Step::End,
            None => Step::Wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use shared_model::event::Stream;
    use std::sync::Arc;
    use std::thread;

    fn line(second: i64, text: &str) -> LogLine {
        let time = Timestamp::from_second(second).ok();
        LogLine { time, source: "s".into(), stream: Stream::Out, text: text.to_owned() }
    }

    fn texts(merge: &Merge) -> Vec<String> {
        std::iter::from_fn(|| merge.next()).map(|line| line.text).collect()
    }

    #[test]
    fn lines_of_several_sources_come_in_the_order_of_their_times() {
        let merge = Arc::new(Merge::default());
        let sources = [vec![1, 4, 5, 9], vec![2, 3, 6], vec![]];
        for seconds in sources {
            let place = merge.add(Goes::ToItsEnd);
            let merge = Arc::clone(&merge);
            thread::spawn(move || {
                for second in seconds {
                    thread::sleep(Duration::from_millis(3));
                    let _ = merge.push(place, line(second, &second.to_string()));
                }
                merge.end(place);
            });
        }
        merge.complete();
        assert_eq!(texts(&merge), ["1", "2", "3", "4", "5", "6", "9"]);
    }

    #[test]
    fn one_source_keeps_its_own_order_whatever_its_clock_does() {
        let merge = Merge::default();
        let place = merge.add(Goes::ToItsEnd);
        for (second, text) in [(9, "a"), (1, "b"), (5, "c")] {
            let _ = merge.push(place, line(second, text));
        }
        merge.end(place);
        merge.complete();
        assert_eq!(texts(&merge), ["a", "b", "c"]);
    }

    #[test]
    fn a_followed_source_that_is_quiet_holds_nobody_up() {
        let merge = Merge::default();
        let (quiet, talks) = (merge.add(Goes::On), merge.add(Goes::On));
        let _ = merge.push(talks, line(2, "later"));
        let begun = Instant::now();
        assert_eq!(merge.next().unwrap().text, "later");
        assert!(begun.elapsed() >= QUIET / 2, "what the other has from before could have come");
        let _ = merge.push(quiet, line(1, "earlier, and too late"));
        let begun = Instant::now();
        assert_eq!(merge.next().unwrap().text, "earlier, and too late");
        assert!(begun.elapsed() < QUIET);
        merge.end(quiet);
        merge.end(talks);
        merge.complete();
        assert_eq!(merge.next(), None);
    }

    #[test]
    fn a_source_that_is_far_ahead_waits_until_lines_are_taken_or_nobody_wants_them() {
        let merge = Arc::new(Merge::default());
        let place = merge.add(Goes::ToItsEnd);
        let pushes = {
            let merge = Arc::clone(&merge);
            thread::spawn(move || {
                (0..100_000).take_while(|second| merge.push(place, line(*second, "x")).is_continue()).count()
            })
        };
        thread::sleep(Duration::from_millis(50));
        assert_eq!(merge.lock().queues[0].waiting.len(), MOST_WAITING);
        assert!(merge.next().is_some());
        merge.close();
        assert!(pushes.join().unwrap() <= MOST_WAITING + 1);
    }

    #[test]
    fn long_lines_wait_in_bounded_memory() {
        const LONG: usize = 60_000;
        let merge = Arc::new(Merge::default());
        let place = merge.add(Goes::ToItsEnd);
        let pushes = {
            let merge = Arc::clone(&merge);
            let long = "x".repeat(LONG);
            thread::spawn(move || {
                (0..10_000).take_while(|second| merge.push(place, line(*second, &long)).is_continue()).count()
            })
        };
        thread::sleep(Duration::from_millis(100));
        let waits = |merge: &Merge| merge.lock().queues[0].waiting.iter().map(|line| line.text.len()).sum::<usize>();
        assert!((MOST_BYTES..MOST_BYTES + LONG).contains(&waits(&merge)), "{}", waits(&merge));
        assert!(merge.next().is_some() && merge.next().is_some(), "room is made");
        thread::sleep(Duration::from_millis(50));
        let counted = merge.lock().queues[0].bytes;
        assert_eq!(counted, waits(&merge));
        merge.close();
        assert!(pushes.join().unwrap() <= MOST_BYTES / LONG + 4);
    }

    #[test]
    fn a_source_that_hangs_keeps_nobodys_lines_back_for_ever() {
        let merge = Merge::default();
        let (hangs, talks) = (merge.add(Goes::ToItsEnd), merge.add(Goes::ToItsEnd));
        let _ = merge.push(talks, line(2, "later"));
        let now = Instant::now();
        assert!(matches!(merge.lock().step(now), Step::WaitUntil(time) if time > now + HUNG / 2));
        assert_eq!(merge.lock().step(now + HUNG), Step::Line(talks.0));
        assert_eq!(merge.next().unwrap().text, "later");
        merge.end(talks);
        merge.complete();
        let _ = merge.push(hangs, line(1, "it did say something"));
        merge.end(hangs);
        assert_eq!(texts(&merge), ["it did say something"]);
    }

    #[test]
    fn one_that_waited_for_room_does_not_hang() {
        let merge = Merge::default();
        let place = merge.add(Goes::ToItsEnd);
        for second in (0..).take(MOST_WAITING) {
            let _ = merge.push(place, line(second, "x"));
        }
        merge.lock().queues[0].heard -= HUNG * 2;
        for _ in 0..MOST_WAITING {
            assert!(merge.next().is_some());
        }
        assert!(matches!(merge.lock().step(Instant::now()), Step::WaitUntil(_)));
    }

    #[test]
    fn a_source_that_is_read_again_and_again_takes_no_more_room() {
        let merge = Merge::default();
        let other = merge.add(Goes::On);
        for second in 0..100 {
            let place = merge.add(Goes::On);
            let _ = merge.push(place, line(second, "x"));
            merge.end(place);
            assert!(merge.next().is_some());
        }
        assert_eq!((merge.lock().queues.len(), other.0), (2, 0));
    }
}
