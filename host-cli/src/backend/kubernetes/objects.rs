//! Objects of a manifest, one by one, as a cluster is asked for them.

use super::client::{Cluster, ClusterError, Owned};
use super::manifest::Object;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{Secret, Service};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;

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

/// Removes what a process has besides its workload and its Secrets; all of it has one name.
pub(super) fn delete_around(cluster: &Cluster, name: &str) -> Result<(), ClusterError> {
    cluster.delete::<Service>(name, Owned::After)?;
    cluster.delete::<Ingress>(name, Owned::After)?;
    cluster.delete::<PodDisruptionBudget>(name, Owned::After)?;
    cluster.delete::<NetworkPolicy>(name, Owned::After).map(drop)
}

/// Removes the workload of this name, of either kind. Its pods end by themselves.
pub(super) fn delete_workload(cluster: &Cluster, name: &str) -> Result<(), ClusterError> {
    cluster.delete::<Deployment>(name, Owned::After)?;
    cluster.delete::<StatefulSet>(name, Owned::After).map(drop)
}

/// A Secret of ours.
pub(super) fn delete_secret(cluster: &Cluster, name: &str) -> Result<bool, ClusterError> {
    cluster.delete::<Secret>(name, Owned::After)
}
