//! Tells lines that a builder prints from lines of ours.

use super::escape::{Colours, colour_length, escaped};
use crate::event::Step;
use std::borrow::Cow;

/// The head of a line of our own; the rest is the builder's.
pub const HEAD: &str = "======>";
/// How other lines of ours begin, perhaps set in.
const BEGINNINGS: [&str; 4] = ["warning:", "error:", "try:", "note:"];
/// Behind what of ours stands a command that people type.
const COMMANDS: [&str; 2] = ["Next:", "Look inside:"];

/// How a line of an app's log is told from others: whose it is.
const SOURCES: [&str; 2] = ["[APP/", "[STG/"];

/// What stands before a step's name when the step is done, and what does so where a terminal shows ASCII only.
pub const DONE: [&str; 2] = ["✓", "[ok]"];
/// The same for a step that failed.
pub const FAILED: [&str; 2] = ["✗", "[fail]"];
/// The same for a step that was left out.
pub const SKIPPED: [&str; 2] = ["○", "[skip]"];
/// Marks that look like those.
const ALIKE: [&str; 2] = ["✔", "✘"];
/// What stands in foreign text before what looks like ours.
const MARK: char = '\\';
/// Digits of the largest character.
const LONGEST_NUMBER: usize = 6;

/// Foreign text made harmless and told from ours: [`escape_control`](super::escape_control), but colours pass. A [`MARK`] stands
/// before each of our heads, of the marks that a step's name follows, of what a command follows, and of the source of a log's line,
/// wherever the terminal may wrap, and before one of our beginnings at the start of the line, whatever invisible text is in front of it. A marked line has no colours, which could hide
/// the mark.
pub(super) fn mark_foreign(text: &str) -> Cow<'_, str> {
    let shown = escaped(text, Colours::Pass);
    let bare = without_colours(&shown);
    let begins = bare.len() - after_blanks(&bare).len();
    let beginning = BEGINNINGS.iter().any(|ours| bare[begins..].starts_with(ours)).then_some(begins);
    let heads =
        COMMANDS.into_iter().chain(SOURCES).chain([HEAD]).flat_map(|ours| bare.match_indices(ours).map(|(at, _)| at));
    let mut ours: Vec<usize> = heads.chain(rows(&bare)).chain(beginning).collect();
    if ours.is_empty() {
        return shown;
    }
    ours.sort_unstable();
    ours.dedup();
    let mut marked = bare;
    for at in ours.into_iter().rev() {
        marked.insert(at, MARK);
    }
    marked.into()
}

/// Where a mark stands that a step's name follows.
fn rows(bare: &str) -> impl Iterator<Item = usize> {
    let marks = DONE.into_iter().chain(FAILED).chain(SKIPPED).chain(ALIKE);
    let found = marks.flat_map(|mark| bare.match_indices(mark).map(|(at, mark)| (at, &bare[at + mark.len()..])));
    found
        .filter(|(_, behind)| Step::ALL.iter().any(|step| after_blanks(behind).starts_with(step.name())))
        .map(|(at, _)| at)
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
