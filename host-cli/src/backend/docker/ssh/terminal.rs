//! The user's own terminal and streams: put into raw mode, and back on every way out; read, written, and asked for its size.
//!
//! A guard puts it back where its thread ends. Where another one ends the process (a signal, a panic that aborts), [`restore`] does.

#![expect(clippy::disallowed_methods, reason = "reads TERM")]

use crate::engine::{ExecInput, WindowSize};
use rustix::process::getpgrp;
use rustix::stdio::{stdin, stdout};
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetpgrp, tcgetwinsize, tcsetattr};
use shared_model::event::Stream;
use signal_hook::consts::SIGWINCH;
use signal_hook::iterator::Signals;
use std::io::{self, Read, Write};
use std::sync::mpsc::SyncSender;
use std::sync::{Mutex, Once};
use std::{env, panic, thread};

/// How the terminal was; `None`: it is so.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);
static ON_PANIC: Once = Once::new();

/// Bytes that are read at once.
const PIECE: usize = 16 << 10;

/// The terminal of standard input in raw mode; as it was when this goes.
#[derive(Debug)]
pub(super) struct RawMode;

impl RawMode {
    /// Where standard input is no terminal, nothing changes.
    pub(super) fn enter() -> Self {
        if let Ok(before) = tcgetattr(stdin()) {
            ON_PANIC.call_once(|| {
                let usual = panic::take_hook();
                panic::set_hook(Box::new(move |told| {
                    restore();
                    usual(told);
                }));
            });
            let mut raw = before.clone();
            raw.make_raw();
            if let Ok(mut saved) = BEFORE.lock() {
                *saved = Some(before);
            }
            let _ = tcsetattr(stdin(), OptionalActions::Now, &raw); // it goes on as it is
        }
        Self
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        restore();
    }
}

/// Puts the terminal back as it was; what is so already stays, and so does one that is somebody else's now: who runs in the background
/// and changes it is stopped (SIGTTOU), and would never end.
pub(crate) fn restore() {
    // Whoever holds it is about to do the same.
    if let Ok(mut saved) = BEFORE.try_lock()
        && let Some(before) = saved.take()
        && tcgetpgrp(stdin()).is_ok_and(|group| group == getpgrp())
    {
        let _ = tcsetattr(stdin(), OptionalActions::Now, &before); // it may be gone
    }
}

/// Whether standard input is a terminal.
pub(crate) fn is_here() -> bool {
    isatty(stdin())
}

/// What TERM says of it; empty: nothing.
pub(super) fn kind() -> String {
    env::var("TERM").unwrap_or_default()
}

/// How large it is.
pub(super) fn size() -> WindowSize {
    let size = tcgetwinsize(stdout()).or_else(|_| tcgetwinsize(stdin()));
    size.map_or_else(|_| WindowSize::default(), |size| WindowSize { columns: size.ws_col, rows: size.ws_row })
}

/// Passes on what is typed, and each new size of the terminal, on threads of their own that end with the process.
pub(super) fn pass_on(to: SyncSender<ExecInput>, has_terminal: bool) {
    if has_terminal && let Ok(mut signals) = Signals::new([SIGWINCH]) {
        let to = to.clone();
        thread::spawn(move || {
            for _ in signals.forever() {
                if to.send(ExecInput::Resize(size())).is_err() {
                    return;
                }
            }
        });
    }
    thread::spawn(move || {
        let mut buffer = vec![0; PIECE];
        let mut from = io::stdin();
        loop {
            let length = match from.read(&mut buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => 0, // a terminal that is gone has ended
            };
            let piece = buffer.get(..length).unwrap_or_default();
            if to.send(ExecInput::read(piece)).is_err() || length == 0 {
                return;
            }
        }
    });
}

/// Writes what a command printed, as it was printed.
pub(super) fn write(stream: Stream, bytes: &[u8]) -> io::Result<()> {
    let write = |to: &mut dyn Write| to.write_all(bytes).and_then(|()| to.flush());
    match stream {
        Stream::Out => write(&mut io::stdout().lock()),
        Stream::Err => write(&mut io::stderr().lock()),
    }
}
