//! What one container of a Job's pod says: its log is followed, read again from the time of its last line where it broke off, and heard. Whoever is silent for long
//! is asked for a line beside that: a log hangs without a word where its node is lost.

use super::client::{Cluster, ClusterError, Following, LogNews, Patience, Reason};
use super::job_pod::End;
use super::timed_log::{TimedLines, params};
use crate::backend::log_mark::{After, Mark};
use crate::backend::staging::stream::{EventStream, Said};
use crate::engine::LogRange;
use kube::api::LogParams;
use shared_model::event::Stream;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

/// News of a log. The number says which reading it is of: an earlier one may still say something.
#[derive(Debug)]
pub(super) enum Heard {
    Log(u64, LogNews),
    /// The answer of who was asked for a line.
    Asked(Option<ClusterError>),
}

/// Who is told of a log's news.
pub(super) type Tells = Arc<dyn Fn(Heard) + Send + Sync>;

/// One container's log.
pub(super) struct JobLog {
    pod: String,
    container: &'static str,
    tells: Tells,
    patience: Patience,
    stream: EventStream,
    /// Of the current reading.
    lines: TimedLines,
    mark: Mark,
    /// Which reading is heard; those before it are not.
    number: u64,
    reading: Option<Following>,
    asking: Option<Following>,
    again_at: Option<Instant>,
    heard_at: Instant,
    asked_at: Instant,
    lost_since: Option<(Instant, ClusterError)>,
    /// Since when nobody may read it.
    forbidden: Option<(Instant, ClusterError)>,
    end: Option<(Instant, End)>,
    /// A reading that began after the container's end has come to its own.
    whole: bool,
    /// The current one did.
    after_end: bool,
}

impl JobLog {
    pub(super) fn new(cluster: &Cluster, pod: &str, container: &'static str, tells: &Tells) -> Self {
        let now = Instant::now();
        let mut log = Self {
            pod: pod.to_owned(),
            container,
            tells: Arc::clone(tells),
            patience: *cluster.patience(),
            stream: EventStream::default(),
            lines: TimedLines::default(),
            mark: Mark::default(),
            number: 0,
            reading: None,
            asking: None,
            again_at: None,
            heard_at: now,
            asked_at: now,
            lost_since: None,
            forbidden: None,
            end: None,
            whole: false,
            after_end: false,
        };
        log.read(cluster);
        log
    }

    /// Takes news in, and says what was said.
    pub(super) fn take(&mut self, news: Heard, say: &mut dyn FnMut(Said)) {
        match news {
            Heard::Log(number, _) if number != self.number => {}
            Heard::Log(_, LogNews::Bytes(bytes)) => {
                (self.heard_at, self.lost_since, self.forbidden) = (Instant::now(), None, None);
                self.hear(&bytes, say);
            }
            Heard::Log(_, LogNews::Ended(error)) => {
                self.whole = self.after_end && error.is_none();
                if let Some(error) = error.filter(|error| error.reason == Reason::Forbidden) {
                    self.forbidden.get_or_insert((Instant::now(), error));
                }
                self.reading = None;
                self.again_at = Some(Instant::now() + self.patience.log_again);
            }
            Heard::Asked(None) => {
                self.asking = None;
                if self.lost_since.take().is_some() {
                    // What it said meanwhile does not come by the old way.
                    (self.reading, self.again_at) = (None, Some(Instant::now()));
                }
            }
            Heard::Asked(Some(error)) => {
                self.asking = None;
                self.lost_since.get_or_insert((Instant::now(), error));
            }
        }
    }

    /// Takes in what the node gives, and what is new of it.
    fn hear(&mut self, bytes: &[u8], say: &mut dyn FnMut(Said)) {
        let Self { lines, mark, stream, .. } = self;
        let _ = lines.feed(bytes, &mut |piece| {
            let Some((after, piece)) = mark.take(piece) else { return ControlFlow::Continue(()) };
            if after == After::AGap {
                stream.end(say); // what was begun before does not go on here
                say(Said::Foreign { stream: Stream::Err, text: "(a part of the log was lost)".to_owned() });
            }
            stream.feed(Stream::Out, piece.bytes, say);
            ControlFlow::Continue(())
        });
    }

    /// The container has ended.
    pub(super) fn ends(&mut self, end: End) {
        self.end.get_or_insert((Instant::now(), end));
    }

    /// Goes on where time has passed. `has_last_word`: nothing more is to be said.
    pub(super) fn go_on(&mut self, cluster: &Cluster, has_last_word: bool) {
        let now = Instant::now();
        if self.reading.is_none() && !self.is_over(has_last_word) && self.again_at.is_none_or(|at| at <= now) {
            self.read(cluster);
        }
        let silent = self.end.is_none() && now.duration_since(self.heard_at) > self.patience.silent;
        if silent && self.asking.is_none() && now.duration_since(self.asked_at) > self.patience.asked_again {
            self.asked_at = now;
            let params =
                LogParams { container: Some(self.container.to_owned()), tail_lines: Some(1), ..LogParams::default() };
            let tells = Arc::clone(&self.tells);
            self.asking = Some(cluster.stream(&self.pod, params, move |news| {
                if let LogNews::Ended(error) = news {
                    tells(Heard::Asked(error));
                }
            }));
        }
    }

    /// How it ended, once all that it said has been heard, or was waited for in vain.
    pub(super) fn over(&mut self, has_last_word: bool, say: &mut dyn FnMut(Said)) -> Option<End> {
        if !self.is_over(has_last_word) {
            return None;
        }
        self.stream.end(say);
        self.end.take().map(|(_, end)| end)
    }

    /// Since when nobody may read it, where that is so.
    pub(super) fn forbidden(&self) -> Option<&(Instant, ClusterError)> {
        self.forbidden.as_ref()
    }

    /// Since when nothing is heard of it, and why, where that is so.
    pub(super) fn lost(&self) -> Option<&(Instant, ClusterError)> {
        self.lost_since.as_ref()
    }

    fn is_over(&self, has_last_word: bool) -> bool {
        self.end
            .as_ref()
            .is_some_and(|(since, _)| has_last_word || self.whole || since.elapsed() > self.patience.last_lines)
    }

    fn read(&mut self, cluster: &Cluster) {
        self.number += 1;
        self.after_end = self.end.is_some();
        (self.lines, self.mark) = (TimedLines::default(), self.mark.again());
        let range = LogRange { tail: None, since: self.mark.since(), follow: true };
        let (tells, number) = (Arc::clone(&self.tells), self.number);
        self.reading = Some(cluster.stream(&self.pod, params(self.container, &range), move |news| {
            tells(Heard::Log(number, news));
        }));
    }
}
