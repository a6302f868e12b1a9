//! Makes text that may come from anybody harmless for a terminal.

use crate::unseen::is_unseen;
use std::borrow::Cow;

/// What ends every colour.
const PLAIN: &str = "\u{1b}[0m";

/// Foreign text made harmless for a terminal: control characters, and those that nobody sees ([`is_unseen`]), are shown escaped
/// (`\u{7}`); tabs pass. Colours do not: one of them conceals what is behind it, such as the rest of a name.
#[must_use]
pub fn escape_control(text: &str) -> Cow<'_, str> {
    escaped(text, Colours::Escaped)
}

/// Whether colours (`ESC [ … m`) are shown as such.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Colours {
    /// They pass, and end with the text: what follows is ours, and must not be hidden.
    Pass,
    /// They are shown as any other control character.
    Escaped,
}

pub(super) fn escaped(text: &str, colours: Colours) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte == b'\t' || byte == b' ' || byte.is_ascii_graphic(); // most lines, and faster
    if text.bytes().all(is_plain) || !text.chars().any(needs_escape) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let (mut rest, mut coloured) = (text, false);
    while let Some(character) = rest.chars().next() {
        if let Some(length) = colour_length(rest).filter(|_| colours == Colours::Pass) {
            let colour = &rest[..length];
            coloured = ![PLAIN, "\u{1b}[m"].contains(&colour);
            shown.push_str(colour);
            rest = &rest[length..];
            continue;
        }
        if needs_escape(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
        rest = &rest[character.len_utf8()..];
    }
    if coloured {
        shown.push_str(PLAIN);
    }
    Cow::Owned(shown)
}

/// As [`escape_control`], for what stands beside other things in a line, as in a table: no tabs, nothing that moves
/// what comes behind it.
#[must_use]
pub fn escape_control_in_line(text: &str) -> String {
    escape_control(&text.replace('\t', " ")).into_owned()
}

/// As [`escape_control`], but line ends stay: for texts of our own that hold several lines. Lines behind the first are set in,
/// so that a text that came from a container cannot pass for a line of ours.
pub(super) fn escape_control_lines(text: &str) -> String {
    text.lines().map(escape_control).collect::<Vec<_>>().join("\n  ")
}

fn needs_escape(character: char) -> bool {
    is_unseen(character) || (character.is_control() && character != '\t')
}

/// The bytes of the colour sequence at the start of `text`: `ESC [`, digits and semicolons, `m`.
pub(super) fn colour_length(text: &str) -> Option<usize> {
    let inside = text.strip_prefix("\u{1b}[")?;
    let end = inside.find(|c: char| !(c.is_ascii_digit() || c == ';'))?;
    inside[end..].starts_with('m').then_some("\u{1b}[".len() + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_builders_colours_pass_and_everything_else_that_moves_the_cursor_or_hides_is_shown() {
        let keeping_colours = |text| escaped(text, Colours::Pass);
        assert_eq!(keeping_colours("\u{1b}[1;31mred\u{1b}[0m\tok"), "\u{1b}[1;31mred\u{1b}[0m\tok");
        for shown in [keeping_colours("\u{1b}[2Jgone\u{7}\r"), escape_control("\u{1b}[2Jgone\u{7}\r")] {
            assert_eq!(shown, "\\u{1b}[2Jgone\\u{7}\\r");
        }
        assert_eq!(escape_control("evil\u{1b}[8m-twin"), "evil\\u{1b}[8m-twin");
        assert_eq!(escape_control("\u{202e}evil"), "\\u{202e}evil");
    }

    #[test]
    fn beside_other_things_a_text_has_no_colours_and_no_tabs() {
        assert_eq!(escape_control_in_line("a\tb\u{1b}[31mc\u{200b}\n"), "a b\\u{1b}[31mc\\u{200b}\\n");
    }

    #[test]
    fn what_nobody_sees_is_shown() {
        for (text, shown) in [
            ("pay\u{200b}ments", "pay\\u{200b}ments"),
            ("a\u{e0062}\u{e007f}", "a\\u{e0062}\\u{e007f}"),
            ("👩\u{200d}💻 ❤\u{fe0f}", "👩\\u{200d}💻 ❤\\u{fe0f}"),
            ("\u{3164}\u{115f}\u{ad}\u{feff}\u{2028}", "\\u{3164}\\u{115f}\\u{ad}\\u{feff}\\u{2028}"),
        ] {
            assert_eq!(escape_control(text), shown);
        }
    }

    #[test]
    fn colours_end_with_the_text_so_that_they_cannot_hide_what_follows() {
        for (text, shown) in [
            ("\u{1b}[8mhidden", "\u{1b}[8mhidden\u{1b}[0m"),
            ("\u{1b}[0m\u{1b}[30;40m", "\u{1b}[0m\u{1b}[30;40m\u{1b}[0m"),
            ("\u{1b}[1mbold\u{1b}[m", "\u{1b}[1mbold\u{1b}[m"),
        ] {
            assert_eq!(escaped(text, Colours::Pass), shown);
            assert_eq!(escaped(shown, Colours::Pass), shown);
        }
    }
}
