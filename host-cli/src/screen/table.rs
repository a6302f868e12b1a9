//! How wide a table may be.

use rustix::termios::tcgetwinsize;
use std::io::{self, IsTerminal};

/// Characters that fit into a line of the terminal that standard output is; `None` where it is none.
pub(crate) fn terminal_width() -> Option<usize> {
    let out = io::stdout();
    let size = out.is_terminal().then(|| tcgetwinsize(&out).ok()).flatten()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}
