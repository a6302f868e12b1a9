//! Answers that go on: what changes, and what a container says.

use super::asked::Target;
use super::faults::{Fault, refusal};
use super::http::Connection;
use super::objects::{Change, Kind};
use super::{Log, State, World};
use serde_json::{Value, json};
use std::io;
use std::time::{Duration, Instant};

/// How long a watch lasts at most, where the client does not say.
const LONGEST: u64 = 300;
/// How often is looked whether anybody still listens.
const GLANCE: Duration = Duration::from_millis(20);

/// What a stream says next.
enum Next {
    Lines(Vec<String>),
    /// Nothing more.
    End,
}

/// Tells what changes, from the version on that was asked for; from what there is, where none was.
pub(super) fn watch(
    world: &World,
    connection: &mut Connection,
    target: &Target,
    fault: Option<&Fault>,
) -> io::Result<bool> {
    let Some(kind) = target.kind else { return Ok(false) };
    let mut at = target.number("resourceVersion").unwrap_or(0);
    let mut is_new = at == 0;
    let ends = Instant::now() + Duration::from_secs(target.number("timeoutSeconds").unwrap_or(LONGEST));
    let error = |code: u16| line("ERROR", &refusal(code, "watch", target));
    let mut broken = match fault {
        Some(Fault::Error(code)) => Some(error(*code)),
        _ => None,
    };
    let mut is_told = false;
    stream(world, connection, "application/json", fault, |state| {
        if is_told || Instant::now() >= ends {
            return Some(Next::End);
        }
        if let Some(line) = broken.take() {
            is_told = true;
            return Some(Next::Lines(vec![line]));
        }
        let lines: Vec<String> = if is_new {
            let (all, selectors) = (state.objects.all(kind, target.namespace.as_deref()), target.selectors());
            all.filter(|object| selectors.select(object)).map(|object| line("ADDED", object)).collect()
        } else if let Some(changes) = state.objects.since(at) {
            changes
                .filter(|change| is_wanted(change, kind, target))
                .map(|change| line(change.what, &change.object))
                .collect()
        } else {
            is_told = true;
            vec![error(410)]
        };
        is_new = false;
        at = state.objects.version();
        (!lines.is_empty()).then_some(Next::Lines(lines))
    })
}

fn line(what: &str, object: &Value) -> String {
    format!("{}\n", json!({"type": what, "object": object}))
}

fn is_wanted(change: &Change, kind: Kind, target: &Target) -> bool {
    let namespace = target.namespace.as_deref();
    change.kind == kind
        && namespace.is_none_or(|namespace| change.object["metadata"]["namespace"] == namespace)
        && target.selectors().select(&change.object)
}

/// Tells what a container says until it has ended.
pub(super) fn follow(
    world: &World,
    connection: &mut Connection,
    target: &Target,
    fault: Option<&Fault>,
) -> io::Result<bool> {
    let container = target.query.get("container").cloned().unwrap_or_default();
    let key = (target.name.clone(), container);
    let mut told = 0;
    stream(world, connection, "text/plain", fault, |state| {
        let log = state.logs.get(&key)?;
        let lines: Vec<(usize, String)> = wanted(log, target).filter(|(at, _)| *at >= told).collect();
        told = log.gone + log.lines.len();
        match (lines.is_empty(), log.is_over) {
            (false, _) => Some(Next::Lines(lines.into_iter().map(|(_, line)| line).collect())),
            (true, true) => Some(Next::End),
            (true, false) => None,
        }
    })
}

/// Tells so many lines of a text, and then nothing.
pub(super) fn stops(connection: &mut Connection, said: &str, after: usize) -> io::Result<()> {
    connection.begin("text/plain")?;
    said.split_inclusive('\n').take(after).try_for_each(|line| connection.chunk(line))?;
    connection.hang();
    Ok(())
}

/// The lines that a request wants, each with its number. The time of a line is noon and as many milliseconds as there were lines
/// before it.
pub(super) fn wanted<'a>(log: &'a Log, target: &'a Target) -> impl Iterator<Item = (usize, String)> + 'a {
    let has_times = target.is("timestamps");
    let since = target.query.get("sinceTime").map(String::as_str).unwrap_or_default();
    let tail = target.number("tailLines").and_then(|count| usize::try_from(count).ok());
    let first = tail.map_or(0, |count| log.lines.len().saturating_sub(count));
    let lines = log.lines.iter().enumerate().skip(first).map(|(at, line)| (log.gone + at, line));
    let lines = lines.map(|(at, line)| (at, time(at), line));
    // Seconds are all that a request can say.
    let lines = lines.filter(move |(_, time, _)| time.get(..19) >= since.get(..19).or(Some("")));
    lines.map(move |(at, time, line)| (at, if has_times { format!("{time} {line}\n") } else { format!("{line}\n") }))
}

fn time(at: usize) -> String {
    format!("2026-11-30T12:00:{:02}.{:03}000000Z", at / 1000 % 60, at % 1000)
}

/// Carries a stream until it ends, or what is to go wrong has; whether the connection stays.
fn stream(
    world: &World,
    connection: &mut Connection,
    kind: &str,
    fault: Option<&Fault>,
    mut next: impl FnMut(&State) -> Option<Next>,
) -> io::Result<bool> {
    let _following = Following::new(world);
    connection.begin(kind)?;
    let mut count = 0;
    loop {
        let lines = match awaited(world, connection, &mut next) {
            Some(Next::Lines(lines)) => lines,
            Some(Next::End) => {
                connection.end()?;
                return Ok(true);
            }
            None => return Ok(false),
        };
        for line in lines {
            match fault {
                Some(Fault::Cut(after)) if count >= *after => {
                    connection.half_chunk(&line)?;
                    return Ok(false);
                }
                Some(Fault::Silent(after)) if count >= *after => {
                    connection.hang();
                    return Ok(false);
                }
                Some(Fault::End(after)) if count >= *after => {
                    connection.end()?;
                    return Ok(true);
                }
                _ => connection.chunk(&line)?,
            }
            count += 1;
        }
    }
}

/// What comes next, as soon as it does; `None`: nobody listens any more, or nobody is heard.
fn awaited(world: &World, connection: &Connection, next: &mut impl FnMut(&State) -> Option<Next>) -> Option<Next> {
    let mut state = world.state();
    loop {
        if state.is_over || state.is_away {
            return None;
        }
        if let Some(next) = next(&state) {
            return Some(next);
        }
        let (guard, waited) = world.shared.changed.wait_timeout(state, GLANCE).unwrap();
        state = guard;
        if waited.timed_out() && !connection.is_heard() {
            return None;
        }
    }
}

/// Counts one stream for as long as it is there.
struct Following<'a>(&'a World);

impl<'a> Following<'a> {
    fn new(world: &'a World) -> Self {
        world.state().following += 1;
        Self(world)
    }
}

impl Drop for Following<'_> {
    fn drop(&mut self) {
        self.0.state().following -= 1;
    }
}
