//! Requests from the logs: the road's first stretch.
//!
//! The stager and nsync write each request into their log when they are patched (`examples/patches`). This room finds
//! the newest one, of an app or of all, and lists what there is.
//!
//! - `log_file`: which files. `source`: one file's lines, from its end, or forwards where it is compressed or a pipe.
//! - `log_line`: one line → a request with its time. `about`: which app a request is for.
//! - `find`: the newest request. `run_action`: a piece of it. `history`: all requests, `contents`: what is in each.
//! - `dependencies`: the staging requests that bring in a dependency.
//! - `request`: what is found. `request_file`: a request from a file of its own.

mod about;
mod backwards;
mod contents;
mod dependencies;
mod error;
mod find;
mod forwards;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzed;
pub(crate) mod history;
mod log_file;
mod log_line;
mod request;
mod request_file;
pub(crate) mod run_action;
mod source;

pub(crate) use error::{Candidate, RequestError};
pub(crate) use log_file::LogOptions;
pub(crate) use request::{Request, RequestKind};

use crate::app_ref::AppRef;
use std::path::Path;

/// The newest request of a kind in the logs; `app` as the user typed it, `None`: of all apps.
pub(crate) fn newest(kind: RequestKind, app: Option<&AppRef>, logs: &LogOptions) -> Result<Request, RequestError> {
    find::newest(kind, app, logs)
}

pub(crate) use history::names_hide_a_guid;

/// The staging requests of the logs that name a dependency which no newer one names, the newest first; never empty. The
/// first carries the warnings of the reading.
pub(crate) fn every_staging(logs: &LogOptions) -> Result<Vec<Request>, RequestError> {
    dependencies::read(logs)
}

/// Every app with a staging request in the logs, as commands take it, the one with the newest request first; never empty.
pub(crate) fn all_staged_apps(logs: &LogOptions) -> Result<Vec<AppRef>, RequestError> {
    history::staged_apps(logs)
}

/// The dependencies that are worth keeping, as pairs of cache key and redacted URL; empty for an odd request.
pub(crate) use dependencies::dependencies;

/// A request from a file of its own (`build_req > FILE`); `-` is standard input. What is in it is not judged here:
/// [`shared_model::validate`] does that.
pub(crate) fn from_file(path: &Path, kind: RequestKind) -> Result<Request, RequestError> {
    request_file::read(path, kind)
}
