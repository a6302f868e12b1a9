//! What is printed: sidecars' lines, and the few words of its own. The app's output is not touched: it writes where the container
//! writes.

use crate::lines::Lines;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionread, read, write};
use rustix::stdio::{stderr, stdout};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::Child;
use std::time::Duration;

/// Read at once.
const CHUNK: usize = 16 << 10;

/// The pipes of sidecars.
#[derive(Debug, Default)]
pub(crate) struct Outputs(Vec<Pipe>);

#[derive(Debug)]
struct Pipe {
    from: OwnedFd,
    to: BorrowedFd<'static>,
    lines: Lines,
}

impl Outputs {
    /// Takes the pipes of a sidecar of this log source; an app has none.
    pub(crate) fn add(&mut self, child: &mut Child, source: &str) {
        let out = child.stdout.take().map(|pipe| (OwnedFd::from(pipe), stdout()));
        let err = child.stderr.take().map(|pipe| (OwnedFd::from(pipe), stderr()));
        let pipe = |(from, to)| Pipe { from, to, lines: Lines::new(source) };
        self.0.extend(out.into_iter().chain(err).map(pipe));
    }

    /// Waits until `other` can be read, something is printed or `patience` is over (`None`: has no end); prints the lines.
    pub(crate) fn follow(&mut self, other: BorrowedFd<'_>, patience: Option<Duration>) {
        let fds = std::iter::once(other).chain(self.0.iter().map(|pipe| pipe.from.as_fd()));
        let mut waiting: Vec<PollFd<'_>> = fds.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        let patience = patience.and_then(|patience| Timespec::try_from(patience).ok());
        if !poll(&mut waiting, patience.as_ref()).is_ok_and(|ready| ready > 0) {
            return; // a signal or the time: the caller looks around
        }
        let ready: Vec<bool> = waiting.iter().skip(1).map(|fd| !fd.revents().is_empty()).collect();
        let mut ready = ready.into_iter();
        self.0.retain_mut(|pipe| !ready.next().unwrap_or(false) || pipe.read(CHUNK) != Some(0));
    }

    /// Prints what is in the pipes, and waits for nothing: whom a sidecar left behind may print for ever.
    pub(crate) fn drain(&mut self) {
        for pipe in &mut self.0 {
            let mut left = ioctl_fionread(&pipe.from).map_or(0, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
            while left > 0 {
                match pipe.read(left.min(CHUNK)) {
                    Some(0) => break,
                    count => left -= count.unwrap_or(0),
                }
            }
            if pipe.is_closed() {
                pipe.lines.finish(&mut |line| print(pipe.to, line));
            }
        }
    }

    /// Prints the rest, and the lines that never got an end.
    pub(crate) fn finish(mut self) {
        self.drain();
        for Pipe { to, lines, .. } in &mut self.0 {
            lines.finish(&mut |line| print(*to, line));
        }
    }
}

impl Pipe {
    /// Whether nobody has its other end any more, and nothing is left in it.
    fn is_closed(&self) -> bool {
        let mut waiting = [PollFd::new(&self.from, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut waiting, Some(&now)).is_ok() && waiting[0].revents() == PollFlags::HUP
    }

    /// Reads so many bytes at most, and prints the lines. How many came: 0 when nothing more will, `None` when a signal came first.
    fn read(&mut self, most: usize) -> Option<usize> {
        let mut say = |line: &[u8]| print(self.to, line);
        let mut chunk = [0; CHUNK];
        match read(&self.from, &mut chunk[..most]) {
            Err(Errno::INTR) => None,
            Ok(0) | Err(_) => {
                self.lines.finish(&mut say);
                Some(0)
            }
            Ok(count) => {
                self.lines.push(&chunk[..count], &mut say);
                Some(count)
            }
        }
    }
}

/// Says something of its own, to whoever reads the app's log.
pub(crate) fn say(text: &str) {
    print(stderr(), format!("app-supervisor: {text}\n").as_bytes());
}

/// Says something of a sidecar.
pub(crate) fn say_of(source: &str, text: &str) {
    let mut lines = Lines::new(source);
    lines.push(text.as_bytes(), &mut |line| print(stderr(), line));
    lines.finish(&mut |line| print(stderr(), line));
}

/// Nobody can be told that it cannot be printed.
fn print(to: BorrowedFd<'_>, mut line: &[u8]) {
    while !line.is_empty() {
        match write(to, line) {
            Ok(count) => line = &line[count..],
            Err(Errno::INTR) => {}
            // The app writes there too, and may have said that nobody waits (node does).
            Err(Errno::AGAIN) => {
                let _ = poll(&mut [PollFd::from_borrowed_fd(to, PollFlags::OUT)], None);
            }
            Err(_) => return,
        }
    }
}
