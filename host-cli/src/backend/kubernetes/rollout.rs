//! Waiting until all instances of a start are ready and the earlier ones gone; or why they are not, with the app's last lines.

use super::app_pod::{APP, Index};
use super::client::{Cluster, ClusterError, Kind, LogNews, Seen, Taken};
use super::job_pod::{self, Hindrance};
use super::names::NAME;
use super::workload::PROGRESS;
use crate::backend::unhealthy::Unhealthy;
use crate::failure::Failure;
use crate::session::Unconnected;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{ContainerStatus, Event as ClusterEvent, Pod};
use kube::api::LogParams;
use shared_model::event::{Event, EventSink, LONGEST_LINE, Stream};
use shared_model::exit_code::ExitCode;
use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

const QUEUE: usize = 64;
/// How much of what a failed app printed is shown.
const LAST_LINES: i64 = 20;
const MOST_BYTES: i64 = 64 << 10;
const LOG_PATIENCE: Duration = Duration::from_secs(10);

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
    Set(Counts),
    Pod(Seen<Pod>),
    /// Of the workload: what can be seen of it is seen again, or not any more.
    Again,
    /// It was removed.
    Gone,
    Trouble(ClusterError),
}

/// How far a workload is, of either kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    /// The cluster has taken in what was last asked.
    seen: bool,
    wanted: i32,
    /// Instances of this start, those of them that are ready, and all.
    new: i32,
    ready: i32,
    all: i32,
}

/// The uids of a process's pods.
pub(super) fn pods(cluster: &Cluster, name: &str) -> Result<BTreeSet<String>, ClusterError> {
    let pods = cluster.list::<Pod>(&format!("{NAME}={name}"))?;
    Ok(pods.into_iter().filter_map(|pod| pod.metadata.uid).collect())
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
        Index::Unknown => cluster.watch::<Deployment>(&labels, move |seen| told(&tells, deployment(seen, &name))),
        Index::Known => cluster.watch::<StatefulSet>(&labels, move |seen| told(&tells, stateful_set(seen, &name))),
    };
    let mut watch = Watch {
        session,
        cluster,
        rollout,
        began: Instant::now(),
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

/// The one of this name; `Err`: what else there is to tell. Anybody can give another its label.
fn own<K: Kind>(seen: Seen<K>, name: &str) -> Result<K, News> {
    match seen {
        Seen::Is(set) if set.meta().name.as_deref() == Some(name) => Ok(*set),
        Seen::Gone(set) if set.meta().name.as_deref() == Some(name) => Err(News::Gone),
        Seen::Trouble(error) => Err(News::Trouble(error)),
        Seen::Is(_) | Seen::Gone(_) | Seen::Again => Err(News::Again),
    }
}

fn deployment(seen: Seen<Deployment>, name: &str) -> News {
    let set = match own(seen, name) {
        Ok(set) => set,
        Err(news) => return news,
    };
    let (spec, status) = (set.spec.unwrap_or_default(), set.status.unwrap_or_default());
    News::Set(Counts {
        seen: status.observed_generation >= set.metadata.generation,
        wanted: spec.replicas.unwrap_or(1),
        new: status.updated_replicas.unwrap_or(0),
        ready: status.available_replicas.unwrap_or(0),
        all: status.replicas.unwrap_or(0),
    })
}

fn stateful_set(seen: Seen<StatefulSet>, name: &str) -> News {
    let set = match own(seen, name) {
        Ok(set) => set,
        Err(news) => return news,
    };
    let (spec, status) = (set.spec.unwrap_or_default(), set.status.unwrap_or_default());
    let is_one = status.update_revision == status.current_revision;
    News::Set(Counts {
        seen: status.observed_generation >= set.metadata.generation,
        wanted: spec.replicas.unwrap_or(1),
        new: if is_one { status.replicas } else { status.updated_replicas.unwrap_or(0) },
        ready: status.ready_replicas.unwrap_or(0),
        all: status.replicas,
    })
}

impl Counts {
    fn is_done(self) -> bool {
        self.seen && self.new == self.wanted && self.ready == self.wanted && self.all == self.wanted
    }
}

struct Watch<'a> {
    session: &'a Unconnected,
    cluster: &'a Cluster,
    rollout: &'a Rollout<'a>,
    began: Instant,
    /// Those of this start, by uid.
    pods: HashMap<String, Pod>,
    hindrance: Option<(Hindrance, Instant)>,
    asked_why: Instant,
    /// Since when the cluster is not seen.
    trouble: Option<(Instant, ClusterError)>,
}

impl Watch<'_> {
    fn go(&mut self, hears: &Receiver<News>) -> Result<(), Failure> {
        let mut counts = Counts::default();
        let longest = self.rollout.start_timeout + Duration::from_secs(PROGRESS);
        loop {
            match hears.recv_timeout(self.cluster.patience().tick) {
                Ok(News::Set(now)) => counts = now,
                Ok(News::Pod(Seen::Is(pod))) => self.is(*pod),
                Ok(News::Pod(Seen::Gone(pod))) => {
                    self.pods.remove(pod.metadata.uid.as_deref().unwrap_or_default());
                }
                Ok(News::Pod(Seen::Trouble(error)) | News::Trouble(error)) => self.trouble(error),
                Ok(News::Pod(Seen::Again) | News::Again) => self.trouble = None,
                Ok(News::Gone) => {
                    let text = format!("{} was removed while it started", self.rollout.subject);
                    return Err(Failure::new(
                        ExitCode::Launch,
                        text,
                        "launch it again; `kubectl get events` may tell who removed it",
                    ));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::new(ExitCode::Bug, "a rollout is watched by nobody", "please report this"));
                }
            }
            if counts.is_done() {
                return Ok(());
            }
            self.judge()?;
            self.bound()?;
            if self.began.elapsed() > longest {
                let check = String::new();
                return Err(self.unhealthy(&Unhealthy::NotHealthy { waited: longest, check }));
            }
        }
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
        if !is_of(&pod, self.rollout.name) {
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
            if let Some(unhealthy) = ended(pod, self.rollout.start_timeout) {
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
        if self.asked_why.elapsed() < self.cluster.patience().ask_why {
            return self.hindrance.as_ref().map(|(hindrance, _)| hindrance.clone());
        }
        self.asked_why = Instant::now();
        let events = self.cluster.list_by_fields::<ClusterEvent>("reason=FailedCreate").unwrap_or_default();
        // Of the workload, or of what a Deployment makes for each start.
        let of_start = format!("{}-", self.rollout.name);
        let is_its = |event: &ClusterEvent| {
            let name = event.involved_object.name.as_deref().unwrap_or_default();
            name == self.rollout.name || name.starts_with(&of_start)
        };
        let events: Vec<ClusterEvent> = events.into_iter().filter(is_its).collect();
        job_pod::of_events(&events)
    }

    fn unhealthy(&self, unhealthy: &Unhealthy) -> Failure {
        unhealthy.failure(&self.rollout.subject, self.rollout.memory_mb)
    }

    /// What the instance printed before it was ended. It is a help, not the point.
    fn show_last_lines(&self, pod: &Pod) {
        let (tells, hears) = mpsc::channel();
        let params = LogParams {
            container: Some(APP.to_owned()),
            // Unless it is there no more, and another has begun.
            previous: app(pod).is_some_and(|status| !is_ended(status)),
            tail_lines: Some(LAST_LINES),
            limit_bytes: Some(MOST_BYTES),
            ..LogParams::default()
        };
        let _reading = self.cluster.stream(
            pod.metadata.name.as_deref().unwrap_or_default(),
            params,
            Taken::default(),
            move |news| {
                let _ = tells.send(news);
            },
        );
        let (mut bytes, until) = (Vec::new(), Instant::now() + LOG_PATIENCE);
        while let Ok(LogNews::Bytes(more)) = hears.recv_timeout(until.saturating_duration_since(Instant::now())) {
            bytes.extend(more);
        }
        for line in String::from_utf8_lossy(&bytes).lines() {
            let text = line.chars().take(LONGEST_LINE / 4).collect();
            self.session.emit(Event::Line { source: "APP".to_owned(), stream: Stream::Err, text });
        }
    }
}

/// Whether the workload of this name made the pod, or what it makes for each start. Anybody can give a pod its labels.
fn is_of(pod: &Pod, name: &str) -> bool {
    let of_start = format!("{name}-");
    let mut owners = pod.metadata.owner_references.iter().flatten();
    owners.any(|owner| owner.controller == Some(true) && (owner.name == name || owner.name.starts_with(&of_start)))
}

fn app(pod: &Pod) -> Option<&ContainerStatus> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    statuses.iter().find(|status| status.name == APP)
}

fn is_ended(status: &ContainerStatus) -> bool {
    status.state.as_ref().is_some_and(|state| state.terminated.is_some())
}

/// How the app of an instance ended, where the cluster has had to start it again.
fn ended(pod: &Pod, start_timeout: Duration) -> Option<Unhealthy> {
    let status = app(pod)?;
    let known = [status.last_state.as_ref(), status.state.as_ref()];
    let ended = known.into_iter().flatten().find_map(|state| state.terminated.as_ref())?;
    let ran = ended.started_at.as_ref().zip(ended.finished_at.as_ref());
    let ran = ran.map_or(0, |(from, to)| to.0.as_second() - from.0.as_second());
    // The cluster ends one whose check does not pass.
    if ended.exit_code != 0 && u64::try_from(ran).is_ok_and(|ran| ran >= start_timeout.as_secs()) {
        return Some(Unhealthy::NotHealthy { waited: start_timeout, check: String::new() });
    }
    let out_of_memory = ended.reason.as_deref() == Some("OOMKilled");
    Some(Unhealthy::Ended { status: i64::from(ended.exit_code), out_of_memory })
}
