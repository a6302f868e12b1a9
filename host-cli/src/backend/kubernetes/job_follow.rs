//! A Job's pod is watched and its logs are heard until there is a result, or until there will be none: each in its words, and in
//! bounded time.
//!
//! - `waiting`: how long each thing may take. `ended`: how a Job without a result is over.

mod ended;
mod waiting;

use super::client::{ClusterError, Seen};
use super::job::OwnJob;
use super::job_log::{Heard as LogHeard, JobLog, Tells};
use super::job_pod::{self, End, Hindrance, Stand};
use super::stage_job::{PUBLISH, STAGE};
use crate::backend::staging::stream::Said;
use crate::backend::staging::{Heard, Staged, Subject, verdict};
use crate::failure::Failure;
use crate::session::Unconnected;
pub(super) use ended::Ended;
use ended::{DEADLINE, Turn, by_the_cluster};
use k8s_openapi::api::core::v1;
use shared_model::event::{Event, EventSink, Step};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// News that wait for whoever follows; when there are more, the cluster has to wait.
const QUEUE: usize = 64;

/// What is to come of a Job.
pub(super) struct Wanted<'a> {
    pub(super) subject: Subject<'a>,
    /// Whether its second container publishes.
    pub(super) publishes: bool,
    /// How long it may take, from its start.
    pub(super) limit: Duration,
    /// How long it may wait for room.
    pub(super) room: Duration,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Nothing was to be published.
    Staged,
    /// What was published: the last words of the one who did, as they stand; and when that was begun.
    Published(String, Instant),
}

enum News {
    Pod(Seen<v1::Pod>),
    Log(LogHeard),
}

/// Follows the Job to its end.
///
/// # Errors
/// No result came of it. [`Ended`] says whether anything of it goes on.
pub(super) fn follow(session: &Unconnected, job: &OwnJob, wanted: &Wanted<'_>) -> Result<Outcome, (Ended, Failure)> {
    let (tells, hears) = mpsc::sync_channel(QUEUE);
    let of_pods = tells.clone();
    let _watching = job.cluster.watch::<v1::Pod>(&format!("job-name={}", job.name), move |seen| {
        if of_pods.send(News::Pod(seen)).is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    let of_logs = move |news| drop(tells.send(News::Log(news))); // nobody waits for more once this is over
    Follower::new(session, job, wanted, Arc::new(of_logs)).go(&hears)
}

struct Follower<'a> {
    session: &'a Unconnected,
    job: &'a OwnJob,
    wanted: &'a Wanted<'a>,
    of_logs: Tells,
    began: Instant,
    /// The pod whose result counts, as it was last seen.
    pod: Option<v1::Pod>,
    /// Others of the same Job: where a node is lost there may be one.
    others: Vec<v1::Pod>,
    gone_since: Option<Instant>,
    /// The container whose turn it is.
    container: &'static str,
    /// Since when it might begin.
    turn_began: Instant,
    /// When it was last known what keeps it from that; before, when its turn began.
    known_at: Instant,
    log: Option<JobLog>,
    heard: Heard,
    has_last_word: bool,
    hindrance: Option<(Hindrance, Instant)>,
    asked_why: Instant,
    trouble: Option<(Instant, ClusterError)>,
    said: BTreeSet<String>,
}

impl<'a> Follower<'a> {
    fn new(session: &'a Unconnected, job: &'a OwnJob, wanted: &'a Wanted<'a>, of_logs: Tells) -> Self {
        Self {
            session,
            job,
            wanted,
            of_logs,
            began: Instant::now(),
            pod: None,
            others: Vec::new(),
            gone_since: None,
            container: STAGE,
            turn_began: Instant::now(),
            known_at: Instant::now(),
            log: None,
            heard: Heard::default(),
            has_last_word: false,
            hindrance: None,
            asked_why: Instant::now(),
            trouble: None,
            said: BTreeSet::new(),
        }
    }

    fn go(mut self, news: &Receiver<News>) -> Turn<Outcome> {
        loop {
            match news.recv_timeout(self.patience().tick) {
                Ok(News::Pod(seen)) => self.see(seen),
                Ok(News::Log(news)) => {
                    let (session, container, heard, last) =
                        (self.session, self.container, &mut self.heard, &mut self.has_last_word);
                    if let Some(log) = &mut self.log {
                        log.take(news, &mut |said| hear(session, container, heard, last, said));
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            if let Some(outcome) = self.turn()? {
                return Ok(outcome);
            }
        }
    }

    /// What is seen of pods.
    fn see(&mut self, seen: Seen<v1::Pod>) {
        match seen {
            Seen::Trouble(error) => {
                let since = self.trouble.take().map_or_else(Instant::now, |(since, _)| since);
                self.trouble = Some((since, error));
            }
            Seen::Again => self.trouble = None,
            Seen::Is(pod) | Seen::Gone(pod) if !self.job.has(&pod) => {}
            Seen::Is(pod) => match &self.pod {
                Some(known) if known.metadata.uid == pod.metadata.uid => self.pod = Some(*pod),
                None => self.choose(*pod),
                Some(_) => {
                    self.others.retain(|other| other.metadata.uid != pod.metadata.uid);
                    self.others.push(*pod);
                }
            },
            Seen::Gone(pod) => {
                self.others.retain(|other| other.metadata.uid != pod.metadata.uid);
                if self.pod.as_ref().is_some_and(|known| known.metadata.uid == pod.metadata.uid) {
                    self.pod = Some(*pod); // its last state may hold the result
                    self.gone_since.get_or_insert_with(Instant::now);
                }
            }
        }
    }

    /// From now on this pod's result counts, and no other's.
    fn choose(&mut self, pod: v1::Pod) {
        (self.pod, self.log, self.gone_since) = (Some(pod), None, None);
        (self.container, self.heard, self.has_last_word) = (STAGE, Heard::default(), false);
        (self.turn_began, self.known_at) = (Instant::now(), Instant::now());
    }

    /// One look at all that is known. The outcome, once there is one.
    fn turn(&mut self) -> Turn<Option<Outcome>> {
        self.bound()?;
        let Some(pod) = self.pod.clone() else {
            self.wait_for_pod(None)?;
            return Ok(None);
        };
        match job_pod::stand(&pod, self.container) {
            Stand::Waiting => {}
            Stand::Running => self.listen(&pod),
            Stand::Ended(end) => {
                self.listen(&pod);
                if let Some(log) = &mut self.log {
                    log.ends(end);
                }
            }
        }
        if let Some(log) = &mut self.log {
            log.go_on(&self.job.cluster, self.has_last_word);
            let (session, container, heard, last) =
                (self.session, self.container, &mut self.heard, &mut self.has_last_word);
            let has_last_word = *last;
            if let Some(end) = log.over(has_last_word, &mut |said| hear(session, container, heard, last, said)) {
                return self.container_ended(&pod, end);
            }
            self.lost()?;
        }
        if let Some((reason, text)) = job_pod::fate(&pod).filter(|_| !self.has_ended(&pod)) {
            return Err((Ended::ByItself, by_the_cluster(&reason, &text)));
        }
        if self.gone_since.is_some() {
            self.gone()?;
        } else if self.log.is_none() {
            self.wait_for_pod(Some(&pod))?;
        }
        Ok(None)
    }

    /// Whether the container of this turn has said how it ended.
    fn has_ended(&self, pod: &v1::Pod) -> bool {
        matches!(job_pod::stand(pod, self.container), Stand::Ended(_))
    }

    fn listen(&mut self, pod: &v1::Pod) {
        self.hindrance = None;
        if self.log.is_none() {
            let name = pod.metadata.name.as_deref().unwrap_or_default();
            self.log = Some(JobLog::new(&self.job.cluster, name, self.container, &self.of_logs));
        }
    }

    fn container_ended(&mut self, pod: &v1::Pod, end: End) -> Turn<Option<Outcome>> {
        self.log = None;
        self.has_last_word = false;
        let heard = std::mem::take(&mut self.heard);
        // An agent that the cluster ends says no more than that it was ended.
        let is_told = |reason: &str| heard.failed.is_some() && reason != DEADLINE;
        if let Some((reason, text)) = job_pod::fate(pod).filter(|(reason, _)| end.code != 0 && !is_told(reason)) {
            return Err((Ended::ByItself, by_the_cluster(&reason, &text)));
        }
        // Who publishes is judged by its last words, and judges itself what was staged: a log that was lost changes nothing.
        let is_judged_elsewhere = end.code == 0 && self.wanted.publishes && heard.failed.is_none();
        if is_judged_elsewhere && self.container == PUBLISH {
            return Ok(Some(Outcome::Published(end.message, self.turn_began)));
        }
        let staged = if is_judged_elsewhere {
            Staged::Wholly
        } else {
            verdict(heard, Some(end.code), end.out_of_memory, self.wanted.subject)
                .map_err(|failure| (Ended::ByItself, failure))?
        };
        if !self.wanted.publishes || staged != Staged::Wholly {
            return Ok(Some(Outcome::Staged));
        }
        (self.container, self.turn_began, self.known_at) = (PUBLISH, Instant::now(), Instant::now());
        self.session.emit(Event::StepStarted { step: Step::Push });
        Ok(None)
    }
}

/// Takes in what a container said, and shows what it may say: of a staging the agent's, of the publisher what it sends.
fn hear(session: &Unconnected, container: &str, heard: &mut Heard, last: &mut bool, said: Said) {
    if let Said::Event(event) = &said {
        *last |= matches!(event, Event::Done { .. } | Event::Failed { .. });
        let is_of_push = matches!(event, Event::Pushing { .. } | Event::PushProgress { .. });
        if container == PUBLISH && is_of_push {
            session.emit(event.clone());
        }
    }
    let _ = heard.take(said, &mut |event| session.emit(event));
}
