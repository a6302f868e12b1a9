//! Requests from logs and from what `cfdot` printed: the road's first stretch.
//!
//! Of old the stager and nsync write each request into their log when they are patched (`examples/patches`); today `cfdot` prints
//! them. This room finds the newest one, of an app or of all, and lists what there is. A request takes this way:
//!
//! - `log_file`, `rotated`: which files. `source`: one of them, opened; `kept`: a pipe, so that it can be read twice; `part`: a
//!   piece of a file.
//! - `unpacked`: gzip, archives, UTF-16 → bytes. `backwards`, `forwards`: bytes → lines. `unwrap`, `assemble`: lines → records.
//! - `forms`: a record → the requests in it, with their times. `reader`: all of this, and what was wrong.
//! - `about`: which app a request is for. `word`: the same among bytes. `meaning`: which of several is meant.
//! - `find`: the newest request. `history`: all requests, `contents`: what is in each. `run_action`: a piece of one.
//! - `dependencies`: the staging requests that bring in a dependency.
//! - `request`: what is found. `request_file`: a request from a file of its own.

mod about;
mod assemble;
mod backwards;
mod contents;
mod dependencies;
mod error;
mod find;
mod forms;
mod forwards;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzed;
pub(crate) mod history;
mod kept;
mod log_file;
mod meaning;
mod part;
mod reader;
mod request;
mod request_file;
mod rotated;
pub(crate) mod run_action;
mod source;
mod unpacked;
mod unwrap;
mod word;

pub(crate) use contents::Contents;
pub(crate) use error::{Candidate, RequestError};
pub(crate) use log_file::LogOptions;
pub(crate) use meaning::Process;
pub(crate) use request::{Request, RequestKind};

use crate::app_ref::AppRef;
use std::path::Path;

/// The newest request of a kind; `app` as the user typed it, `None`: of all apps. Of launch requests web's is meant.
pub(crate) fn newest(kind: RequestKind, app: Option<&AppRef>, logs: &LogOptions) -> Result<Request, RequestError> {
    find::newest(kind, app, Process::Usual, logs)
}

/// The staging request in the file that was typed, else the newest of the app: see [`from_file`] and [`newest`].
pub(crate) fn staging(typed: Option<&Path>, app: Option<&AppRef>, logs: &LogOptions) -> Result<Request, RequestError> {
    match typed {
        Some(file) => from_file(file, RequestKind::Staging),
        None => newest(RequestKind::Staging, app, logs),
    }
}

/// The newest launch request of a process of an app; `None`: of the app with the newest one.
pub(crate) fn newest_of_process(
    app: Option<&AppRef>,
    process: Process<'_>,
    logs: &LogOptions,
) -> Result<Request, RequestError> {
    find::newest(RequestKind::Launch, app, process, logs)
}

/// The newest launch request of each process type of an app, web's first; never empty. The first has the warnings.
pub(crate) fn newest_of_each_process(app: Option<&AppRef>, logs: &LogOptions) -> Result<Vec<Request>, RequestError> {
    find::newest_of_each_process(app, logs)
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
