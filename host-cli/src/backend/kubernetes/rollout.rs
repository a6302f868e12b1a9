//! Waiting until all instances of a start are ready and the earlier ones gone; or why they are not, with the app's last lines.
//!
//! - `progress`: how far the workload is. `instance`: what became of one instance.

mod instance;
mod progress;

use super::app_pod::{APP, Index};
use super::client::{Cluster, ClusterError, Seen};
use super::job_pod::{self, Hindrance};
use super::names::NAME;
use super::workload::PROGRESS;
use crate::backend::unhealthy::Unhealthy;
use crate::failure::Failure;
use crate::session::Unconnected;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::Pod;
use progress::{Progress, SetNews};
use shared_model::event::{Event, EventSink, Stream};
use shared_model::exit_code::ExitCode;
use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

const QUEUE: usize = 64;

/// What is awaited.
pub(super) struct Rollout<'a> {
    pub(super) name: &'a str,
    pub(super) index: Index,
    /// The app, as a failure calls it.
    pub(super) subject: String,
    pub(super) memory_mb: i32,
    pub(super) start_timeout: Duration,
    /// The uids of its pods that were there before: whatever becomes of these is not this start's.
    pub(super) earlier: BTreeSet<String>,
}

enum News {
    Set(SetNews),
    Pod(Seen<Pod>),
}

/// The uids of a process's pods.
pub(super) fn pods(cluster: &Cluster, name: &str) -> Result<BTreeSet<String>, ClusterError> {
    let pods = cluster.list::<Pod>(&format!("{NAME}={name}"))?;
    Ok(pods.into_iter().filter_map(|pod| pod.metadata.uid).collect())
}

/// Of a Deployment whose rollout stands still: what lets it go on.
pub(super) fn resume(namespace: &str, name: &str) -> String {
    format!("`kubectl -n {namespace} rollout resume deployment/{name}`")
}

/// Waits.
///
/// # Errors
/// An instance ended or never became ready, or the cluster has no place for it.
pub(super) fn wait(session: &Unconnected, cluster: &Cluster, rollout: &Rollout<'_>) -> Result<(), Failure> {
    let (tells, hears) = mpsc::sync_channel(QUEUE);
    let labels = format!("{NAME}={}", rollout.name);
    let (of_pods, name) = (tells.clone(), rollout.name.to_owned());
    let _pods = cluster.watch::<Pod>(&labels, move |seen| told(&of_pods, News::Pod(seen)));
    let _set = match rollout.index {
        Index::Unknown => {
            cluster.watch::<Deployment>(&labels, move |seen| told(&tells, News::Set(progress::deployment(seen, &name))))
        }
        Index::Known => cluster
            .watch::<StatefulSet>(&labels, move |seen| told(&tells, News::Set(progress::stateful_set(seen, &name)))),
    };
    let mut watch = Watch {
        session,
        cluster,
        rollout,
        began: Instant::now(),
        progress: Progress::default(),
        pods: HashMap::new(),
        hindrance: None,
        asked_why: Instant::now(),
        trouble: None,
    };
    watch.go(&hears)
}

fn told(tells: &SyncSender<News>, news: News) -> ControlFlow<()> {
    if tells.send(news).is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

struct Watch<'a> {
    session: &'a Unconnected,
    cluster: &'a Cluster,
    rollout: &'a Rollout<'a>,
    began: Instant,
    progress: Progress,
    /// Those of this start, by uid.
    pods: HashMap<String, Pod>,
    hindrance: Option<(Hindrance, Instant)>,
    asked_why: Instant,
    /// Since when the cluster is not seen.
    trouble: Option<(Instant, ClusterError)>,
}

impl Watch<'_> {
    fn go(&mut self, hears: &Receiver<News>) -> Result<(), Failure> {
        let longest = self.rollout.start_timeout + Duration::from_secs(PROGRESS);
        loop {
            match hears.recv_timeout(self.cluster.patience().tick) {
                Ok(News::Set(SetNews::Progress(now))) => self.goes_on(now),
                Ok(News::Pod(Seen::Is(pod))) => self.is(*pod),
                Ok(News::Pod(Seen::Gone(pod))) => {
                    self.pods.remove(pod.metadata.uid.as_deref().unwrap_or_default());
                }
                Ok(News::Pod(Seen::Trouble(error)) | News::Set(SetNews::Trouble(error))) => self.trouble(error),
                Ok(News::Pod(Seen::Again) | News::Set(SetNews::Again)) => self.trouble = None,
                Ok(News::Set(SetNews::Gone)) => {
                    let text = format!("{} was removed while it started", self.rollout.subject);
                    let advice = "launch it again; `kubectl get events` may tell who removed it";
                    return Err(Failure::new(ExitCode::Launch, text, advice));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::new(ExitCode::Bug, "a rollout is watched by nobody", "please report this"));
                }
            }
            if self.progress.is_done() {
                return Ok(());
            }
            self.judge()?;
            self.bound()?;
            if self.began.elapsed() > longest {
                return Err(self.too_long(longest));
            }
        }
    }

    /// What the workload says now. One that somebody pauses in the middle stays as it is: who pauses a rollout wants to look at it.
    fn goes_on(&mut self, now: Progress) {
        if now.paused && !self.progress.paused {
            let resume = resume(self.cluster.namespace(), self.rollout.name);
            let text = format!("The rollout of {} is paused; {resume} lets it go on", self.rollout.subject);
            self.session.emit(Event::Warning { text });
        }
        self.progress = now;
    }

    fn too_long(&self, waited: Duration) -> Failure {
        if self.progress.paused {
            let text = format!("{} is paused, and was not resumed for {} s", self.rollout.subject, waited.as_secs());
            let resume = resume(self.cluster.namespace(), self.rollout.name);
            return Failure::new(ExitCode::Launch, text, format!("{resume}, then launch it again"));
        }
        self.unhealthy(&Unhealthy::NotHealthy { waited, check: String::new() })
    }

    fn trouble(&mut self, error: ClusterError) {
        let since = self.trouble.take().map(|(since, _)| since);
        if since.is_none() {
            self.session.emit(Event::Note { text: format!("Waiting for the cluster: {}", error.text) });
        }
        self.trouble = Some((since.unwrap_or_else(Instant::now), error));
    }

    /// A cluster that is away may come back; who may not look at it need not wait.
    fn bound(&self) -> Result<(), Failure> {
        let Some((since, error)) = &self.trouble else { return Ok(()) };
        let patience = self.cluster.patience();
        if since.elapsed() <= patience.unseen(error) {
            return Ok(());
        }
        let failure = Failure::from(error.clone());
        let text =
            format!("{} has not been seen for {} s: {}", self.rollout.subject, since.elapsed().as_secs(), failure.text);
        Err(Failure { text, ..failure })
    }

    fn is(&mut self, pod: Pod) {
        let uid = pod.metadata.uid.clone().unwrap_or_default();
        if !instance::is_of(&pod, self.rollout.name) {
            return;
        }
        if !self.rollout.earlier.contains(&uid) {
            self.pods.insert(uid, pod);
        }
    }

    /// Whether an instance of this start has shown that it comes to nothing.
    fn judge(&mut self) -> Result<(), Failure> {
        let new = self.pods.values().filter(|pod| pod.metadata.deletion_timestamp.is_none());
        let new: Vec<Pod> = new.cloned().collect();
        for pod in &new {
            if let Some(unhealthy) = instance::ended(pod, self.rollout.start_timeout) {
                self.show_last_lines(pod);
                return Err(self.unhealthy(&unhealthy));
            }
        }
        let found = new.iter().find_map(|pod| job_pod::hindrance(pod, APP));
        let found = if new.is_empty() { self.why_none() } else { found };
        let Some(hindrance) = found else {
            self.hindrance = None;
            return Ok(());
        };
        if self.hindrance.as_ref().is_none_or(|(known, _)| known.kind != hindrance.kind) {
            self.session.emit(Event::Note { text: format!("Waiting for the cluster: {}", hindrance.text) });
        }
        let (kind, text) = (hindrance.kind, hindrance.text.clone());
        let known = hindrance.since(self.hindrance.take());
        let (_, since) = self.hindrance.insert(known);
        if since.elapsed() > kind.patience(self.cluster.patience(), job_pod::ROOM) {
            let text = format!("{} does not start: {text}", self.rollout.subject);
            return Err(Failure::new(ExitCode::Launch, text, kind.advice()));
        }
        Ok(())
    }

    /// What the cluster tells of pods that it does not make.
    fn why_none(&mut self) -> Option<Hindrance> {
        if self.rollout.index == Index::Unknown {
            return self.progress.hindrance.clone();
        }
        let known = || self.hindrance.as_ref().map(|(hindrance, _)| hindrance.clone());
        if self.progress.uid.is_empty() || self.asked_why.elapsed() < self.cluster.patience().ask_why {
            return known();
        }
        self.asked_why = Instant::now();
        // What nobody can tell at the moment is as it was.
        self.cluster.events_of(&self.progress.uid).map_or_else(|_| known(), |events| job_pod::of_events(&events))
    }

    fn unhealthy(&self, unhealthy: &Unhealthy) -> Failure {
        unhealthy.failure(&self.rollout.subject, self.rollout.memory_mb)
    }

    fn show_last_lines(&self, pod: &Pod) {
        for text in instance::last_lines(self.cluster, pod) {
            self.session.emit(Event::Line { source: "APP".to_owned(), stream: Stream::Err, text });
        }
    }
}
