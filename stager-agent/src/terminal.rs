//! The terminal that the agent may have been started on (`docker run -t`): whether a builder could open it. It has none of its
//! own (`build/session.rs`), but whoever owns a terminal's device can write there what no line of ours would show.

use crate::image_handoff::{Socket, SocketUser};
use rustix::fd::BorrowedFd;
use rustix::fs::fstat;
use rustix::stdio::{stderr, stdin, stdout};
use rustix::termios::isatty;

/// What is said before anything runs; `None`: there is no terminal that one of the `builders` could open.
pub(crate) fn warning(us: &SocketUser, builders: &[SocketUser]) -> Option<String> {
    let us = [us.clone()];
    // Whoever is not root runs programs as who it is.
    let builders = if us[0].uid == 0 { builders } else { &us };
    let open = [stdin(), stdout(), stderr()].into_iter().any(|stream| is_open_to(stream, builders));
    open.then(|| {
        "the terminal is open to the app's buildpacks, which can write there whatever they want; leave out `-t`, or let the \
         agent be root and the request's user another"
            .to_owned()
    })
}

fn is_open_to(stream: BorrowedFd, builders: &[SocketUser]) -> bool {
    let Some(device) = fstat(stream).ok().filter(|_| isatty(stream)) else { return false };
    let device = Socket { uid: device.st_uid, gid: device.st_gid, mode: device.st_mode };
    builders.iter().any(|builder| device.opens_to(builder))
}
