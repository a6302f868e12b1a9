//! Requests from the logs: the road's first stretch.
//!
//! The stager and nsync write each request into their log when they are patched (`examples/patches`). This room finds
//! the newest one, of an app or of all, prints it and lists what there is.
//!
//! - `places`: which files. `source`: one file's lines, from its end, or forwards where it is compressed or a pipe.
//! - `log_line`: one line → a request with its time. `about`: which app a request is for.
//! - `find`: the newest request. `run_action`: a piece of it. `history`: all requests, `contents`: what is in each.
//! - `every`: the staging requests that bring in a dependency.
//! - `print`, `list`, `link`: the commands. `request_file`: a request from a file of its own.

mod about;
mod backwards;
mod contents;
mod error;
mod every;
mod find;
mod forwards;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzed;
mod history;
pub(crate) mod link;
pub(crate) mod list;
mod log_line;
mod nearest;
mod places;
pub(crate) mod print;
mod request_file;
mod run_action;
mod source;

pub(crate) use error::{Bearer, RequestError};

use crate::app_ref::AppRef;
use crate::arguments::LogOptions;
use jiff::Timestamp;
use shared_model::application::Application;
use std::fmt;
use std::path::Path;

/// Which of the two requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The stager's `taskDefinition`.
    Staging,
    /// nsync's `desiredLRP`.
    Launch,
}

/// A request as it was logged.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// Which of the two.
    pub(crate) kind: Kind,
    /// The request's JSON, byte for byte as it stands in the log. It holds secrets, so `Debug` leaves it out.
    pub(crate) document: String,
    /// When it was logged; `None` for one that comes from a file of its own, or from a line without a time.
    pub(crate) time: Option<Timestamp>,
    /// The staging guid beside a staging request in its log line.
    pub(crate) staging_guid: Option<String>,
    /// Whose it is; fields may be empty.
    pub(crate) application: Application,
    /// What the user should know about the search: `….log.2.gz: damaged, read up to there`. Mostly empty.
    pub(crate) warnings: Vec<String>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("kind", &self.kind)
            .field("time", &self.time)
            .field("staging_guid", &self.staging_guid)
            .field("application", &self.application)
            .finish_non_exhaustive()
    }
}

/// The newest request of a kind in the logs; `app` as the user typed it, `None`: of all apps.
pub(crate) fn newest(kind: Kind, app: Option<&AppRef>, logs: &LogOptions) -> Result<Request, RequestError> {
    find::newest(kind, app, logs)
}

pub(crate) use history::names_hide_a_guid;

/// The staging requests of the logs that name a dependency which no newer one names, the newest first; never empty. The
/// first carries the warnings of the reading.
pub(crate) fn every_staging(logs: &LogOptions) -> Result<Vec<Request>, RequestError> {
    every::read(logs)
}

/// Every app with a staging request in the logs, as commands take it, the one with the newest request first; never empty.
pub(crate) fn all_staged_apps(logs: &LogOptions) -> Result<Vec<AppRef>, RequestError> {
    history::staged_apps(logs)
}

/// The dependencies that are worth keeping, as pairs of cache key and redacted URL; empty for an odd request.
pub(crate) use every::dependencies;

/// A request from a file of its own (`build_req > FILE`); `-` is standard input. What is in it is not judged here:
/// [`shared_model::validate`] does that.
pub(crate) fn from_file(path: &Path, kind: Kind) -> Result<Request, RequestError> {
    request_file::read(path, kind)
}
