//! The loop that keeps apps running: look, decide, act, wait. It ends with its process.

use super::decide::{Decision, Step, decide};
use super::record_file::{RecordFile, own_memory};
use super::records::Records;
use super::status::Status;
use super::view::{InstanceKey, Seen, Wishes};
use super::words::{between, crashed, subject};
use super::{Lives, NotUp};
use crate::engine::{ContainerId, EngineError};
use crate::plan::crash_policy::Restart;
use jiff::{SignedDuration, Timestamp};
use shared_model::event::{Event, EventSink};
use shared_model::plain_line::escape_control;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The longest time without a look, whatever was heard: an engine forgets events, and a clock may jump.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// When it is looked again after something happened: an engine tells of an end a moment before its list shows it.
const LOOKS_AGAIN: [Duration; 3] = [Duration::from_millis(30), Duration::from_millis(250), Duration::from_secs(1)];
/// How often what the cell says of itself is written where nothing of it has changed but the time.
const TELL_AGAIN: Duration = Duration::from_secs(10);
/// Of how many instances the cell says in its status why they are not started, and in how many characters.
const MOST_REASONS: usize = 500;
const LONGEST_REASON: usize = 300;
/// Between two questions to an engine that does not answer.
const RETRY: Duration = Duration::from_secs(1);
/// Between two glances at instances that are on their way up.
const GLANCE: Duration = Duration::from_millis(250);
/// How long an instance waits that could not be brought up for a reason that is not its own.
const POSTPONED: Duration = Duration::from_secs(5);
/// How many are brought up side by side; each has a start timeout of its own, and none is to wait for another's.
const SIDE_BY_SIDE: usize = 32;
/// How many of one app: what never gets healthy waits long, and there are others.
const OF_AN_APP: usize = 4;
/// How many are ended side by side: an app may have a thousand that its checks all fail, and the cell's processes are counted.
const ENDED_SIDE_BY_SIDE: usize = 256;
/// From one look to the next at least, where things go on happening: an app may have its engine tell of something all the time.
const SHORTEST_TURN: Duration = Duration::from_millis(100);

/// What keeps apps running.
pub(crate) struct Keeper {
    lives: Arc<dyn Lives>,
    events: Arc<dyn EventSink + Send + Sync>,
    file: RecordFile,
    records: Records,
    in_flight: BTreeMap<InstanceKey, JoinHandle<Result<ContainerId, NotUp>>>,
    /// Until when, and why; whose time has come is asked again, and said again only if it is for another reason.
    postponed: BTreeMap<InstanceKey, Instant>,
    reasons: BTreeMap<InstanceKey, String>,
    /// Containers that are being ended.
    ending: BTreeMap<String, JoinHandle<()>>,
    /// What was said and is so still: it is said once.
    said: BTreeSet<String>,
    /// When leftovers of others were looked for.
    tidied: Option<Instant>,
    /// What the cell said of itself last, and when.
    told: Option<(Instant, Status)>,
}

impl Keeper {
    /// One that goes on from what the file has.
    pub(crate) fn new(lives: Arc<dyn Lives>, events: Arc<dyn EventSink + Send + Sync>, file: RecordFile) -> Self {
        let (records, damage) = file.read();
        if let Some(text) = damage {
            events.emit(Event::Warning { text });
        }
        Self {
            lives,
            events,
            file,
            records,
            in_flight: BTreeMap::new(),
            postponed: BTreeMap::new(),
            reasons: BTreeMap::new(),
            ending: BTreeMap::new(),
            said: BTreeSet::new(),
            tidied: None,
            told: None,
        }
    }

    /// Keeps apps running, for ever.
    pub(crate) fn run(mut self, clock: fn() -> Timestamp) -> ! {
        // From before the first look, so that nothing happens between the two.
        let (mut since, mut looks) = (clock(), 1);
        loop {
            let began = Instant::now();
            let pause = self.turn(clock());
            // A clock that was set back would have us hear nothing until it is there again.
            since = since.min(clock());
            let again = LOOKS_AGAIN.get(looks).copied().unwrap_or(LONGEST_WAIT);
            let has_happened = self.wait(&mut since, pause.min(again));
            if has_happened && looks == 0 {
                thread::sleep(SHORTEST_TURN.saturating_sub(began.elapsed()));
            }
            looks = if has_happened { 0 } else { looks + 1 };
        }
    }

    /// Looks once, decides and acts. How long there will be nothing to do, should nothing happen.
    pub(super) fn turn(&mut self, now: Timestamp) -> Duration {
        let kept = self.records.clone();
        self.collect(now);
        let (wishes, seen) = match self.look() {
            Ok(found) => found,
            Err(error) => {
                self.keep(&kept);
                self.say_once(Vec::from([format!("the Docker Engine does not answer ({error}); looking again")]));
                return RETRY;
            }
        };
        self.say_once(wishes.unreadable.clone());
        let decision = decide(&wishes, &seen, &mut self.records, now);
        // Before anything is done: who is killed in between has counted.
        self.keep(&kept);
        self.tell(&decision, now);
        self.reasons.retain(|key, _| wishes.apps.iter().any(|wish| wish.app_guid == key.app_guid && wish.wants(key)));
        self.tell_status(Status { waiting: self.waiting(), ..Status::new(&wishes, &seen, &self.records, now) });
        let due = decision.due.map_or(LONGEST_WAIT, |due| between(now, due));
        self.act(decision.steps);
        self.tidy(&seen);
        let postponed = self.postponed.values().map(|until| until.saturating_duration_since(Instant::now())).min();
        due.min(postponed.unwrap_or(LONGEST_WAIT)).min(LONGEST_WAIT)
    }

    fn look(&self) -> Result<(Wishes, Seen), EngineError> {
        // What is there before what is wanted: who starts an app wishes first.
        let mut seen = self.lives.seen()?;
        seen.at_work = self.in_flight.keys().chain(self.postponed.keys()).cloned().collect();
        Ok((self.lives.wishes()?, seen))
    }

    /// What became of what was begun.
    fn collect(&mut self, now: Timestamp) {
        self.ending.retain(|_, thread| !thread.is_finished());
        self.postponed.retain(|_, until| *until > Instant::now());
        let is_done = |(key, thread): (&InstanceKey, &JoinHandle<_>)| thread.is_finished().then(|| key.clone());
        let done: Vec<InstanceKey> = self.in_flight.iter().filter_map(is_done).collect();
        for key in done {
            let Some(thread) = self.in_flight.remove(&key) else { continue };
            let outcome = thread.join().unwrap_or_else(|_| Err(NotUp::Later("host-cli has a bug".to_owned())));
            self.came(key, outcome, now);
        }
    }

    fn came(&mut self, key: InstanceKey, outcome: Result<ContainerId, NotUp>, now: Timestamp) {
        let reason = match outcome {
            Ok(container) => {
                self.records.restarted(&key, &container.0);
                self.note(format!("{} runs again", subject(&key)));
                None
            }
            Err(NotUp::Crashed(crash)) => {
                let words = crash.words.clone();
                self.records.count(&key, crash, now);
                self.tell_crash(&key, &words, self.records.restart(&key, now), now);
                None
            }
            Err(NotUp::Unwanted) => None,
            Err(NotUp::Later(reason)) => Some(reason),
        };
        let Some(reason) = reason else {
            self.reasons.remove(&key);
            return;
        };
        self.postponed.insert(key.clone(), Instant::now() + POSTPONED);
        if self.reasons.get(&key) != Some(&reason) {
            let text = format!("{} is not started yet: {}", subject(&key), escape_control(&reason));
            self.events.emit(Event::Warning { text });
            self.reasons.insert(key, reason);
        }
    }

    /// Begins each step. What hangs keeps nobody else waiting.
    fn act(&mut self, mut steps: Vec<Step>) {
        // Who has crashed least first, and of them who waits longest: else the same few could keep all others from ever being started.
        steps.sort_by_key(|step| match step {
            Step::End(_) => None,
            Step::BringUp(key, _) => {
                let crashes = self.records.of(key).map(|record| record.crashes).unwrap_or_default();
                Some((crashes.count, crashes.last))
            }
        });
        for step in steps {
            let lives = Arc::clone(&self.lives);
            match step {
                Step::End(container) if self.ending.contains_key(&container.0) => {}
                // The next look finds it again.
                Step::End(_) if self.ending.len() >= ENDED_SIDE_BY_SIDE => {}
                Step::End(container) => {
                    let (id, events) = (container.0.clone(), Arc::clone(&self.events));
                    let end = move || {
                        if let Err(error) = lives.end(&container) {
                            let text = format!("container {} does not end: {error}", container.0);
                            events.emit(Event::Warning { text });
                        }
                    };
                    self.ending.insert(id, thread::spawn(end));
                }
                // The next look finds it again.
                Step::BringUp(key, _) if self.is_full_for(&key) => {}
                Step::BringUp(key, ends) => {
                    let of = key.clone();
                    let bring_up = move || {
                        for container in ends {
                            lives.end(&container).map_err(|error| NotUp::Later(error.to_string()))?;
                        }
                        lives.bring_up(&of)
                    };
                    self.in_flight.insert(key, thread::spawn(bring_up));
                }
            }
        }
    }

    /// Whether no more are brought up for now: of a process it is one after the other, as with every launch.
    fn is_full_for(&self, key: &InstanceKey) -> bool {
        let of_app = self.in_flight.keys().filter(|other| other.app_guid == key.app_guid);
        let is_same = |other: &InstanceKey| other.process == key.process;
        self.in_flight.len() >= SIDE_BY_SIDE || of_app.clone().count() >= OF_AN_APP || of_app.clone().any(is_same)
    }

    /// Waits until something happens, at most so long. Whether something has.
    fn wait(&self, since: &mut Timestamp, pause: Duration) -> bool {
        let deadline = Instant::now() + pause;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if self.in_flight.values().any(JoinHandle::is_finished) {
                return true;
            }
            if left.is_zero() {
                return false;
            }
            let patience = if self.in_flight.is_empty() { left } else { left.min(GLANCE) };
            match self.lives.wait_for_event(*since, patience) {
                Ok(None) => {}
                Ok(Some(last)) => {
                    *since = last.checked_add(SignedDuration::from_nanos(1)).unwrap_or(last);
                    return true;
                }
                Err(_) => {
                    thread::sleep(RETRY.min(left));
                    return false;
                }
            }
        }
    }

    fn keep(&self, before: &Records) {
        if self.records != *before
            && let Err(error) = self.file.write(&self.records)
        {
            let text = format!("the crashes so far cannot be kept ({error}); who is killed now counts anew");
            self.events.emit(Event::Warning { text });
        }
    }

    /// Why instances are not started, for those who ask.
    fn waiting(&self) -> Vec<(InstanceKey, String)> {
        let short = |reason: &String| reason.chars().take(LONGEST_REASON).collect();
        self.reasons.iter().take(MOST_REASONS).map(|(key, reason)| (key.clone(), short(reason))).collect()
    }

    /// Writes what the cell says of itself, if that is another thing than before; whoever cannot read it knows less, no more.
    fn tell_status(&mut self, status: Status) {
        let is_told = self.told.as_ref().is_some_and(|(when, told)| {
            let same = Status { looked: told.looked, ..status.clone() };
            when.elapsed() < TELL_AGAIN && same == *told
        });
        if !is_told {
            let _ = self.file.write_status(&Status { memory_bytes: own_memory(), ..status.clone() });
            self.told = Some((Instant::now(), status));
        }
    }

    /// Leftovers of killed host-clis by whose word something is left alone.
    fn tidy(&mut self, seen: &Seen) {
        let is_time = self.tidied.is_none_or(|last| last.elapsed() >= LONGEST_WAIT);
        if !seen.guards.is_empty() && is_time {
            self.tidied = Some(Instant::now());
            self.lives.tidy();
        }
    }

    fn tell(&self, decision: &Decision, now: Timestamp) {
        for (key, words, restart) in &decision.crashed {
            self.tell_crash(key, words, *restart, now);
        }
    }

    fn tell_crash(&self, key: &InstanceKey, words: &str, restart: Restart, now: Timestamp) {
        self.note(crashed(key, words, restart, now));
    }

    fn note(&self, text: String) {
        self.events.emit(Event::Note { text });
    }

    /// Warns of these, of those that were not so the last time.
    fn say_once(&mut self, texts: Vec<String>) {
        let texts: BTreeSet<String> = texts.into_iter().collect();
        for text in texts.difference(&self.said) {
            self.events.emit(Event::Warning { text: escape_control(text).into_owned() });
        }
        self.said = texts;
    }

    /// Waits for what is on its way up.
    #[cfg(test)]
    pub(super) fn settle(&self) {
        let is_busy = || {
            self.in_flight.values().any(|thread| !thread.is_finished())
                || self.ending.values().any(|thread| !thread.is_finished())
        };
        while is_busy() {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

#[cfg(test)]
mod tests;
