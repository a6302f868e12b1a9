//! A question on the terminal, before anything is drawn there.

use crate::arguments::Color;
use crate::screen::look::Look;
use std::io::{self, BufRead, IsTerminal, Write};

/// Whether somebody is there who can be asked: both standard input and standard error are terminals.
pub(crate) fn can_be_asked() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Whether the answer is yes. Anything else is no, and so is a terminal that gives none.
pub(crate) fn is_agreed(question: &str) -> bool {
    let look = Look::new(Color::default()).on_standard_error();
    answer(&look.sentence(question), &mut io::stdin().lock(), &mut io::stderr())
}

fn answer(question: &str, input: &mut dyn BufRead, output: &mut dyn Write) -> bool {
    let mut typed = String::new();
    let asked = write!(output, "{question} [y/N] ").and_then(|()| output.flush());
    let read = asked.and_then(|()| input.read_line(&mut typed));
    if matches!(read, Ok(0)) {
        let _ = writeln!(output); // What comes next stands on a line of its own; who hears nothing has said no.
    }
    read.is_ok() && ["y", "yes"].contains(&typed.trim().to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for (typed, agreed) in
            [("y\n", true), ("YES\n", true), (" y \n", true), ("\n", false), ("n\n", false), ("", false), ("yo", false)]
        {
            let mut shown = Vec::new();
            assert_eq!(answer("Replace it?", &mut typed.as_bytes(), &mut shown), agreed, "{typed:?}");
            assert!(shown.starts_with(b"Replace it? [y/N] "));
        }
    }
}
