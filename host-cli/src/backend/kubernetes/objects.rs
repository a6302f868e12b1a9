//! Objects of a manifest, one by one, as a cluster is asked for them.

use super::client::{Cluster, ClusterError};
use super::manifest::Object;

impl Object {
    /// Makes it as it is here, whether it is there or not.
    pub(super) fn apply(&self, cluster: &Cluster) -> Result<(), ClusterError> {
        match self {
            Self::Deployment(object) => cluster.apply(&**object).map(drop),
            Self::Ingress(object) => cluster.apply(&**object).map(drop),
            Self::Job(object) => cluster.apply(&**object).map(drop),
            Self::NetworkPolicy(object) => cluster.apply(&**object).map(drop),
            Self::PodDisruptionBudget(object) => cluster.apply(&**object).map(drop),
            Self::Secret(object) => cluster.apply(&**object).map(drop),
            Self::Service(object) => cluster.apply(&**object).map(drop),
            Self::StatefulSet(object) => cluster.apply(&**object).map(drop),
        }
    }
}
