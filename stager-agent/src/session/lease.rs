//! The agent under a lease (`--lease`): whoever started it keeps standard input open behind the request and writes to it
//! now and then (see [`shared_model::lease`]). When that ends, the staging ends as by a signal; nobody is there to see it.
//!
//! Silence is counted in turns of waiting, not by the clock: an agent that was frozen or starved itself does not take its
//! own absence for the host's.

#![expect(clippy::disallowed_methods, reason = "reads the request from standard input")]

use crate::session::scope::{Stop, Stopped};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use shared_model::exit_code::ExitCode;
use shared_model::lease::{END_OF_REQUEST, PATIENCE};
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// How long one turn of waiting takes.
const TURN: Duration = Duration::from_secs(1);

/// How long an end in order may take once the host is gone. Whoever still writes to the host then may wait for ever: over
/// a network that is down nothing is refused, and nothing passes.
const LAST_WORDS: Duration = Duration::from_secs(20);

/// A lease, or none; clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lease(Option<Arc<LeaseState>>);

#[derive(Debug)]
struct LeaseState {
    /// What to end when the host is gone.
    stop: Arc<Stop>,
    /// Nobody needs the host any more.
    over: AtomicBool,
}

impl Lease {
    /// A lease whose end ends everything.
    pub(crate) fn held(stop: Arc<Stop>) -> Self {
        Self(Some(Arc::new(LeaseState { stop, over: AtomicBool::new(false) })))
    }

    /// Standard input as far as the request goes; all of it without a lease.
    pub(crate) fn request(&self) -> io::Result<Box<dyn Read>> {
        if self.0.is_none() {
            return Ok(Box::new(io::stdin().lock()));
        }
        Ok(Box::new(UntilMark { line: HostLine::from_stdin(PATIENCE)?, ended: false }))
    }

    /// From now on the end of standard input, or too long a silence on it, ends everything. To be called when the request
    /// has been read. Without a lease nothing is watched.
    pub(crate) fn watch(&self) -> io::Result<()> {
        let Some(held) = self.0.clone() else { return Ok(()) };
        let line = HostLine::from_stdin(PATIENCE)?;
        let watch = move || {
            if held.is_lost(line) {
                thread::sleep(LAST_WORDS);
                end_without_words();
            }
        };
        thread::Builder::new().name("lease".to_owned()).spawn(watch).map(drop)
    }

    /// Nothing depends on the host any more.
    pub(crate) fn end(&self) {
        if let Some(held) = &self.0 {
            held.over.store(true, Ordering::SeqCst);
        }
    }
}

impl LeaseState {
    /// Waits until the host is gone. True: it was needed, and everything has been told to end.
    fn is_lost(&self, mut line: HostLine) -> bool {
        let mut ignored = [0; 256];
        while !matches!(line.read(&mut ignored), Ok(0) | Err(_)) {}
        let lost = !self.over.load(Ordering::SeqCst);
        if lost {
            self.stop.ask(Stopped::HostGone);
        }
        lost
    }
}

#[expect(clippy::exit, reason = "the main thread may wait for ever for somebody to take its last words")]
fn end_without_words() {
    std::process::exit(ExitCode::Terminated.number().into());
}

/// What leads to the host. A read waits for it no longer than `patience`.
struct HostLine {
    input: OwnedFd,
    patience: Duration,
    turn: Duration,
}

impl HostLine {
    fn from_stdin(patience: Duration) -> io::Result<Self> {
        // Of its own: what `--keep` puts in place of standard input is nobody's sign of life.
        Ok(Self { input: rustix::stdio::stdin().try_clone_to_owned()?, patience, turn: TURN })
    }
}

impl Read for HostLine {
    /// # Errors
    /// `TimedOut`: nothing came for too long.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let turn = Timespec::try_from(self.turn).map_err(io::Error::other)?;
        let mut silent = Duration::ZERO;
        while silent < self.patience {
            if retry_on_intr(|| poll(&mut [PollFd::new(&self.input.as_fd(), PollFlags::IN)], Some(&turn)))? == 0 {
                silent += self.turn;
                continue;
            }
            match rustix::io::read(&self.input, &mut *buffer) {
                Err(Errno::INTR | Errno::AGAIN) => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, "the host has been silent for too long"))
    }
}

/// What comes before the mark. An end without it is an error: the rest was lost.
struct UntilMark<R> {
    line: R,
    ended: bool,
}

impl<R: Read> Read for UntilMark<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ended || buffer.is_empty() {
            return Ok(0);
        }
        let count = self.line.read(buffer)?;
        if count == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the host was gone before all of it had come"));
        }
        let mark = buffer[..count].iter().position(|byte| *byte == END_OF_REQUEST);
        self.ended = mark.is_some();
        Ok(mark.unwrap_or(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::scope::{Scope, Stopped};
    use shared_model::event::{Event, EventSink};
    use shared_model::lease::BEAT;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    struct Nobody;
    impl EventSink for Nobody {
        fn emit(&self, _: Event) {}
    }

    fn reason(stop: &Stop) -> Option<Stopped> {
        Scope::new(&Nobody, "STG", stop).stopped()
    }

    /// A lease, its host's end of the line and the agent's.
    fn pair(patience_ms: u64) -> (Arc<Stop>, Arc<LeaseState>, UnixStream, HostLine) {
        let (host, agent) = UnixStream::pair().unwrap();
        let stop = Arc::new(Stop::default());
        let held = Arc::new(LeaseState { stop: Arc::clone(&stop), over: AtomicBool::new(false) });
        let (patience, turn) = (Duration::from_millis(patience_ms), Duration::from_millis(10));
        (stop, held, host, HostLine { input: agent.into(), patience, turn })
    }

    fn watched(held: &Arc<LeaseState>, line: HostLine) {
        let held = Arc::clone(held);
        thread::spawn(move || held.is_lost(line));
    }

    fn soon(stop: &Stop) -> Option<Stopped> {
        for _ in 0..200 {
            if reason(stop).is_some() {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        reason(stop)
    }

    #[test]
    fn a_host_that_ends_ends_the_staging() {
        let (stop, held, host, line) = pair(60_000);
        watched(&held, line);
        thread::sleep(Duration::from_millis(50));
        assert_eq!(reason(&stop), None);
        drop(host);
        assert_eq!(soon(&stop), Some(Stopped::HostGone));
    }

    #[test]
    fn a_host_that_falls_silent_counts_as_gone_and_one_that_beats_does_not() {
        let (stop, held, mut host, line) = pair(200);
        watched(&held, line);
        for _ in 0..10 {
            host.write_all(&[BEAT]).unwrap();
            thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(reason(&stop), None, "it beat for longer than the patience lasts");
        assert_eq!(soon(&stop), Some(Stopped::HostGone));
    }

    #[test]
    fn a_lease_that_is_over_ends_nothing() {
        let (stop, held, host, line) = pair(60_000);
        held.over.store(true, Ordering::SeqCst);
        drop(host);
        assert!(!held.is_lost(line));
        assert_eq!(reason(&stop), None);
    }

    #[test]
    fn the_request_ends_at_its_mark_however_it_is_cut_and_an_end_before_it_is_an_error() {
        let whole = b"{\"a\":1}\n{}\0\n\n";
        for size in 1..=whole.len() {
            let (_, _, mut host, line) = pair(60_000);
            for piece in whole.chunks(size) {
                host.write_all(piece).unwrap();
            }
            let mut text = String::new();
            UntilMark { line, ended: false }.read_to_string(&mut text).unwrap();
            assert_eq!(text, "{\"a\":1}\n{}");
        }
        let (_, _, mut host, line) = pair(60_000);
        host.write_all(b"{\"a\":").unwrap();
        drop(host);
        let error = UntilMark { line, ended: false }.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
