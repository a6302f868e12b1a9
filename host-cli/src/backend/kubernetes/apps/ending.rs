//! Ends apps in a cluster. A stopped app keeps all its objects, with no instance; of a deleted one all go, its Secrets by their names:
//! who runs apps has no right to look for Secrets. What names them goes last, so that a deletion that was broken off can be repeated;
//! and a policy goes after the pods that it keeps in. What has the app's labels and another name than stager gives it is left alone.

use super::seen::{Routes, Workload, WorkloadKind, has_ended, instances, is_ours, labels_of, wanted_by};
use crate::backend::kubernetes::client::{Cluster, ClusterError, Kind, Owned, Reason};
use crate::failure::Failure;
use crate::plan::apps::{AppInstance, Part, RunningApp};
use crate::session::{Unconnected, millis};
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{Pod, Secret, Service};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde_json::json;
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

/// How long pods are awaited that were told to go: the grace of their own is 15 s.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at them.
const POLL: Duration = Duration::from_millis(500);
/// How many instances a stopped app had, for who starts it again.
const REPLICAS: &str = "stager/stopped-replicas";

/// Ends an app.
pub(super) struct Ending<'a> {
    session: &'a Unconnected,
    cluster: &'a Cluster,
    app: &'a RunningApp,
}

impl<'a> Ending<'a> {
    pub(super) const fn new(session: &'a Unconnected, cluster: &'a Cluster, app: &'a RunningApp) -> Self {
        Self { session, cluster, app }
    }

    /// Lets the meant processes have no instance. The workloads are ours.
    pub(super) fn stop(&self, workloads: &[Workload], part: &Part) -> Result<(), Failure> {
        if part.index.is_some() {
            let text = "a cluster stops all instances of a process, not one of them";
            return Err(Failure::new(ExitCode::CommandLine, text, "`host-cli stop APP/PROCESS` stops a process"));
        }
        let is_meant = |one: &&Workload| part.process.as_ref().is_none_or(|process| *process == one.process_type);
        let running: Vec<&Workload> = workloads.iter().filter(is_meant).filter(|one| one.replicas > 0).collect();
        if running.is_empty() {
            let text = format!("{} is stopped already", escape_control(self.app.subject()));
            self.session.emit(Event::Note { text });
            return Ok(());
        }
        self.end(&running)
    }

    /// Removes all that is the app's. The workloads are ours.
    pub(super) fn delete(&self, workloads: &[Workload]) -> Result<(), Failure> {
        self.end(&workloads.iter().collect::<Vec<_>>())?;
        self.remove_all::<PodDisruptionBudget>()?;
        self.remove_all::<Ingress>()?;
        self.remove_all::<Service>()?;
        self.remove_all::<NetworkPolicy>()?;
        for name in workloads.iter().flat_map(|one| &one.secrets) {
            self.remove::<Secret>(name)?;
        }
        for one in workloads {
            match one.kind {
                WorkloadKind::Deployment => self.remove::<Deployment>(&one.name)?,
                WorkloadKind::StatefulSet => self.remove::<StatefulSet>(&one.name)?,
            }
        }
        let text = "Its image in the registry stays, and the claims of its volumes";
        self.session.emit(Event::Note { text: text.to_owned() });
        Ok(())
    }

    /// Lets these have no instance, and waits until it is so.
    fn end(&self, workloads: &[&Workload]) -> Result<(), Failure> {
        let (began, before) = (Instant::now(), self.pods(workloads)?);
        for one in workloads.iter().filter(|one| one.replicas > 0) {
            let fields = json!({
                "metadata": { "annotations": { REPLICAS: one.replicas.to_string() } },
                "spec": { "replicas": 0 },
            });
            match one.kind {
                WorkloadKind::Deployment => drop(self.cluster.change::<Deployment>(&one.name, &fields)?),
                WorkloadKind::StatefulSet => drop(self.cluster.change::<StatefulSet>(&one.name, &fields)?),
            }
        }
        self.await_end(before, began)
    }

    fn remove_all<K: Kind>(&self) -> Result<(), ClusterError> {
        let listed = match self.cluster.list::<K>(&labels_of(self.app)) {
            // A cluster before 1.21 has no such budgets.
            Err(error) if error.reason == Reason::Missing => Vec::new(),
            listed => listed?,
        };
        for object in &listed {
            let name = object.meta().name.as_deref().unwrap_or_default();
            if is_ours(object.meta()) {
                self.remove::<K>(name)?;
            } else {
                self.session.emit(left_alone(&K::kind(&()), name));
            }
        }
        Ok(())
    }

    fn remove<K: Kind>(&self, name: &str) -> Result<(), ClusterError> {
        if self.cluster.delete::<K>(name, Owned::After)? {
            let (app_name, app_guid) = (self.app.subject().to_owned(), self.app.guid.clone());
            let kind = K::kind(&()).into_owned();
            self.session.emit(Event::Deleted { app_name, app_guid, kind, name: name.to_owned() });
        }
        Ok(())
    }

    /// The instances of these workloads that have not ended, by their pods' names, each with its process. What else has the app's labels
    /// does not go with them, and is not waited for.
    fn pods(&self, workloads: &[&Workload]) -> Result<BTreeMap<String, (String, AppInstance)>, ClusterError> {
        let mut pods = self.cluster.list::<Pod>(&labels_of(self.app))?;
        pods.retain(|pod| wanted_by(pod).is_some_and(|name| workloads.iter().any(|one| one.name == name)));
        let seen = instances(&pods, &Routes::default()).into_iter();
        Ok(seen
            .filter_map(|one| Some((one.process_type, one.instance?)))
            .map(|one| (one.1.name.clone(), one))
            .collect())
    }

    /// Says of each of these when it has gone.
    fn await_end(&self, mut awaited: BTreeMap<String, (String, AppInstance)>, began: Instant) -> Result<(), Failure> {
        while !awaited.is_empty() {
            let pods = self.cluster.list::<Pod>(&labels_of(self.app))?;
            let is_it = |pod: &Pod, name: &String| pod.metadata.name.as_ref() == Some(name);
            let is_there = |name: &String| pods.iter().any(|pod| is_it(pod, name) && !has_ended(pod));
            let gone: Vec<String> = awaited.keys().filter(|name| !is_there(name)).cloned().collect();
            for (name, (process, instance)) in gone.iter().filter_map(|name| awaited.remove_entry(name)) {
                let (app_name, app_guid) = (self.app.subject().to_owned(), self.app.guid.clone());
                let (index, ms) = (instance.index, millis(began));
                self.session.emit(Event::Stopped { app_name, app_guid, process, index, name, ms });
            }
            if !awaited.is_empty() {
                if began.elapsed() > PATIENCE {
                    let names = shared_model::names::listed(awaited.keys());
                    let text = format!("not gone within {} s: pods {}", PATIENCE.as_secs(), escape_control(&names));
                    let advice =
                        "`kubectl describe pod NAME` says what holds it; a node that is cut off keeps its pods";
                    return Err(Failure::new(ExitCode::Timeout, text, advice));
                }
                thread::sleep(POLL);
            }
        }
        Ok(())
    }
}

/// That something of this kind only looks like the app's.
pub(super) fn left_alone(kind: &str, name: &str) -> Event {
    let name = escape_control(name);
    let text = format!("{kind} {name} has stager's labels but not the name that stager gives it; it is left alone");
    Event::Warning { text }
}
