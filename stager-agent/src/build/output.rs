//! The two pipes of a program: waits for what it prints, or for its end, and cuts it into lines.

use super::lines::Lines;
use crate::hidden::Hidden;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionbio, read};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use shared_model::event::Stream;
use std::os::fd::OwnedFd;
use std::process::Child;
use std::time::{Duration, Instant};

/// Read at once: a pipe holds no more.
const CHUNK: usize = 64 * 1024;

/// What a program's lines are given to.
pub(crate) type Say<'a> = &'a mut dyn FnMut(Stream, String);

/// A program's output as it comes.
pub(crate) struct Outputs<'a> {
    pipes: Vec<Pipe<'a>>,
    /// Becomes readable when the program ends; absent before Linux 5.3, then the end is noticed with the next look.
    end: Option<OwnedFd>,
}

struct Pipe<'a> {
    from: OwnedFd,
    stream: Stream,
    lines: Lines<'a>,
}

impl<'a> Outputs<'a> {
    /// Takes the pipes of `child`; of its lines, `hidden` is.
    pub(crate) fn new(child: &mut Child, hidden: &'a Hidden) -> Self {
        let out = child.stdout.take().map(|pipe| (OwnedFd::from(pipe), Stream::Out));
        let err = child.stderr.take().map(|pipe| (OwnedFd::from(pipe), Stream::Err));
        let pipe = |(from, stream)| {
            // A program of the agent's own user may read there as well, and first.
            let _ = ioctl_fionbio(&from, true);
            Pipe { from, stream, lines: Lines::hiding(hidden) }
        };
        let end = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).ok();
        Self { pipes: out.into_iter().chain(err).map(pipe).collect(), end }
    }

    /// Waits until something is printed, the program ends or `patience` is over, and says what was printed. True: the program
    /// has ended; that is heard once.
    pub(crate) fn follow(&mut self, patience: Duration, say: Say) -> bool {
        let fds = self.pipes.iter().map(|pipe| &pipe.from).chain(&self.end);
        let mut waiting: Vec<PollFd> = fds.map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        let Ok(patience) = Timespec::try_from(patience) else { return false };
        if poll(&mut waiting, Some(&patience)).is_err() {
            return false; // a signal: the caller looks around and comes back
        }
        let ready: Vec<bool> = waiting.iter().map(|fd| !fd.revents().is_empty()).collect();
        let mut ready = ready.into_iter();
        let mut chunk = vec![0; CHUNK];
        self.pipes.retain_mut(|pipe| !ready.next().unwrap_or(false) || pipe.read(&mut chunk, say));
        let has_ended = ready.next().unwrap_or(false);
        self.end.take_if(|_| has_ended);
        has_ended
    }

    /// The program has ended: says what is still in the pipes, and waits at most `patience` for processes that hold
    /// them. A daemon may hold them for ever.
    pub(crate) fn drain(&mut self, patience: Duration, say: Say) {
        self.end = None;
        let until = Instant::now() + patience;
        while !self.pipes.is_empty() && Instant::now() < until {
            self.follow(until.saturating_duration_since(Instant::now()), say);
        }
    }

    /// Says the lines that never got an end.
    pub(crate) fn finish(mut self, say: Say) {
        for pipe in &mut self.pipes {
            pipe.lines.finish(&mut |line| say(pipe.stream, line));
        }
    }
}

impl Pipe<'_> {
    /// False when nothing more will come.
    fn read(&mut self, chunk: &mut [u8], say: Say) -> bool {
        let stream = self.stream;
        let mut say = |line| say(stream, line);
        match read(&self.from, &mut *chunk) {
            Ok(0) => {
                self.lines.finish(&mut say);
                false
            }
            Ok(count) => {
                self.lines.push(&chunk[..count], &mut say);
                true
            }
            Err(error) => matches!(error, Errno::INTR | Errno::AGAIN),
        }
    }
}
