//! Renders events: all that a user sees of a session. One stream, several renderings; which one is chosen here.
//!
//! - `rows`: the usual one, with `headings`, `transfers`, `apps`; `told`: every event's own line (`--verbose`); `quiet`.
//! - `lines` writes what these say, `bars` and `app_rows` draw below it on a terminal, `json` is for programs.

pub(crate) mod answer;
pub(crate) mod app_events;
pub(crate) mod app_life;
mod app_rows;
pub(crate) mod app_variables;
mod apps;
mod bars;
pub(crate) mod batch;
pub(crate) mod cache_table;
pub(crate) mod cell;
mod headings;
mod json;
mod lines;
pub(crate) mod log_lines;
mod look;
pub(crate) mod question;
mod quiet;
#[cfg(test)]
pub(crate) mod recording;
mod rows;
pub(crate) mod rows_json;
pub(crate) mod running_apps;
pub(crate) mod table;
pub(crate) mod tasks;
mod told;
mod transfers;
mod trouble;

use crate::arguments::{Output, ScreenOptions};
use lines::{Lines, Streams, Teller};
pub(crate) use look::Look;
use shared_model::event::EventSink;
use std::io::{self, IsTerminal};
use std::sync::Arc;

/// Where a session's events go; every thread of it may say something.
pub(crate) type Screen = Arc<dyn EventSink + Send + Sync>;

/// For a command whose standard output is an answer: notes, warnings and failures only, on standard error.
pub(crate) fn trouble() -> Screen {
    let streams = Streams::standard_error(Look::new(ScreenOptions::default().color));
    Arc::new(Lines::new(streams, trouble::Trouble))
}

/// The rendering that was asked for.
pub(crate) fn screen(options: ScreenOptions) -> Screen {
    if options.output == Some(Output::Json) {
        return Arc::new(json::Json::new(io::stdout()));
    }
    text(options, Streams::standard(Look::new(options.color)), io::stdout().is_terminal())
}

/// The rendering for a command that says what it downloads in the original's words.
pub(crate) fn in_the_originals_words(options: ScreenOptions) -> Screen {
    screen(ScreenOptions { verbose: true, ..options })
}

/// As [`screen`], all of it on standard error: for a session whose standard output is the answer itself.
pub(crate) fn beside_the_answer(options: ScreenOptions) -> Screen {
    if options.output == Some(Output::Json) {
        return Arc::new(json::Json::new(io::stderr()));
    }
    text(options, Streams::standard_error(Look::new(options.color)), true)
}

/// Text; what is under way is drawn below it where both streams are terminals.
fn text(options: ScreenOptions, streams: Streams, out_is_terminal: bool) -> Screen {
    let look = streams.look;
    let lines = Lines::new(streams, teller(options, look));
    if is_live(options) && out_is_terminal { Arc::new(bars::Bars::new(look, lines)) } else { Arc::new(lines) }
}

/// Whether what is under way is drawn.
fn is_live(options: ScreenOptions) -> bool {
    options.output.is_none() && !options.quiet && io::stderr().is_terminal()
}

/// Who tells a session that way.
fn teller(options: ScreenOptions, look: Look) -> Box<dyn Teller> {
    match options {
        ScreenOptions { quiet: true, .. } => Box::new(quiet::Quiet::default()),
        ScreenOptions { verbose: true, .. } => Box::new(told::Verbose::new(look)),
        _ => Box::new(rows::Rows::new(look)),
    }
}
