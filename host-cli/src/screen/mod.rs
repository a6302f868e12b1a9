//! Renders events: all that a user sees of a session. One stream, three renderings; which one is chosen here.

pub(crate) mod answer;
mod bars;
pub(crate) mod batch;
pub(crate) mod cache_table;
mod json;
mod plain;
#[cfg(test)]
pub(crate) mod recording;
mod summary;
pub(crate) mod table;

use crate::arguments::Output;
use shared_model::event::EventSink;
use std::io::{self, IsTerminal};
use std::sync::Arc;

/// Where a session's events go; every thread of it may say something.
pub(crate) type Screen = Arc<dyn EventSink + Send + Sync>;

/// For a command whose standard output is an answer: notes, warnings and failures only, on standard error.
pub(crate) fn trouble() -> Screen {
    Arc::new(plain::Trouble(plain::Plain::new(io::stdout(), io::stderr())))
}

/// The rendering for `output`; where the user has no wish, progress bars on a terminal and plain lines elsewhere.
pub(crate) fn screen(output: Option<Output>) -> Screen {
    let plain = || plain::Plain::new(io::stdout(), io::stderr());
    match form(output) {
        Form::Json => Arc::new(json::Json::new(io::stdout())),
        Form::Bars => Arc::new(bars::Bars::new(plain())),
        Form::Plain => Arc::new(plain()),
    }
}

enum Form {
    Plain,
    Bars,
    Json,
}

fn form(output: Option<Output>) -> Form {
    match output {
        Some(Output::Json) => Form::Json,
        None if io::stdout().is_terminal() && io::stderr().is_terminal() => Form::Bars,
        None | Some(Output::Plain) => Form::Plain,
    }
}

/// As [`screen`], all of it on standard error: for a session whose standard output is the answer itself.
pub(crate) fn beside_the_answer(output: Option<Output>) -> Screen {
    let plain = || plain::Plain::new(io::stderr(), io::stderr());
    match output {
        Some(Output::Json) => Arc::new(json::Json::new(io::stderr())),
        None if io::stderr().is_terminal() => Arc::new(bars::Bars::new(plain())),
        None | Some(Output::Plain) => Arc::new(plain()),
    }
}
