//! Tells lines that a builder prints from lines of ours.

use super::escape::{Colours, colour_length, escaped};
use std::borrow::Cow;

/// The head of a line of our own; the rest is the builder's.
pub(super) const HEAD: &str = "======>";
/// How other lines of ours begin, perhaps set in.
const BEGINNINGS: [&str; 3] = ["warning:", "error:", "try:"];
/// What stands in foreign text before what looks like ours.
const MARK: char = '\\';
/// Digits of the largest character.
const LONGEST_NUMBER: usize = 6;

/// Foreign text made harmless and told from ours: [`escape_control`](super::escape_control), but colours pass. A [`MARK`] stands
/// before each of our heads, wherever the terminal may wrap, and before one of our beginnings at the start of the line, whatever
/// invisible text is in front of it. A marked line has no colours, which could hide the mark.
pub(super) fn mark_foreign(text: &str) -> Cow<'_, str> {
    let shown = escaped(text, Colours::Pass);
    let bare = without_colours(&shown);
    let begins = bare.len() - after_blanks(&bare).len();
    let is_ours = BEGINNINGS.iter().any(|ours| bare[begins..].starts_with(ours));
    if !is_ours && !bare.contains(HEAD) {
        return shown;
    }
    let mut marked = bare.replace(HEAD, &format!("{MARK}{HEAD}"));
    if is_ours {
        marked.insert(begins, MARK);
    }
    marked.into()
}

fn without_colours(shown: &str) -> String {
    let (mut bare, mut rest) = (String::with_capacity(shown.len()), shown);
    while let Some(at) = rest.find('\u{1b}') {
        bare.push_str(&rest[..at]);
        // Only colours are left of what begins so.
        rest = &rest[at + colour_length(&rest[at..]).unwrap_or(1)..];
    }
    bare + rest
}

/// `shown` without white space and escaped characters in front, which a terminal may not show. Takes no memory, however much of
/// that there is.
fn after_blanks(shown: &str) -> &str {
    let mut rest = shown.trim_start();
    while let Some(behind) = after_escape(rest) {
        rest = behind.trim_start();
    }
    rest
}

/// What stands behind the escape that `shown` begins with; `None`: it begins with none.
fn after_escape(shown: &str) -> Option<&str> {
    if let Some(rest) = ["\\r", "\\n", "\\t"].iter().find_map(|escape| shown.strip_prefix(escape)) {
        return Some(rest);
    }
    let (number, rest) = shown.strip_prefix("\\u{")?.split_once('}')?;
    (number.len() <= LONGEST_NUMBER && number.chars().all(|c| c.is_ascii_hexdigit())).then_some(rest)
}
