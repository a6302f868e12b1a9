//! The apps of one namespace: what runs, what it prints, and its end. Workloads say what is wanted, pods what there is.

mod ending;
mod log;
mod seen;

use super::client::{Cluster, ClusterError, Reason};
use crate::backend::apps::{AppsBackend, LogSource};
use crate::engine::{LogPiece, LogRange};
use crate::failure::Failure;
use crate::plan::apps::{RunningApp, Seen, Selected, apps};
use crate::session::Unconnected;
use ending::{Ending, left_alone};
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::networking::v1::Ingress;
use seen::{Routes, Workload, instances, sources};
use shared_model::event::EventSink;
use std::ops::ControlFlow;

/// All of ours that belongs to an app.
const OF_APPS: &str = "stager/kind=app";

/// The apps of a namespace.
pub(crate) struct AppsInCluster {
    session: Unconnected,
    cluster: Cluster,
}

impl AppsInCluster {
    /// Nothing is asked yet.
    pub(crate) fn new(session: &Unconnected, cluster: Cluster) -> Self {
        Self { session: session.clone(), cluster }
    }

    /// What keeps instances running, of all apps or of one.
    fn workloads(&self, labels: &str) -> Result<Vec<Workload>, ClusterError> {
        let deployments =
            self.cluster.list::<Deployment>(labels)?.iter().map(Workload::of_deployment).collect::<Vec<_>>();
        let sets = self.cluster.list::<StatefulSet>(labels)?.iter().map(Workload::of_stateful_set).collect::<Vec<_>>();
        Ok([deployments, sets].concat())
    }

    /// What keeps this app running and bears stager's names; says what else looks like it.
    fn our_workloads(&self, app: &RunningApp) -> Result<Vec<Workload>, ClusterError> {
        let (ours, foreign): (Vec<_>, Vec<_>) =
            self.workloads(&seen::labels_of(app))?.into_iter().partition(|one| one.is_ours);
        for one in foreign {
            self.session.emit(left_alone(one.kind.name(), &one.name));
        }
        Ok(ours)
    }

    /// Where processes answer. Who may not look at that sees the rest.
    fn routes(&self) -> Result<Routes, ClusterError> {
        let services = permitted(self.cluster.list::<Service>(OF_APPS))?;
        let ingresses = permitted(self.cluster.list::<Ingress>(OF_APPS))?;
        Ok(Routes::of(&services, &ingresses))
    }
}

/// What this user may not see is not there.
fn permitted<T>(listed: Result<Vec<T>, ClusterError>) -> Result<Vec<T>, ClusterError> {
    match listed {
        Err(error) if error.reason == Reason::Forbidden => Ok(Vec::new()),
        listed => listed,
    }
}

impl AppsBackend for AppsInCluster {
    fn apps(&self) -> Result<Vec<RunningApp>, Failure> {
        let (workloads, routes) = (self.workloads(OF_APPS)?, self.routes()?);
        let pods = self.cluster.list::<Pod>(OF_APPS)?;
        let wanted = workloads.iter().map(Workload::seen);
        let there: Vec<Seen> = instances(&pods, &routes);
        Ok(apps(wanted.chain(there)))
    }

    fn log_sources(&self, app: &RunningApp) -> Result<Option<Vec<LogSource>>, Failure> {
        let labels = seen::labels_of(app);
        let found = sources(&self.cluster.list::<Pod>(&labels)?);
        if found.is_empty() && self.workloads(&labels)?.is_empty() {
            return Ok(None);
        }
        Ok(Some(found))
    }

    fn read_log(
        &self,
        source: &LogSource,
        range: &LogRange,
        output: &mut dyn FnMut(LogPiece<'_>) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        Ok(log::read(&self.cluster, source, range, output)?)
    }

    fn stop(&self, selected: &Selected) -> Result<(), Failure> {
        let workloads = self.our_workloads(&selected.app)?;
        Ending::new(&self.session, &self.cluster, &selected.app).stop(&workloads, &selected.part)
    }

    fn delete(&self, app: &RunningApp) -> Result<(), Failure> {
        let workloads = self.our_workloads(app)?;
        Ending::new(&self.session, &self.cluster, app).delete(&workloads)
    }

    fn what_goes(&self, app: &RunningApp) -> String {
        let pods: usize = app.processes.iter().map(|process| process.instances.len()).sum();
        let pods = if pods == 1 { "1 pod".to_owned() } else { format!("{pods} pods") };
        format!("{pods} in namespace {}, with its Services, Secrets and policies", self.cluster.namespace())
    }
}

#[cfg(test)]
mod tests;
