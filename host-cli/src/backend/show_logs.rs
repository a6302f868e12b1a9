//! An app's logs, of all that is meant of it, as one sequence: what is there, and then, where that is wanted, what comes, without a gap
//! in between: one reading of a source gives both. Who starts to run meanwhile joins in with its first line.

use super::apps::{AppsBackend, LogSource};
use super::log_mark::Mark;
use super::log_merge::{Goes, Merge, Place};
use crate::engine::{LogPiece, LogRange};
use crate::failure::Failure;
use crate::plan::apps::{LineCutter, LogLine, Selected};
use crate::session::Unconnected;
use jiff::Timestamp;
use shared_model::event::{Event, EventSink};
use shared_model::plain_line::escape_control;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Between two looks at what runs. A source is read from its beginning, so nothing is lost in between.
const POLL: Duration = Duration::from_millis(500);
/// Before what could not be read is tried again.
const PAUSE: Duration = Duration::from_secs(5);

/// Gives the lines to `say` until that says that it is enough; when followed, until nothing is left of the app. Those of `earlier`, which
/// are in order, are among them.
///
/// # Errors
/// The place does not answer, or nothing could be read there.
pub(crate) fn show(
    backend: &Arc<dyn AppsBackend>,
    events: &Unconnected,
    (selected, range): (&Selected, LogRange),
    earlier: Vec<LogLine>,
    say: &mut dyn FnMut(&LogLine) -> ControlFlow<()>,
) -> Result<(), Failure> {
    let readers = Arc::new(Readers {
        backend: Arc::clone(backend),
        events: events.clone(),
        selected: selected.clone(),
        range,
        merge: Merge::default(),
        state: Mutex::default(),
    });
    let sources = readers.sources()?.unwrap_or_default();
    if range.follow && !sources.iter().any(|source| source.is_up) {
        let app = escape_control(selected.app.subject()).into_owned();
        events.emit(Event::Note { text: format!("Nothing of {app} runs; waiting for it, until Ctrl-C") });
    }
    let earlier_lines = earlier.len();
    readers.say_earlier(earlier);
    for source in sources {
        readers.begin(source, range);
    }
    if range.follow {
        let watching = Arc::clone(&readers);
        thread::spawn(move || watching.watch());
    } else {
        readers.merge.complete();
    }
    let mut shown = 0;
    while let Some(line) = readers.merge.next() {
        shown += 1;
        if say(&line).is_break() {
            readers.merge.close();
            return Ok(());
        }
    }
    readers.outcome(shown > earlier_lines)
}

/// All that read.
struct Readers {
    backend: Arc<dyn AppsBackend>,
    events: Unconnected,
    selected: Selected,
    range: LogRange,
    merge: Merge,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By the source's id.
    sources: BTreeMap<String, Reading>,
    /// Why the place could not be looked at any more.
    failure: Option<Failure>,
}

/// How far a source was read.
struct Reading {
    /// A thread is at it.
    is_read: bool,
    /// It ran when that began: what it said at its end may not have come.
    was_up: bool,
    /// What was wanted of it at first, and when that was.
    first: LogRange,
    began: Timestamp,
    mark: Mark,
    /// Why it could not be read.
    failure: Option<Failure>,
    /// Not to be read before that.
    not_before: Option<Instant>,
}

impl Reading {
    #[expect(clippy::disallowed_methods, reason = "entries have the time of the clock on the wall")]
    fn new(first: LogRange) -> Self {
        let (mark, began) = (Mark::default(), Timestamp::now());
        Self { is_read: false, was_up: false, first, began, mark, failure: None, not_before: None }
    }

    /// From where it is to be read once more: from its last entry on. One of which nothing has come yet is read as at first, but that
    /// nothing older than the first time is wanted where nothing was.
    fn rest(&self) -> LogRange {
        match (self.mark.since(), self.first.tail) {
            (Some(last), _) => LogRange { tail: None, since: Some(last), ..self.first },
            (None, Some(0)) => LogRange { tail: None, since: self.first.since.max(Some(self.began)), ..self.first },
            (None, _) => self.first,
        }
    }
}

impl Readers {
    /// What is meant of what there is; `None`: the app is gone.
    fn sources(&self) -> Result<Option<Vec<LogSource>>, Failure> {
        let found = self.backend.log_sources(&self.selected.app)?;
        let is_meant = |source: &LogSource| self.selected.part.means(&source.process_type, source.index);
        Ok(found.map(|sources| sources.into_iter().filter(is_meant).collect()))
    }

    /// Says what nobody has to read.
    fn say_earlier(self: &Arc<Self>, lines: Vec<LogLine>) {
        let (place, readers) = (self.merge.add(Goes::ToItsEnd), Arc::clone(self));
        thread::spawn(move || {
            let _ = lines.into_iter().try_for_each(|line| readers.merge.push(place, line));
            readers.merge.end(place);
        });
    }

    /// Has a source read, unless somebody is at it.
    fn begin(self: &Arc<Self>, source: LogSource, range: LogRange) {
        let mark = {
            let mut state = self.lock();
            let reading = state.sources.entry(source.id.clone()).or_insert_with(|| Reading::new(range));
            if std::mem::replace(&mut reading.is_read, true) {
                return;
            }
            reading.was_up = source.is_up;
            reading.mark.again()
        };
        let place = self.merge.add(if range.follow { Goes::On } else { Goes::ToItsEnd });
        let readers = Arc::clone(self);
        thread::spawn(move || readers.read(&source, range, place, mark));
    }

    fn read(&self, source: &LogSource, range: LogRange, place: Place, mut mark: Mark) {
        let mut cutter = LineCutter::new(&source.source);
        let mut output = |piece: LogPiece<'_>| {
            let Some((_, piece)) = mark.take(piece) else { return ControlFlow::Continue(()) };
            cutter.feed(piece).into_iter().try_for_each(|line| self.merge.push(place, line))
        };
        let outcome = self.backend.read_log(source, &range, &mut output);
        let _ = cutter.end().into_iter().try_for_each(|line| self.merge.push(place, line));
        let mut state = self.lock();
        let reading = state.sources.entry(source.id.clone()).or_insert_with(|| Reading::new(range));
        let is_first = reading.failure.is_none();
        (reading.is_read, reading.mark) = (false, mark);
        reading.not_before = outcome.is_err().then(|| Instant::now() + PAUSE);
        reading.failure = outcome.err().or(reading.failure.take());
        let failure = reading.failure.clone().filter(|_| is_first && range.follow);
        drop(state);
        if let Some(failure) = failure {
            self.warn(&source.name, &failure);
        }
        self.merge.end(place);
    }

    /// Looks for what begins to run, until the app is gone.
    fn watch(self: Arc<Self>) {
        loop {
            thread::sleep(POLL);
            match self.sources() {
                Ok(None) => {
                    let app = escape_control(self.selected.app.subject()).into_owned();
                    self.events.emit(Event::Note { text: format!("{app} is gone") });
                    return self.merge.complete();
                }
                Err(failure) => {
                    self.lock().failure = Some(failure);
                    return self.merge.give_up();
                }
                Ok(Some(sources)) => {
                    for source in sources {
                        if let Some(range) = self.range_of(&source) {
                            self.begin(source, range);
                        }
                    }
                }
            }
        }
    }

    /// From where a source is to be read now; `None`: there is nothing new.
    fn range_of(&self, source: &LogSource) -> Option<LogRange> {
        let state = self.lock();
        let Some(reading) = state.sources.get(&source.id) else {
            return Some(LogRange { tail: None, ..self.range });
        };
        let has_more = source.is_up || reading.was_up;
        let is_due = reading.not_before.is_none_or(|time| time <= Instant::now());
        (has_more && is_due && !reading.is_read).then(|| reading.rest())
    }

    /// What came of it all. `shown`: something that was read.
    fn outcome(&self, shown: bool) -> Result<(), Failure> {
        let mut state = self.lock();
        if let Some(failure) = state.failure.take() {
            return Err(failure);
        }
        if self.range.follow {
            return Ok(()); // It was said when it happened.
        }
        let failed: Vec<(&String, &Failure)> =
            state.sources.iter().filter_map(|(id, reading)| Some((id, reading.failure.as_ref()?))).collect();
        match failed.first() {
            Some((_, failure)) if !shown && failed.len() == state.sources.len() => return Err((*failure).clone()),
            _ => failed.iter().for_each(|(id, failure)| self.warn(id, failure)),
        }
        Ok(())
    }

    fn warn(&self, name: &str, failure: &Failure) {
        let text = format!("the log of {} cannot be read: {}", escape_control(name), failure.text);
        self.events.emit(Event::Warning { text });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
