//! What can go wrong on the way to a request, and what to try then. All of it ends with exit code 3.

use super::log_file::LogFile;
use super::request::RequestKind;
use jiff::Timestamp;
use shared_model::application::Application;
use shared_model::plain_line::escape_control;
use std::fmt::Write;
use std::io;
use std::path::PathBuf;

/// No request could be had. Texts hold names from the logs; they have been made harmless.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestError {
    /// There are no logs.
    #[error("no log of {} was found{}", writers(kinds), in_folders(looked))]
    NoLogs { kinds: Vec<RequestKind>, looked: Vec<PathBuf> },
    /// A file could not be read.
    #[error("cannot read {log_file}: {reason}")]
    Unreadable { log_file: String, reason: String },
    /// There are logs without requests.
    #[error("no {} in {}{}", nouns(kinds), summary(searched), after(warnings))]
    NoRequests { kinds: Vec<RequestKind>, searched: Vec<LogFile>, warnings: Vec<String> },
    /// There are requests, but not of this app.
    #[error("no {} of an app `{}` in the logs{}", nouns(kinds), escape_control(app), after(warnings))]
    NoSuchApp { kinds: Vec<RequestKind>, app: String, nearest: Vec<String>, warnings: Vec<String> },
    /// The user's word means several apps.
    #[error("{} apps answer to `{}`:{}", candidates.len(), escape_control(app), lines(candidates))]
    Ambiguous { app: String, candidates: Vec<Candidate> },
    /// The request has no such run action.
    #[error("the request has no run action of a {program}")]
    NoRun { program: &'static str },
}

/// An app that answers to the user's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Its guid.
    pub(crate) guid: String,
    /// Its space's name, else its space's guid, else empty.
    pub(crate) space: String,
    /// When its newest request was logged.
    pub(crate) time: Option<Timestamp>,
}

impl Candidate {
    /// An app whose requests' times are still to come.
    pub(crate) fn new(application: &Application) -> Self {
        let space = if application.space_name.is_empty() { &application.space_guid } else { &application.space_name };
        Self { guid: application.guid.clone(), space: space.clone(), time: None }
    }
}

impl RequestError {
    /// A place that cannot be opened or read.
    pub(super) fn unreadable(log_file: &LogFile, error: &io::Error) -> Self {
        Self::Unreadable { log_file: log_file.to_string(), reason: error.to_string() }
    }

    /// `others` are the apps that there are; the names that are most like `app` are what the user may have meant.
    pub(super) fn no_such_app(
        kinds: Vec<RequestKind>,
        app: &str,
        others: impl IntoIterator<Item = String>,
        warnings: Vec<String>,
    ) -> Self {
        const MOST: usize = 3;
        let mut nearest: Vec<String> = others.into_iter().filter(|name| !name.is_empty()).collect();
        nearest.sort_by(|one, other| strsim::jaro_winkler(app, other).total_cmp(&strsim::jaro_winkler(app, one)));
        nearest.truncate(MOST);
        Self::NoSuchApp { kinds, app: app.to_owned(), nearest, warnings }
    }

    /// What to try; empty where nothing can be advised.
    pub(crate) fn advice(&self) -> String {
        match self {
            Self::NoLogs { .. } => {
                "name the folder with --logs DIR, or the files with --stager-log FILE and --nsync-log FILE".to_owned()
            }
            Self::Unreadable { .. } | Self::NoRun { .. } => String::new(),
            Self::NoRequests { kinds, .. } => format!(
                "push an app; {} writes its requests into the log only with the patch in examples/patches{}",
                writers(kinds),
                if kinds.contains(&RequestKind::Staging) { ", and none for a docker app" } else { "" }
            ),
            Self::NoSuchApp { kinds, nearest, .. } => {
                let known =
                    if nearest.is_empty() { String::new() } else { format!("the nearest: {}; ", listed(nearest)) };
                let desired = if kinds == &[RequestKind::Launch] {
                    "; nsync logs a launch request only for a new version of an app (`cf restage` makes one)"
                } else {
                    ""
                };
                format!("{known}`host-cli requests` lists all that there are{desired}")
            }
            // A whole guid is one app's, whatever others are called.
            Self::Ambiguous { candidates, .. } if candidates.iter().all(|candidate| !candidate.guid.is_empty()) => {
                "give the guid; or its first 8 characters or more, where no other begins so".to_owned()
            }
            Self::Ambiguous { .. } => {
                "give the guid; one of these requests has none, and is reached by its process or staging guid, which \
                 `host-cli requests --output json` tells"
                    .to_owned()
            }
        }
    }
}

fn writers(kinds: &[RequestKind]) -> &'static str {
    match kinds {
        [RequestKind::Staging] => "the stager",
        [RequestKind::Launch] => "nsync",
        _ => "the stager or nsync",
    }
}

fn nouns(kinds: &[RequestKind]) -> &'static str {
    match kinds {
        [RequestKind::Staging] => "staging request",
        [RequestKind::Launch] => "launch request",
        _ => "request",
    }
}

fn in_folders(folders: &[PathBuf]) -> String {
    if folders.is_empty() {
        return ": there is no HOME to look in".to_owned();
    }
    let folders: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    format!(" in {}", folders.join(" or "))
}

fn summary(searched: &[LogFile]) -> String {
    const SHOWN: usize = 2;
    let shown: Vec<String> = searched.iter().take(SHOWN).map(ToString::to_string).collect();
    match searched.len().saturating_sub(SHOWN) {
        0 => shown.join(" and "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| escape_control(name)).collect::<Vec<_>>().join(", ")
}

fn after(warnings: &[String]) -> String {
    warnings.iter().fold(String::new(), |all, warning| all + "\n  " + warning)
}

fn lines(candidates: &[Candidate]) -> String {
    candidates.iter().fold(String::new(), |mut all, Candidate { guid, space, time }| {
        let space = if space.is_empty() { "unknown" } else { space };
        let time = time.map_or_else(|| "at an unknown time".to_owned(), |time| format!("at {time:.0}"));
        let _ = write!(all, "\n  {}  in space {}, last {time}", escape_control(guid), escape_control(space)); // a String takes everything
        all
    })
}
