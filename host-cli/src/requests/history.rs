//! All requests that the logs hold, the newest first, each in a few words: documents are not kept, so that a history
//! of any length fits into memory.

use super::about::About;
use super::contents::Contents;
use super::error::{Reading, RequestError};
use super::forms::{Form, Found};
use super::log_file;
use super::log_file::LogFile;
use super::log_file::LogOptions;
use super::reader::Reader;
use super::request::RequestKind;
use super::source::Wanted;
use super::word::Word;
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
    /// What became of it.
    pub(crate) reading: Reading,
}

/// Every app with a staging request, the one with the newest first: by its name where no other app has that, else by its guid.
pub(crate) fn staged_apps(logs: &LogOptions) -> Result<Vec<AppRef>, RequestError> {
    let history = read(None, logs)?;
    let mut apps: Vec<(String, String)> = Vec::new();
    let (mut guids, mut with_name) = (BTreeSet::new(), BTreeMap::<String, u64>::new());
    for entry in history.entries.into_iter().filter(|entry| entry.kind == RequestKind::Staging) {
        let Application { name, guid, .. } = entry.about.application;
        if guids.insert(guid.clone()) {
            *with_name.entry(name.clone()).or_default() += 1;
            apps.push((name, guid));
        }
    }
    if apps.is_empty() {
        let reading = Reading { warnings: history.warnings, ..Reading::default() };
        return Err(RequestError::none(vec![RequestKind::Staging], Vec::new(), reading, logs));
    }
    let is_alone = |name: &str| !name.is_empty() && with_name.get(name) == Some(&1);
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
    let read = each_request(&[RequestKind::Staging, RequestKind::Launch], logs, Some(app), |_, found, _| {
        knows |= About::found(found).answers_to(app).is_some_and(|by| by < AnswersBy::Name);
    });
    read.is_ok() && knows
}

/// The names of all apps with a request of these kinds; none where nothing can be read.
pub(crate) fn names_of_apps(kinds: &[RequestKind], logs: &LogOptions) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let read = each_request(kinds, logs, None, |_, found, _| {
        names.insert(About::found(found).application.name);
    });
    if read.is_err() {
        names.clear();
    }
    names
}

/// Reads all logs; `app` as the user typed it, `None`: all apps. Several apps may answer to it.
pub(crate) fn read(app: Option<&AppRef>, logs: &LogOptions) -> Result<History, RequestError> {
    let kinds = vec![RequestKind::Staging, RequestKind::Launch, RequestKind::Task];
    let mut found: BTreeMap<AnswersBy, Listed> = BTreeMap::new();
    let Read { searched, mut reading } = each_request(&kinds, logs, app, |rank, request, log_file| {
        let about = About::found(request);
        if let Some(by) = app.map_or(Some(AnswersBy::Id), |app| about.answers_to(app)) {
            found.entry(by).or_default().add(rank, request, about, log_file);
        }
    })?;
    let Some(Listed { mut entries, left_out, .. }) = found.into_values().next() else {
        let others = app.map(|_| names_of_apps(&kinds, logs)).unwrap_or_default();
        return Err(match app {
            Some(app) if !others.is_empty() => {
                RequestError::no_such_app(kinds, &app.word, others, logs, reading.warnings)
            }
            _ => RequestError::none(kinds, searched, reading, logs),
        });
    };
    if left_out > 0 {
        reading.warnings.push(format!("{left_out} requests are not listed; name an app to list its own"));
    }
    entries.sort_by_key(|(rank, _)| Reverse(*rank));
    Ok(History { entries: entries.into_iter().map(|(_, entry)| entry).collect(), warnings: reading.warnings })
}

/// What is listed of an endless history: the newest.
#[derive(Default)]
struct Listed {
    entries: Vec<(Rank, ListedRequest)>,
    /// Printed requests, by kind and guid, and where they stand among the entries: somebody may have asked for one again and
    /// again.
    printed: BTreeMap<(RequestKind, String), usize>,
    left_out: u64,
}

impl Listed {
    /// More than anybody reads, in some 50 MB.
    const MOST: usize = 100_000;

    fn add(&mut self, rank: Rank, request: &Found<'_>, about: About, log_file: &LogFile) {
        let guid = if request.kind == RequestKind::Launch { &about.process_guid } else { &about.staging_guid };
        let key = (request.kind, guid.clone());
        let known =
            if request.form == Form::Printed && !guid.is_empty() { self.printed.get(&key).copied() } else { None };
        if known.is_some_and(|at| self.entries[at].0 >= rank) {
            return;
        }
        if request.form == Form::Printed {
            self.printed.insert(key, known.unwrap_or(self.entries.len()));
        }
        let contents = Contents::read(request.kind, request.document, &about.process_type);
        let (kind, time, log) = (request.kind, request.time, log_file.to_string());
        let entry = (rank, ListedRequest { kind, time, about, contents, log });
        match known {
            Some(at) => self.entries[at] = entry,
            None => self.entries.push(entry),
        }
        if self.entries.len() == 2 * Self::MOST {
            self.entries.sort_by_key(|(rank, _)| Reverse(*rank));
            self.entries.truncate(Self::MOST);
            self.left_out += Self::MOST as u64;
            // What is asked for again later stands twice in the list, which is the less of two evils.
            self.printed.clear();
        }
    }
}

/// Gives every request of these kinds to `visit`, in no particular order; with an app those that cannot be about it may be left
/// out. What could be read only in part, or, of a rotated file, not at all, is told in the warnings.
pub(crate) fn each_request(
    kinds: &[RequestKind],
    logs: &LogOptions,
    app: Option<&AppRef>,
    mut visit: impl FnMut(Rank, &Found<'_>, &LogFile),
) -> Result<Read, RequestError> {
    let all = log_file::series(kinds, logs).map_err(|looked| RequestError::no_logs(kinds.to_vec(), looked, logs))?;
    let word = Word::of(app);
    let mut reader = Reader::new(kinds);
    for (index, series) in all.iter().enumerate() {
        for (age, log_file) in series.iter().enumerate() {
            let Some(source) = reader.open(log_file, age > 0)? else { continue };
            reader.read(log_file, source, Wanted::All(word.finder()), &word, &mut |line, found| {
                for found in found {
                    visit((found.time, Reverse(index), Reverse(age), line.offset), found, log_file);
                }
                ControlFlow::Continue(())
            });
        }
    }
    Ok(Read { searched: all.into_iter().flatten().collect(), reading: reader.end() })
}
