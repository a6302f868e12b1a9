//! What can go wrong on the way to a request, and what to try then. All of it ends with exit code 3.

use super::log_file::{LogFile, LogOptions};
use super::request::RequestKind;
use jiff::Timestamp;
use shared_model::application::Application;
use shared_model::names::{listed, shortened};
use shared_model::nearest::nearest;
use shared_model::plain_line::escape_control;
use std::fmt::Write;
use std::io;
use std::path::PathBuf;

/// What became of a reading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Lines, or objects over several lines, that were looked at.
    pub(crate) records: u64,
    /// What the user should know; one line each.
    pub(crate) warnings: Vec<String>,
}

/// No request could be had. Texts hold names from the logs; they have been made harmless.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestError {
    /// There are no logs.
    #[error("found no log of {}{}", writers(kinds), in_folders(looked))]
    NoLogs { kinds: Vec<RequestKind>, looked: Vec<PathBuf> },
    /// `--from` names only folders without files.
    #[error("found no file{}", in_folders(looked))]
    NoFiles { looked: Vec<PathBuf> },
    /// A file could not be read.
    #[error("cannot read {log_file}: {reason}")]
    Unreadable { log_file: String, reason: String },
    /// There are logs without requests.
    #[error("no {} in {}{}{}", nouns(kinds), summary(searched), passed(searched, *records), after(warnings))]
    NoRequests { kinds: Vec<RequestKind>, searched: Vec<LogFile>, records: u64, is_from: bool, warnings: Vec<String> },
    /// There are requests, but not of this app.
    #[error("no {} for app \"{}\"{}{}", nouns(kinds), escape_control(app), meant(nearest.as_ref()), after(warnings))]
    NoSuchApp { kinds: Vec<RequestKind>, app: String, nearest: Option<String>, is_from: bool, warnings: Vec<String> },
    /// The user's word means several apps.
    #[error("\"{}\" means {} apps:{}", escape_control(app), candidates.len(), lines(candidates))]
    Ambiguous { app: String, candidates: Vec<Candidate> },
    /// The app has launch requests, but none of this process type, nor of web.
    #[error(
        "app \"{}\" has no launch request of process type \"{}\"; it has {}",
        escape_control(app),
        escape_control(wanted),
        escape_control(&listed(known))
    )]
    NoProcess { app: String, wanted: String, known: Vec<String> },
    /// The request has no such run action.
    #[error("the request runs no {program}")]
    NoRun { program: &'static str },
}

/// An app that answers to the user's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Its guid.
    pub(crate) guid: String,
    /// Its name, which its owner chose.
    pub(crate) name: String,
    /// Its space's name, else its space's guid, else empty.
    pub(crate) space: String,
    /// Its space's guid; empty where nothing says it.
    pub(crate) space_guid: String,
    /// When its newest request was logged, or its newest image was tagged.
    pub(crate) time: Option<Timestamp>,
}

impl Candidate {
    /// An app whose requests' times are still to come.
    pub(crate) fn new(application: &Application) -> Self {
        let space = if application.space_name.is_empty() { &application.space_guid } else { &application.space_name };
        Self {
            guid: application.guid.clone(),
            name: application.name.clone(),
            space: space.clone(),
            space_guid: application.space_guid.clone(),
            time: None,
        }
    }

    /// Whether it is called so.
    pub(super) fn has_name(&self, name: &str) -> bool {
        self.name == name
    }

    /// Whether both are known to be in one space, and called alike.
    pub(super) fn is_in_the_space_of(&self, other: &Self) -> bool {
        !self.space_guid.is_empty() && self.space_guid == other.space_guid && self.name == other.name
    }
}

impl RequestError {
    /// A place that cannot be opened or read.
    pub(super) fn unreadable(log_file: &LogFile, error: &io::Error) -> Self {
        Self::Unreadable { log_file: log_file.to_string(), reason: error.to_string() }
    }

    /// There is no place to look into.
    pub(super) fn no_logs(kinds: Vec<RequestKind>, looked: Vec<PathBuf>, logs: &LogOptions) -> Self {
        if logs.is_from_only() { Self::NoFiles { looked } } else { Self::NoLogs { kinds, looked } }
    }

    /// There is nothing in the places.
    pub(super) fn none(kinds: Vec<RequestKind>, searched: Vec<LogFile>, reader: Reading, logs: &LogOptions) -> Self {
        let Reading { records, warnings } = reader;
        Self::NoRequests { kinds, searched, records, is_from: logs.is_from_only(), warnings }
    }

    /// `others` are the apps that there are; one with a name much like `app` is what the user may have meant.
    pub(super) fn no_such_app(
        kinds: Vec<RequestKind>,
        app: &str,
        others: impl IntoIterator<Item = String>,
        logs: &LogOptions,
        warnings: Vec<String>,
    ) -> Self {
        let others: Vec<String> = others.into_iter().filter(|name| !name.is_empty()).collect();
        let nearest = nearest(app, others.iter().map(String::as_str)).map(str::to_owned);
        Self::NoSuchApp { kinds, app: app.to_owned(), nearest, is_from: logs.is_from_only(), warnings }
    }

    /// What to try; empty where nothing can be advised.
    pub(crate) fn advice(&self) -> String {
        match self {
            Self::NoLogs { .. } => {
                "--from FILE takes what cfdot printed; name the folder with --logs DIR or STAGER_LOGS where a cc-bridge logs"
                    .to_owned()
            }
            Self::Unreadable { .. } => {
                "name a file that exists and that you may read; - reads standard input".to_owned()
            }
            Self::NoProcess { .. } => {
                "choose one of these with --process; `host-cli launch --all-processes` starts them all".to_owned()
            }
            Self::NoRun { .. } => "`host-cli requests` lists the requests; a docker app's has none".to_owned(),
            Self::NoFiles { .. } => "name a file, a folder with files in it, or - for standard input".to_owned(),
            Self::NoRequests { is_from: true, records: 0, .. } => "look whether the command in front failed".to_owned(),
            Self::NoRequests { kinds, is_from: true, .. } if kinds.len() > 1 => {
                "requests are what `cfdot tasks`, `task-events`, `desired-lrps` and `lrp-events` print; where the shell finds no \
                 cfdot, put `. /etc/profile.d/cfdot.sh;` in front"
                    .to_owned()
            }
            Self::NoRequests { kinds, is_from: true, .. } if !kinds.contains(&RequestKind::Launch) => {
                "`cfdot tasks` prints a staging only while it runs; `cfdot task-events` keeps printing them".to_owned()
            }
            Self::NoRequests { is_from: true, .. } => {
                "`cfdot desired-lrps` prints the launch requests of all apps that are started".to_owned()
            }
            Self::NoRequests { kinds, .. } => format!(
                "push an app; {} logs its requests only with the patch in examples/patches{}",
                writers(kinds),
                if kinds.contains(&RequestKind::Staging) { ", and none for a docker app" } else { "" }
            ),
            Self::NoSuchApp { kinds, app, is_from, .. } => {
                let start = if is_short_start(app) { "; the start of a guid needs 8 characters or more" } else { "" };
                let (list, seldom) = match (is_from, &kinds[..]) {
                    (true, [RequestKind::Launch]) => (" --from …", "; `cfdot desired-lrps` has only apps that are started"),
                    (true, [RequestKind::Staging]) => (" --from …", "; `cfdot tasks` has a staging only while it runs"),
                    (true, _) => (" --from …", ""),
                    (false, [RequestKind::Launch]) => {
                        ("", "; nsync logs a launch request only for a new version of an app (`cf restage` makes one)")
                    }
                    (false, _) => ("", ""),
                };
                format!("`host-cli requests{list}` lists all{start}{seldom}")
            }
            // A whole guid is one app's, whatever others are called.
            Self::Ambiguous { candidates, .. } if candidates.iter().all(|candidate| !candidate.guid.is_empty()) => {
                "give the guid, or enough of its start to tell them apart (8 characters or more)".to_owned()
            }
            Self::Ambiguous { .. } => {
                "give the guid; for the request without one give its process or staging guid, which \
                 `host-cli requests --output json` shows"
                    .to_owned()
            }
        }
    }
}

fn writers(kinds: &[RequestKind]) -> &'static str {
    match kinds {
        [RequestKind::Staging] => "CF's stager component",
        [RequestKind::Launch] => "nsync",
        _ => "CF's stager component or nsync",
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
        return ": HOME is not set".to_owned();
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

/// What there was instead.
fn passed(searched: &[LogFile], records: u64) -> String {
    match (searched.len(), records) {
        (0, _) => String::new(),
        (_, 0) => ": nothing is in it".to_owned(),
        (_, 1) => ": its one line is none".to_owned(),
        (_, records) => format!(": none of its {records} lines is one"),
    }
}

fn meant(nearest: Option<&String>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean \"{}\"?", escape_control(name)))
}

/// Whether it looks like the start of a guid that is too short to be taken for one.
fn is_short_start(word: &str) -> bool {
    (1..8).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn after(warnings: &[String]) -> String {
    warnings.iter().fold(String::new(), |all, warning| all + "\n  " + warning)
}

fn lines(candidates: &[Candidate]) -> String {
    const MOST: usize = 20;
    let more = candidates.len().saturating_sub(MOST);
    let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    candidates.iter().take(MOST).fold(String::new(), |mut all, Candidate { guid, space, time, .. }| {
        let guid = if guid.is_empty() { "(no guid)" } else { guid };
        let time = time.map_or_else(String::new, |time| format!("  {time:.0}"));
        let space =
            if space.is_empty() { String::new() } else { format!("  space {}", escape_control(&shortened(space))) };
        let _ = write!(all, "\n  {}{time}{space}", escape_control(guid)); // a String takes everything
        all
    }) + &more
}
