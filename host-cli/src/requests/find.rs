//! The newest request of a kind. Decides how far to look; the reading is done in [`super::reader`].
//!
//! Newest is the request whose time is the latest; on a tie the one that stands later. Goroutines log side by side, so lines of
//! a log may stand a little out of order, and nsync has two logs. Therefore the search goes on behind a match for [`WINDOW`]
//! bytes, and until the lines are older than the match by [`SLACK`]. A rotated file is opened only when neither has ended the
//! search. What `cfdot` printed stands in no order at all, and a name or the start of a guid may mean several apps: then
//! everything is looked through. Nor is a guid believed to be somebody's name before everything was looked through for the guid.

use super::about::About;
use super::backwards::Line;
use super::error::{Reading, RequestError};
use super::forms::{Found, time_of_line};
use super::history::{names_hide_a_guid, names_of_apps};
use super::log_file::{self, LogFile, LogOptions};
use super::meaning::{Meaning, Process};
use super::reader::Reader;
use super::request::{Request, RequestKind};
use super::source::Wanted;
use super::word::Word;
use crate::app_ref::{AnswersBy, AppRef};
use jiff::{SignedDuration, Timestamp};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// Bytes that are searched in front of a match at least, whatever the lines' times are.
const WINDOW: u64 = 1 << 20; // some 3,000 lines; reading them takes a millisecond
/// How much earlier than the match a line must be to end the search.
const SLACK: SignedDuration = SignedDuration::from_secs(10); // long against a stalled goroutine

/// The newest request of `kind` that answers to `app`; `None`: of all. Of an app's launch requests that of `process`.
pub(super) fn newest(
    kind: RequestKind,
    app: Option<&AppRef>,
    process: Process<'_>,
    logs: &LogOptions,
) -> Result<Request, RequestError> {
    let newest_of = |app: &AppRef| {
        let (meaning, warnings) = search(kind, Some(app), Some(process), logs)?;
        let request = meaning.newest(app, process)?;
        Ok(Request { warnings: [warnings, request.warnings].concat(), ..request })
    };
    if let Some(app) = app {
        return newest_of(app);
    }
    let newest = newest_of_all(kind, logs)?;
    match app_of(&newest).filter(|_| kind == RequestKind::Launch) {
        Some(app) => newest_of(&app), // whose newest may be a worker's
        None => Ok(newest),
    }
}

/// The newest launch request of each process type of an app, web's first; never empty. The first has the warnings. `None`: of
/// the app with the newest of all.
pub(super) fn newest_of_each_process(app: Option<&AppRef>, logs: &LogOptions) -> Result<Vec<Request>, RequestError> {
    let Some(app) = app else {
        let newest = newest_of_all(RequestKind::Launch, logs)?;
        return match app_of(&newest) {
            Some(app) => newest_of_each_process(Some(&app), logs),
            None => Ok(vec![newest]),
        };
    };
    let (meaning, warnings) = search(RequestKind::Launch, Some(app), None, logs)?;
    let mut requests = meaning.newest_of_each_process(app)?;
    if let Some(first) = requests.first_mut() {
        first.warnings = [warnings, std::mem::take(&mut first.warnings)].concat();
    }
    Ok(requests)
}

/// The app of a request, by its guid; `None` for an odd request without one.
fn app_of(request: &Request) -> Option<AppRef> {
    Some(AppRef::word(&request.application.guid)).filter(AppRef::is_whole_guid)
}

fn newest_of_all(kind: RequestKind, logs: &LogOptions) -> Result<Request, RequestError> {
    let (meaning, warnings) = search(kind, None, None, logs)?;
    let none = || RequestError::none(vec![kind], Vec::new(), Reading::default(), logs);
    let request = meaning.newest_of_all().ok_or_else(none)?;
    Ok(Request { warnings, ..request })
}

/// What answers to the word, and what was met on the way. `process`: what of it is wanted; `None`: each process's newest.
fn search(
    kind: RequestKind,
    app: Option<&AppRef>,
    process: Option<Process<'_>>,
    logs: &LogOptions,
) -> Result<(Meaning, Vec<String>), RequestError> {
    let all = log_file::series(&[kind], logs).map_err(|looked| RequestError::no_logs(vec![kind], looked, logs))?;
    let word = Word::of(app);
    let mut reader = Reader::new(&[kind]);
    let mut search = Search { app, process, word: &word, found: BTreeMap::new() };
    for (index, series) in all.iter().enumerate() {
        search.series(index, series, &mut reader)?;
    }
    let (found, reading) = (search.found, reader.end());
    // A word that begins a guid of an app which has only a request of the other kind is not another app's name.
    let is_a_guid = app.is_some_and(|app| names_hide_a_guid(&found, app, logs));
    if let Some(meaning) = found.into_values().next().filter(|_| !is_a_guid) {
        return Ok((meaning, reading.warnings));
    }
    let kinds = vec![kind];
    let others = app.map(|_| names_of_apps(&kinds, logs)).unwrap_or_default();
    Err(match app {
        Some(app) if !others.is_empty() => RequestError::no_such_app(kinds, &app.word, others, logs, reading.warnings),
        _ => RequestError::none(kinds, all.into_iter().flatten().collect(), reading, logs),
    })
}

struct Search<'a> {
    app: Option<&'a AppRef>,
    process: Option<Process<'a>>,
    word: &'a Word,
    /// What answers to the user's word, by what it does; where all apps are meant, all of it.
    found: BTreeMap<AnswersBy, Meaning>,
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

impl Search<'_> {
    fn looks_through_everything(&self) -> bool {
        self.app.is_some_and(|app| !app.is_whole_guid() || self.process.is_none())
    }

    /// The newest of what is surely meant, if that was logged.
    fn newest_logged(&self) -> Option<&Request> {
        if self.looks_through_everything() {
            return None;
        }
        self.found.get(&AnswersBy::Id)?.newest_logged(self.process)
    }

    fn series(&mut self, index: usize, series: &[LogFile], reader: &mut Reader) -> Result<(), RequestError> {
        let mut horizon = Horizon { left: WINDOW, older: false };
        for (age, log_file) in series.iter().enumerate() {
            let Some(source) = reader.open(log_file, age > 0)? else { continue };
            let size = source.size_if_read_whole();
            if horizon.older {
                // Its lines are older than those of the file that was rotated after it, and cost more than they can tell.
                horizon.left = horizon.left.saturating_sub(size.unwrap_or_default());
            }
            if horizon.is_reached() {
                break;
            }
            let rank = (Reverse(index), Reverse(age));
            let wanted =
                if self.looks_through_everything() { Wanted::All(self.word.finder()) } else { Wanted::NewestFirst };
            let mut first = None;
            reader.read(log_file, source, wanted, self.word, &mut |line, found| {
                self.record(line, found, rank);
                let time = time_of_line(line.bytes);
                first = first.or(time);
                if size.is_some() {
                    return ControlFlow::Continue(());
                }
                self.come_to(&mut horizon, line.bytes.len() as u64 + 1, time)
            });
            if let Some(size) = size {
                let _ = self.come_to(&mut horizon, size, first);
            }
        }
        Ok(())
    }

    /// So many bytes more were read, back to `time`.
    fn come_to(&self, horizon: &mut Horizon, bytes: u64, time: Option<Timestamp>) -> ControlFlow<()> {
        let Some(best) = self.newest_logged() else { return ControlFlow::Continue(()) };
        horizon.left = horizon.left.saturating_sub(bytes);
        // A match without a time, or lines without one, cannot tell their age: then the window alone bounds the search.
        horizon.older = best.time.zip(time).is_none_or(|(best, time)| time < best - SLACK);
        if horizon.is_reached() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn record(&mut self, line: Line<'_>, found: &[Found<'_>], (series, age): (Reverse<usize>, Reverse<usize>)) {
        for found in found {
            let rank = (found.time, series, age, line.offset);
            let Some(app) = self.app else {
                self.found.entry(AnswersBy::Id).or_default().add_of_any(found, rank);
                continue;
            };
            let about = About::found(found);
            if let Some(by) = about.answers_to(app) {
                self.found.entry(by).or_default().add(found, about, rank);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = "c0ffee00-1111-4222-8333-444455556666";

    fn line(second: u8, app: (&str, &str), process: &str, version: &str) -> String {
        let (name, guid) = app;
        let vcap = format!(r#"{{\"name\":\"{name}\",\"process_type\":\"{process}\"}}"#);
        format!(
            r#"{{"timestamp":"17958977{second:02}.0","data":{{"desiredLRP":{{"process_guid":"{process}-{version}","log_guid":"{guid}","action":{{"run":{{"path":"/l/launcher","env":[{{"name":"VCAP_APPLICATION","value":"{vcap}"}}]}}}}}}}}}}"#
        )
    }

    fn logs(lines: &[String]) -> (tempfile::TempDir, LogOptions) {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("nsync.log");
        std::fs::write(&log, lines.join("\n")).unwrap();
        (folder, LogOptions { nsync_log: Some(log), ..LogOptions::default() })
    }

    /// `web-2`, the process guid of the request.
    fn version(request: &Request) -> String {
        About::document(&request.document).process_guid
    }

    fn newest_of(app: Option<&AppRef>, process: Option<&str>, logs: &LogOptions) -> Result<Request, RequestError> {
        newest(RequestKind::Launch, app, process.map_or(Process::Usual, Process::TypeOrWeb), logs)
    }

    fn versions(requests: &[Request]) -> Vec<String> {
        requests.iter().map(version).collect()
    }

    #[test]
    fn web_comes_first_and_each_process_type_with_its_newest_request() {
        let shop = ("shop", SHOP);
        let (_folder, logs) = logs(&[
            line(1, shop, "web", "1"),
            line(4, shop, "worker", "2"),
            line(3, shop, "web", "2"),
            line(2, shop, "worker", "1"),
            line(5, shop, "clock", "1"),
            line(6, ("other", "dddddddd-1111-4222-8333-444455556666"), "web", "9"),
        ]);
        let app = AppRef::word("shop");
        let of = |process| newest_of(Some(&app), process, &logs).map(|request| version(&request));
        assert_eq!(versions(&newest_of_each_process(Some(&app), &logs).unwrap()), ["web-2", "clock-1", "worker-2"]);
        assert_eq!(
            versions(&newest_of_each_process(None, &logs).unwrap()),
            ["web-9"],
            "the newest request is another app's"
        );
        assert_eq!(of(None).unwrap(), "web-2");
        assert_eq!(of(Some("worker")).unwrap(), "worker-2");
        assert_eq!(of(Some("cron")).unwrap(), "web-2", "web's request serves for a type that has none");
        assert_eq!(version(&newest_of(Some(&AppRef::word("worker-1")), None, &logs).unwrap()), "worker-1");
    }

    #[test]
    fn an_app_with_one_process_that_is_not_web_starts_that_and_says_so() {
        let (_folder, logs) = logs(&[line(1, ("shop", SHOP), "worker", "1")]);
        let request = newest_of(None, None, &logs).unwrap();
        assert_eq!(request.warnings, ["app \"shop\" has no launch request for web; its only one, for worker, is used"]);
        let refused = newest_of(None, Some("clock"), &logs).unwrap_err().to_string();
        assert_eq!(refused, "app \"shop\" has no launch request of process type \"clock\"; it has worker");
    }

    #[test]
    fn an_app_with_several_processes_and_none_of_them_web_asks_which() {
        let shop = ("shop", SHOP);
        let (_folder, logs) = logs(&[line(1, shop, "worker", "1"), line(2, shop, "clock", "1")]);
        let refused = newest_of(None, None, &logs).unwrap_err().to_string();
        assert_eq!(refused, "app \"shop\" has no launch request of process type \"web\"; it has clock, worker");
    }

    #[test]
    fn a_word_that_means_several_apps_or_none_is_refused() {
        let other = "dddddddd-1111-4222-8333-444455556666";
        let (_folder, logs) = logs(&[line(1, ("shop", SHOP), "web", "1"), line(2, ("shop", other), "worker", "1")]);
        let of = |word| newest_of(Some(&AppRef::word(word)), None, &logs);
        assert!(matches!(of("shop"), Err(RequestError::Ambiguous { candidates, .. }) if candidates[0].guid == other));
        assert!(matches!(of("shap"), Err(RequestError::NoSuchApp { .. })));
        assert_eq!(version(&of(SHOP).unwrap()), "web-1");
    }
}
