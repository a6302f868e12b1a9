//! Against a place that a test scripts.

use super::*;
use crate::plan::apps::{Part, RunningApp, Selected, log_source};
use shared_model::event::Stream;
use shared_model::exit_code::ExitCode;
use std::sync::Condvar;

/// What a source prints: when, and what.
type Printed = Vec<(i64, &'static str)>;

/// A place whose sources a test changes under the reader's eyes.
#[derive(Default)]
struct Scripted {
    state: Mutex<Script>,
    changed: Condvar,
}

#[derive(Default)]
struct Script {
    /// By id: the process, what was printed so far, and whether it runs.
    sources: BTreeMap<&'static str, (&'static str, Printed, bool)>,
    refused: Option<&'static str>,
    is_gone: bool,
    /// Every reading ends after what is there, as a connection does that is lost.
    breaks: bool,
    /// How often each was read, by id.
    read: BTreeMap<String, usize>,
}

impl Scripted {
    fn change(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.state.lock().unwrap());
        self.changed.notify_all();
    }

    fn runs(&self, id: &'static str, process: &'static str, printed: &[(i64, &'static str)]) {
        self.change(|script| drop(script.sources.insert(id, (process, printed.to_vec(), true))));
    }
}

fn refused(text: &str) -> Failure {
    Failure::new(ExitCode::Engine, text, "")
}

impl AppsBackend for Scripted {
    fn apps(&self) -> Result<Vec<RunningApp>, Failure> {
        Ok(Vec::new())
    }

    fn log_sources(&self, _: &RunningApp) -> Result<Option<Vec<LogSource>>, Failure> {
        let script = self.state.lock().unwrap();
        let source = |(id, (process, _, is_up)): (&&str, &(&str, Printed, bool))| LogSource {
            id: (*id).to_owned(),
            process_type: (*process).to_owned(),
            index: 0,
            source: log_source(process, 0),
            name: (*id).to_owned(),
            is_up: *is_up,
        };
        Ok((!script.is_gone).then(|| script.sources.iter().map(source).collect()))
    }

    fn read_log(
        &self,
        source: &LogSource,
        range: &LogRange,
        output: &mut dyn FnMut(LogPiece<'_>) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        let mut script = self.state.lock().unwrap();
        *script.read.entry(source.id.clone()).or_default() += 1;
        if script.refused == Some(&*source.id) {
            return Err(refused("no such log"));
        }
        let (mut at, mut is_first) = (0, true);
        loop {
            let (_, printed, is_up) = &script.sources[&*source.id];
            let (printed, goes_on) = (printed.clone(), *is_up && range.follow && !script.breaks);
            if std::mem::take(&mut is_first) {
                at = range.tail.map_or(0, |tail| printed.len().saturating_sub(usize::try_from(tail).unwrap()));
            }
            for (second, text) in &printed[at.min(printed.len())..] {
                let time = Timestamp::from_second(*second).ok();
                if range.since.is_none_or(|since| time >= Some(since)) {
                    let text = format!("{text}\n");
                    if output(LogPiece { stream: Stream::Out, time, bytes: text.as_bytes() }).is_break() {
                        return Ok(());
                    }
                }
            }
            at = printed.len();
            if !goes_on {
                return Ok(());
            }
            script = self.changed.wait(script).unwrap();
        }
    }

    fn stop(&self, _: &Selected) -> Result<(), Failure> {
        Ok(())
    }

    fn delete(&self, _: &RunningApp) -> Result<(), Failure> {
        Ok(())
    }

    fn what_goes(&self, _: &RunningApp) -> String {
        String::new()
    }
}

/// What is shown until `enough` lines were, or it ends by itself; `then` is told of each.
fn shown(
    place: &Arc<Scripted>,
    (part, range): (Part, LogRange),
    enough: usize,
    mut then: impl FnMut(&str),
) -> (Result<(), Failure>, Vec<String>) {
    let backend: Arc<dyn AppsBackend> = Arc::<Scripted>::clone(place);
    let app = RunningApp { name: "shop".into(), ..RunningApp::default() };
    let mut lines = Vec::new();
    let outcome = show(&backend, &Unconnected::silent(), (&Selected { app, part }, range), Vec::new(), &mut |line| {
        then(&line.text);
        lines.push(format!("{} {}", line.source, line.text));
        if lines.len() >= enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    (outcome, lines)
}

const RECENT: LogRange = LogRange { tail: None, since: None, follow: false };
const FOLLOW: LogRange = LogRange { tail: None, since: None, follow: true };

#[test]
fn recent_lines_of_all_that_is_meant_come_in_order_and_then_it_ends() {
    let place = Arc::<Scripted>::default();
    place.runs("a", "web", &[(1, "one"), (4, "four")]);
    place.runs("b", "worker", &[(2, "two"), (3, "three")]);
    let (outcome, lines) = shown(&place, (Part::default(), RECENT), 99, |_| ());
    assert_eq!(outcome, Ok(()));
    assert_eq!(
        lines,
        ["APP/PROC/WEB/0 one", "APP/PROC/WORKER/0 two", "APP/PROC/WORKER/0 three", "APP/PROC/WEB/0 four"]
    );
    let worker = Part { process: Some("worker".into()), index: None };
    let newest = LogRange { tail: Some(1), ..RECENT };
    assert_eq!(shown(&place, (worker, newest), 99, |_| ()).1, ["APP/PROC/WORKER/0 three"]);
}

#[test]
fn what_comes_follows_what_is_there_and_a_successor_joins_in_with_its_first_line() {
    let place = Arc::<Scripted>::default();
    place.runs("a", "web", &[(1, "there")]);
    let changing = Arc::clone(&place);
    let (outcome, lines) = shown(&place, (Part::default(), FOLLOW), 4, move |line| match line {
        "there" => changing.runs("a", "web", &[(1, "there"), (2, "comes")]),
        "comes" => changing.runs("b", "web", &[(3, "successor's first"), (4, "and second")]),
        _ => {}
    });
    assert_eq!(outcome, Ok(()));
    let texts: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("APP/PROC/WEB/0 ")).collect();
    assert_eq!(texts, ["there", "comes", "successor's first", "and second"]);
}

#[test]
fn one_that_runs_again_goes_on_where_it_ended_and_says_nothing_twice() {
    let place = Arc::<Scripted>::default();
    place.runs("a", "web", &[(1, "one"), (2, "two"), (2, "two again")]);
    place.change(|script| script.sources.get_mut("a").unwrap().2 = false);
    let changing = Arc::clone(&place);
    let (_, lines) = shown(&place, (Part::default(), FOLLOW), 5, move |line| {
        if line == "two again" {
            changing.runs("a", "web", &[(1, "one"), (2, "two"), (2, "two again"), (2, "of that time"), (3, "three")]);
        }
    });
    let texts: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("APP/PROC/WEB/0 ")).collect();
    assert_eq!(texts, ["one", "two", "two again", "of that time", "three"]);
}

/// Later than any clock on a wall says.
const LATER: i64 = 4_000_000_000;

#[test]
fn a_reading_that_breaks_off_goes_on_without_what_nobody_wanted() {
    let place = Arc::<Scripted>::default();
    place.runs("a", "web", &[(1, "long ago"), (2, "long ago, too")]);
    place.change(|script| script.breaks = true);
    let changing = Arc::clone(&place);
    let says = thread::spawn(move || {
        thread::sleep(POLL * 3);
        changing.runs("a", "web", &[(1, "long ago"), (2, "long ago, too"), (LATER, "comes")]);
        thread::sleep(POLL * 3);
        changing.runs("a", "web", &[(1, "long ago"), (2, "long ago, too"), (LATER, "comes"), (LATER + 1, "and more")]);
    });
    let from_now_on = LogRange { tail: Some(0), ..FOLLOW };
    let (_, lines) = shown(&place, (Part::default(), from_now_on), 2, |_| ());
    assert_eq!(lines, ["APP/PROC/WEB/0 comes", "APP/PROC/WEB/0 and more"]);
    says.join().unwrap();
}

#[test]
fn the_last_words_of_what_ended_while_nobody_heard_it_are_shown() {
    let place = Arc::<Scripted>::default();
    place.runs("a", "web", &[(1, "there")]);
    place.change(|script| script.breaks = true);
    let changing = Arc::clone(&place);
    let (_, lines) = shown(&place, (Part::default(), FOLLOW), 2, move |_| {
        changing
            .change(|script| drop(script.sources.insert("a", ("web", vec![(1, "there"), (2, "last words")], false))));
    });
    assert_eq!(lines, ["APP/PROC/WEB/0 there", "APP/PROC/WEB/0 last words"]);
}

#[test]
fn what_cannot_be_read_is_left_alone_for_a_while() {
    let place = Arc::<Scripted>::default();
    place.runs("a", "web", &[]);
    place.runs("b", "worker", &[(1, "there")]);
    place.change(|script| script.refused = Some("a"));
    let _ = shown(&place, (Part::default(), FOLLOW), 1, |_| thread::sleep(POLL * 5));
    assert_eq!(place.state.lock().unwrap().read["a"], 1);
}

#[test]
fn following_ends_when_the_app_is_gone() {
    let place = Arc::<Scripted>::default();
    place.runs("a", "web", &[(1, "last words")]);
    let changing = Arc::clone(&place);
    let (outcome, lines) = shown(&place, (Part::default(), FOLLOW), 99, move |_| {
        changing.change(|script| {
            script.is_gone = true;
            script.sources.get_mut("a").unwrap().2 = false;
        });
    });
    assert_eq!((outcome, lines), (Ok(()), vec!["APP/PROC/WEB/0 last words".to_owned()]));
}

#[test]
fn one_log_that_cannot_be_read_does_not_hide_the_others_and_the_only_one_is_a_failure() {
    let place = Arc::<Scripted>::default();
    place.runs("a", "web", &[(1, "one")]);
    place.change(|script| script.refused = Some("a"));
    assert_eq!(shown(&place, (Part::default(), RECENT), 99, |_| ()), (Err(refused("no such log")), vec![]));
    place.runs("b", "worker", &[(2, "two")]);
    let (outcome, lines) = shown(&place, (Part::default(), RECENT), 99, |_| ());
    assert_eq!((outcome, lines), (Ok(()), vec!["APP/PROC/WORKER/0 two".to_owned()]));
}
