//! What a Job that is followed is waited for: each in its words, and no longer than it may.

use super::Follower;
use super::ended::{Ended, Turn, by_the_cluster};
use crate::backend::kubernetes::client::{ClusterError, Patience};
use crate::backend::kubernetes::job::condition;
use crate::backend::kubernetes::job_log::JobLog;
use crate::backend::kubernetes::job_pod::{self, Hindrance};
use crate::failure::Failure;
use k8s_openapi::api::core::v1::Pod;
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use std::time::Instant;

impl Follower<'_> {
    /// Nothing lasts longer than it may.
    pub(super) fn bound(&mut self) -> Turn<()> {
        let patience = *self.patience();
        if let Some((since, error)) = &self.trouble
            && since.elapsed() > patience.unseen(error)
        {
            let failure = Failure::from(error.clone());
            let text = format!("the Job's pod has not been seen for {} s: {}", since.elapsed().as_secs(), failure.text);
            return Err((Ended::GivenUp, Failure { text, ..failure }));
        }
        if let Some((_, error)) = &self.trouble {
            let text = format!("Waiting for the cluster: {}", error.text);
            self.say_once("trouble", text);
        } else {
            self.said.remove("trouble");
        }
        // It counts from the start of the Job, which may wait for room before.
        if self.began.elapsed() > self.wanted.limit + self.wanted.room + patience.deadline {
            let text = format!("Job {} has not ended in its {} min", self.job.name, self.wanted.limit.as_secs() / 60);
            return Err((
                Ended::GivenUp,
                Failure::new(ExitCode::Timeout, text, "look at the cluster: `kubectl get nodes`"),
            ));
        }
        Ok(())
    }

    /// A log that hangs, of a node that does not answer.
    pub(super) fn lost(&mut self) -> Turn<()> {
        if let Some((since, error)) = self.log.as_ref().and_then(JobLog::forbidden)
            && since.elapsed() > self.patience().refused
        {
            return Err((Ended::GivenUp, Failure::from(error.clone())));
        }
        let Some((since, error)) = self.log.as_ref().and_then(JobLog::lost).cloned() else {
            self.said.remove("lost");
            return Ok(());
        };
        let node = self.pod.as_ref().and_then(|pod| pod.spec.as_ref()?.node_name.clone()).unwrap_or_default();
        if since.elapsed() > self.patience().lost {
            let text = format!("node {node} has not answered for {} s: {}", since.elapsed().as_secs(), error.text);
            let advice = "`kubectl get nodes` shows how it is; stage once more when it is back or gone";
            return Err((Ended::GivenUp, Failure::new(ExitCode::Engine, text, advice)));
        }
        self.say_once("lost", format!("Node {node} does not answer; waiting for it"));
        Ok(())
    }

    /// The pod is gone, and nobody saw how its containers ended.
    pub(super) fn gone(&mut self) -> Turn<()> {
        let Some(since) =
            self.gone_since.filter(|_| self.log.is_none() || !self.pod.as_ref().is_some_and(|pod| self.has_ended(pod)))
        else {
            return Ok(());
        };
        if !self.others.is_empty() {
            let next = self.others.remove(0);
            let name = next.metadata.name.clone().unwrap_or_default();
            self.session.emit(Event::Warning { text: format!("the pod is gone; the Job stages again, in {name}") });
            self.choose(next);
            return Ok(());
        }
        if self.asked_why.elapsed() < self.patience().ask_why {
            return Ok(());
        }
        self.asked_why = Instant::now();
        self.look_at_job()?;
        if since.elapsed() > self.patience().successor {
            let text = "the pod is gone, and the Job makes no other";
            return Err((Ended::GivenUp, Failure::new(ExitCode::Engine, text, "stage once more")));
        }
        Ok(())
    }

    /// Whether the Job itself is over: then no pod comes.
    fn look_at_job(&self) -> Turn<()> {
        let Ok(job) = self.job.now() else { return Ok(()) };
        let Some(job) = job else {
            let text = format!("Job {} was deleted while it staged", self.job.name);
            return Err((Ended::ByItself, Failure::new(ExitCode::Engine, text, "stage once more")));
        };
        if let Some((reason, text)) = condition(&job, "Failed") {
            return Err((Ended::ByItself, by_the_cluster(&reason, &text)));
        }
        if condition(&job, "Complete").is_some() {
            let text = format!("Job {} is done, and its pod is gone: nobody knows its result", self.job.name);
            return Err((Ended::GivenUp, Failure::new(ExitCode::Engine, text, "stage once more")));
        }
        Ok(())
    }

    /// The container has not begun: why, and whether that can pass.
    pub(super) fn wait_for_pod(&mut self, pod: Option<&Pod>) -> Turn<()> {
        let patience = *self.patience();
        let of_pod = pod.and_then(|pod| job_pod::hindrance(pod, self.container));
        if of_pod.is_some() {
            self.hindrance = of_pod.map(|found| found.since(self.hindrance.take()));
        } else if self.asked_why.elapsed() > patience.ask_why {
            self.asked_why = Instant::now();
            if pod.is_none() {
                self.look_at_job()?;
            }
            // What nobody can tell at the moment is as it was.
            if let Ok(told) = self.told_by_events(pod) {
                self.hindrance = told.map(|found| found.since(self.hindrance.take()));
            }
        }
        let Some((hindrance, since)) = &self.hindrance else {
            if self.known_at.elapsed() > patience.silence {
                let text =
                    format!("the Job's pod does not start, and nothing says why, for {} s", patience.silence.as_secs());
                let advice = "look at the cluster: `kubectl describe job`, `kubectl get nodes`";
                return Err((Ended::GivenUp, Failure::new(ExitCode::Engine, text, advice)));
            }
            return Ok(());
        };
        // One that got room after hours has the same time to begin as any other.
        self.known_at = Instant::now();
        let (kind, text) = (hindrance.kind, hindrance.text.clone());
        if since.elapsed() > kind.patience(&patience, self.wanted.room) {
            let text = format!("the Job's pod does not start: {text}");
            return Err((Ended::GivenUp, Failure::new(ExitCode::Engine, text, kind.advice())));
        }
        self.say_once(&format!("{kind:?}"), format!("Waiting for the cluster: {text}"));
        Ok(())
    }

    /// What the cluster's newest word of the pod, or of a Job without one, tells of what keeps it; nothing where it goes on.
    fn told_by_events(&self, pod: Option<&Pod>) -> Result<Option<Hindrance>, ClusterError> {
        let Some(uid) = pod.map_or(self.job.uid(), |pod| pod.metadata.uid.as_ref()) else { return Ok(None) };
        Ok(job_pod::of_events(&self.job.cluster.events_of(uid)?))
    }

    pub(super) fn patience(&self) -> &Patience {
        self.job.cluster.patience()
    }

    pub(super) fn say_once(&mut self, key: &str, text: String) {
        if self.said.insert(key.to_owned()) {
            self.session.emit(Event::Note { text });
        }
    }
}
