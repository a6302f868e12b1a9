//! How far a workload is, of either kind, as its own status tells it; and what its controller says of pods that it does not make. Pure.

use crate::backend::kubernetes::client::{ClusterError, Kind, Seen};
use crate::backend::kubernetes::job_pod::{Hindrance, uncreated};
use k8s_openapi::api::apps::v1::{Deployment, DeploymentCondition, StatefulSet};

/// What was seen of a workload.
pub(super) enum SetNews {
    Progress(Progress),
    /// What can be seen of it is seen again, or it is another one.
    Again,
    /// It was removed.
    Gone,
    Trouble(ClusterError),
}

/// How far a workload is. The default is one that nobody has seen yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// The cluster has taken in what was last asked.
    pub(super) seen: bool,
    pub(super) wanted: i32,
    /// Instances of this start, those of them that are ready, and all.
    pub(super) new: i32,
    pub(super) ready: i32,
    pub(super) all: i32,
    /// Somebody wants its rollout to stand still.
    pub(super) paused: bool,
    /// Why it makes no pods, where it says that itself: a Deployment does, a StatefulSet leaves it to events.
    pub(super) hindrance: Option<Hindrance>,
    /// What tells it from any other; empty: nobody has seen it.
    pub(super) uid: String,
}

impl Progress {
    /// All instances are of this start, and ready.
    pub(super) fn is_done(&self) -> bool {
        self.seen && self.new == self.wanted && self.ready == self.wanted && self.all == self.wanted
    }
}

/// The one of this name; `Err`: what else there is to tell. Anybody can give another its label.
fn own<K: Kind>(seen: Seen<K>, name: &str) -> Result<K, SetNews> {
    match seen {
        Seen::Is(set) if set.meta().name.as_deref() == Some(name) => Ok(*set),
        Seen::Gone(set) if set.meta().name.as_deref() == Some(name) => Err(SetNews::Gone),
        Seen::Trouble(error) => Err(SetNews::Trouble(error)),
        Seen::Is(_) | Seen::Gone(_) | Seen::Again => Err(SetNews::Again),
    }
}

/// What is seen of the Deployment of this name.
pub(super) fn deployment(seen: Seen<Deployment>, name: &str) -> SetNews {
    let set = match own(seen, name) {
        Ok(set) => set,
        Err(news) => return news,
    };
    let (spec, status) = (set.spec.unwrap_or_default(), set.status.unwrap_or_default());
    let seen = status.observed_generation >= set.metadata.generation;
    SetNews::Progress(Progress {
        seen,
        wanted: spec.replicas.unwrap_or(1),
        new: status.updated_replicas.unwrap_or(0),
        ready: status.available_replicas.unwrap_or(0),
        all: status.replicas.unwrap_or(0),
        paused: spec.paused == Some(true),
        hindrance: status.conditions.iter().flatten().filter(|_| seen).find_map(makes_none),
        uid: set.metadata.uid.unwrap_or_default(),
    })
}

/// What the Deployment's controller says of the pods, or of what makes them, where it could not be made. It has asked its own, so that no
/// stranger's event is taken for theirs.
fn makes_none(condition: &DeploymentCondition) -> Option<Hindrance> {
    let reason = condition.reason.as_deref();
    let fails = match condition.type_.as_str() {
        "ReplicaFailure" => condition.status == "True" && reason == Some("FailedCreate"),
        "Progressing" => condition.status == "False" && reason == Some("ReplicaSetCreateError"),
        _ => false,
    };
    fails.then(|| uncreated(reason, condition.message.as_deref()))
}

/// What is seen of the StatefulSet of this name.
pub(super) fn stateful_set(seen: Seen<StatefulSet>, name: &str) -> SetNews {
    let set = match own(seen, name) {
        Ok(set) => set,
        Err(news) => return news,
    };
    let (spec, status) = (set.spec.unwrap_or_default(), set.status.unwrap_or_default());
    let is_one = status.update_revision == status.current_revision;
    SetNews::Progress(Progress {
        seen: status.observed_generation >= set.metadata.generation,
        wanted: spec.replicas.unwrap_or(1),
        new: if is_one { status.replicas } else { status.updated_replicas.unwrap_or(0) },
        ready: status.ready_replicas.unwrap_or(0),
        all: status.replicas,
        paused: false,
        hindrance: None,
        uid: set.metadata.uid.unwrap_or_default(),
    })
}
