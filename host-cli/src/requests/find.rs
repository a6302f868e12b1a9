//! The newest request of a kind. Decides how far to look; the reading is done in [`super::source`].
//!
//! Newest is the request whose lager timestamp is the latest; on a tie the line that stands later. Goroutines log side by
//! side, so lines may stand a little out of order, and nsync has two logs. Therefore the search goes on behind a match
//! for [`WINDOW`] bytes, and until the lines are older than the match by [`SLACK`]. A rotated file is opened only when
//! neither has ended the search. A name or the start of a guid may mean several apps: then everything is looked through.
//! Nor is a guid believed to be somebody's name before everything was looked through for the guid.

use super::about::About;
use super::backwards::Line;
use super::error::{Candidate, RequestError};
use super::history::{Rank, names_hide_a_guid};
use super::log_file::LogOptions;
use super::log_file::{self, LogFile};
use super::log_line::{LineFilter, LogLine, time_of_line};
use super::request::{Request, RequestKind};
use super::source::Source;
use crate::app_ref::{AnswersBy, AppRef};
use jiff::SignedDuration;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// Bytes that are searched in front of a match at least, whatever the lines' times are.
const WINDOW: u64 = 1 << 20; // some 3,000 lines; reading them takes a millisecond
/// How much earlier than the match a line must be to end the search.
const SLACK: SignedDuration = SignedDuration::from_secs(10); // long against a stalled goroutine

/// The newest request of `kind` that answers to `app`; `None`: of all.
pub(super) fn newest(kind: RequestKind, app: Option<&AppRef>, logs: &LogOptions) -> Result<Request, RequestError> {
    let all = log_file::series(&[kind], logs).map_err(|looked| RequestError::NoLogs { kinds: vec![kind], looked })?;
    let mut search = Search::new(kind, app);
    for (index, series) in all.iter().enumerate() {
        search.series(index, series)?;
    }
    if let Some(app) = app {
        search.leave_names_out_of(app, logs);
    }
    search.verdict(all.into_iter().flatten().collect())
}

struct Search<'a> {
    kind: RequestKind,
    app: Option<&'a AppRef>,
    filter: LineFilter,
    /// What answers to the user's word, by what it does; where all apps are meant, all of it.
    found: BTreeMap<AnswersBy, Found>,
    /// The names of all other apps.
    others: BTreeSet<String>,
    warnings: Vec<String>,
}

/// What answers to a word.
#[derive(Default)]
struct Found {
    best: Option<(Rank, Request)>,
    /// The apps, by guid.
    candidates: BTreeMap<String, Candidate>,
}

/// How far behind a match a series is still to be read.
struct Horizon {
    /// Bytes of [`WINDOW`] that are left.
    left: u64,
    /// Whether the last line was older than the match by [`SLACK`].
    older: bool,
}

impl Horizon {
    fn is_reached(&self) -> bool {
        self.left == 0 && self.older
    }
}

impl<'a> Search<'a> {
    fn new(kind: RequestKind, app: Option<&'a AppRef>) -> Self {
        Self {
            kind,
            app,
            filter: LineFilter::new(&[kind]),
            found: BTreeMap::new(),
            others: BTreeSet::new(),
            warnings: Vec::new(),
        }
    }

    fn looks_through_everything(&self) -> bool {
        self.app.is_some_and(|app| !app.is_whole_guid())
    }

    /// The newest of what is surely meant.
    fn best(&self) -> Option<&(Rank, Request)> {
        self.found.get(&AnswersBy::Id)?.best.as_ref()
    }

    fn series(&mut self, index: usize, series: &[LogFile]) -> Result<(), RequestError> {
        let mut horizon = Horizon { left: WINDOW, older: false };
        for (age, log_file) in series.iter().enumerate() {
            let source = match Source::open(log_file) {
                Ok(source) => source,
                Err(error) if age > 0 => {
                    self.warnings.push(format!("{log_file}: not read: {error}"));
                    continue;
                }
                Err(error) => return Err(RequestError::unreadable(log_file, &error)),
            };
            if let (Source::Forwards { size: Some(size), .. }, true) = (&source, horizon.older) {
                // It would have to be read whole. Its lines are older than those of the file that was rotated after it.
                horizon.left = horizon.left.saturating_sub(*size);
            }
            if horizon.is_reached() {
                break;
            }
            let rank = (Reverse(index), Reverse(age));
            let read = source.each_line(|line| self.line(line, rank, &mut horizon));
            if let Err(error) = read {
                self.warnings.push(format!("{log_file}: read in part only: {error}"));
            }
        }
        Ok(())
    }

    fn line(
        &mut self,
        line: Line<'_>,
        (series, age): (Reverse<usize>, Reverse<usize>),
        horizon: &mut Horizon,
    ) -> ControlFlow<()> {
        if let Some(request) = self.filter.request(line.bytes) {
            self.request(&request, (request.time, series, age, line.offset));
        }
        let Some(((best, ..), _)) = self.best() else { return ControlFlow::Continue(()) };
        let best = *best;
        if self.looks_through_everything() {
            return ControlFlow::Continue(());
        }
        horizon.left = horizon.left.saturating_sub(line.bytes.len() as u64 + 1);
        // A match without a time, or lines without one, cannot tell their age: then the window alone bounds the search.
        horizon.older = best.zip(time_of_line(line.bytes)).is_none_or(|(best, time)| time < best - SLACK);
        if horizon.is_reached() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn request(&mut self, line: &LogLine<'_>, rank: Rank) {
        if self.app.is_none() && self.best().is_some_and(|(best, _)| *best >= rank) {
            return;
        }
        let about = About::line(line);
        let application = &about.application;
        let Some(by) = self.app.map_or(Some(AnswersBy::Id), |app| about.answers_to(app)) else {
            self.others.insert(application.name.clone());
            return;
        };
        let found = self.found.entry(by).or_default();
        if self.app.is_some() {
            let candidate =
                found.candidates.entry(application.guid.clone()).or_insert_with(|| Candidate::new(application));
            candidate.time = line.time.max(candidate.time);
        }
        if found.best.as_ref().is_none_or(|(best, _)| *best < rank) {
            let request = Request {
                kind: self.kind,
                document: line.document.to_owned(),
                time: line.time,
                staging_guid: Some(about.staging_guid).filter(|guid| !guid.is_empty()),
                application: about.application,
                warnings: Vec::new(),
            };
            found.best = Some((rank, request));
        }
    }

    /// A word that begins a guid of an app which has only a request of the other kind is not another app's name.
    fn leave_names_out_of(&mut self, app: &AppRef, logs: &LogOptions) {
        if names_hide_a_guid(&self.found, app, logs) {
            self.found.clear();
            self.others.insert(app.word.clone());
        }
    }

    fn verdict(self, searched: Vec<LogFile>) -> Result<Request, RequestError> {
        let kind = self.kind;
        let Found { best, candidates } = self.found.into_values().next().unwrap_or_default();
        match (best, self.app) {
            (Some(_), Some(app)) if candidates.len() > 1 => {
                let mut candidates: Vec<Candidate> = candidates.into_values().collect();
                candidates.sort_by_key(|candidate| Reverse(candidate.time));
                Err(RequestError::Ambiguous { app: app.word.clone(), candidates })
            }
            (Some((_, request)), _) => Ok(Request { warnings: self.warnings, ..request }),
            (None, Some(app)) if !self.others.is_empty() => {
                Err(RequestError::no_such_app(vec![kind], &app.word, self.others, self.warnings))
            }
            (None, _) => Err(RequestError::NoRequests { kinds: vec![kind], searched, warnings: self.warnings }),
        }
    }
}
