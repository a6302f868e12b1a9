//! All requests that the logs hold, the newest first, each in a few words: documents are not kept, so that a history
//! of any length fits into memory.

use super::about::About;
use super::contents::Contents;
use super::error::RequestError;
use super::log_file::LogFile;
use super::log_file::LogOptions;
use super::log_line::{LineFilter, LogLine};
use super::source::Source;
use super::{RequestKind, log_file};
use crate::app_ref::{AnswersBy, AppRef};
use jiff::Timestamp;
use shared_model::application::Application;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// One request of the logs.
#[derive(Clone, Debug)]
pub(crate) struct ListedRequest {
    /// Which of the two.
    pub(crate) kind: RequestKind,
    /// When it was logged.
    pub(crate) time: Option<Timestamp>,
    /// Whose it is.
    pub(crate) about: About,
    /// What it brings.
    pub(crate) contents: Contents,
    /// The file that it stands in.
    pub(crate) log: String,
}

/// The requests, and what the user should know about the reading.
#[derive(Debug)]
pub(crate) struct History {
    /// The newest first; never empty.
    pub(crate) entries: Vec<ListedRequest>,
    /// One line each.
    pub(crate) warnings: Vec<String>,
}

/// Where a request stands among all logs; the greater one is the newer.
pub(crate) type Rank = (Option<Timestamp>, Reverse<usize>, Reverse<usize>, u64);

/// What the user should know about a reading, and where there was something to read.
#[derive(Debug)]
pub(crate) struct Read {
    /// The files that were looked through.
    pub(crate) searched: Vec<LogFile>,
    /// One line each.
    pub(crate) warnings: Vec<String>,
}

/// Every app with a staging request, the one with the newest first: by its name where no other app has that, else by its guid.
pub(crate) fn staged_apps(logs: &LogOptions) -> Result<Vec<AppRef>, RequestError> {
    let history = read(None, logs)?;
    let mut apps: Vec<(String, String)> = Vec::new();
    for entry in history.entries.into_iter().filter(|entry| entry.kind == RequestKind::Staging) {
        let Application { name, guid, .. } = entry.about.application;
        if !apps.iter().any(|(_, known)| *known == guid) {
            apps.push((name, guid));
        }
    }
    if apps.is_empty() {
        return Err(RequestError::NoRequests {
            kinds: vec![RequestKind::Staging],
            searched: Vec::new(),
            warnings: history.warnings,
        });
    }
    let is_alone = |name: &str| !name.is_empty() && apps.iter().filter(|(other, _)| other == name).count() == 1;
    let app_ref =
        |(name, guid): &(String, String)| if is_alone(name) { AppRef::name(name) } else { AppRef::word(guid) };
    Ok(apps.iter().map(app_ref).collect())
}

/// Whether what answers to the word does so by its name alone, while the word is a guid, or the start of one, of any app in the
/// logs, whichever requests that has: then no name is meant. Logs that cannot be read know nobody.
pub(crate) fn names_hide_a_guid<T>(found: &BTreeMap<AnswersBy, T>, app: &AppRef, logs: &LogOptions) -> bool {
    if !found.keys().eq([&AnswersBy::Name]) || !app.could_be_a_guid() {
        return false;
    }
    let mut knows = false;
    let read = each_request(&[RequestKind::Staging, RequestKind::Launch], logs, |_, line, _| {
        knows |= About::line(line).answers_to(app).is_some_and(|by| by < AnswersBy::Name);
    });
    read.is_ok() && knows
}

/// Reads all logs; `app` as the user typed it, `None`: all apps. Several apps may answer to it.
pub(crate) fn read(app: Option<&AppRef>, logs: &LogOptions) -> Result<History, RequestError> {
    let kinds = vec![RequestKind::Staging, RequestKind::Launch];
    let mut found: BTreeMap<AnswersBy, Vec<(Rank, ListedRequest)>> = BTreeMap::new();
    let mut others = BTreeSet::new();
    let Read { searched, warnings } = each_request(&kinds, logs, |rank, line, log_file| {
        let about = About::line(line);
        if let Some(by) = app.map_or(Some(AnswersBy::Id), |app| about.answers_to(app)) {
            let contents = Contents::read(line.kind, line.document);
            let entry = ListedRequest { kind: line.kind, time: line.time, about, contents, log: log_file.to_string() };
            found.entry(by).or_default().push((rank, entry));
        } else {
            others.insert(about.application.name);
        }
    })?;
    let mut entries = found.into_values().next().unwrap_or_default();
    if entries.is_empty() {
        return Err(match app {
            Some(app) if !others.is_empty() => RequestError::no_such_app(kinds, &app.word, others, warnings),
            _ => RequestError::NoRequests { kinds, searched, warnings },
        });
    }
    entries.sort_by_key(|(rank, _)| Reverse(*rank));
    Ok(History { entries: entries.into_iter().map(|(_, entry)| entry).collect(), warnings })
}

/// Gives every request of these kinds to `visit`, in no particular order. What could be read only in part, or, of a
/// rotated file, not at all, is told in the warnings.
pub(crate) fn each_request(
    kinds: &[RequestKind],
    logs: &LogOptions,
    mut visit: impl FnMut(Rank, &LogLine<'_>, &LogFile),
) -> Result<Read, RequestError> {
    let all = log_file::series(kinds, logs).map_err(|looked| RequestError::NoLogs { kinds: kinds.to_vec(), looked })?;
    let filter = LineFilter::new(kinds);
    let mut warnings = Vec::new();
    for (index, series) in all.iter().enumerate() {
        for (age, log_file) in series.iter().enumerate() {
            let source = match Source::open(log_file) {
                Ok(source) => source,
                Err(error) if age > 0 => {
                    warnings.push(format!("{log_file}: not read: {error}"));
                    continue;
                }
                Err(error) => return Err(RequestError::unreadable(log_file, &error)),
            };
            let read = source.each_line(|line| {
                if let Some(found) = filter.request(line.bytes) {
                    visit((found.time, Reverse(index), Reverse(age), line.offset), &found, log_file);
                }
                ControlFlow::Continue(())
            });
            if let Err(error) = read {
                warnings.push(format!("{log_file}: read in part only: {error}"));
            }
        }
    }
    Ok(Read { searched: all.into_iter().flatten().collect(), warnings })
}
