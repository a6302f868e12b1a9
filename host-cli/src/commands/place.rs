//! Where the apps run that a command is about: on the user's engine, or in a cluster.

use crate::app_ref::AppRef;
use crate::arguments::ClusterPlace;
use crate::backend::apps::AppsBackend;
use crate::backend::docker::apps::AppsOnEngine;
use crate::failure::Failure;
use crate::plan::apps::{Part, Selected, choose};
use crate::session::Unconnected;
use std::sync::Arc;

/// For a command that changes nothing there.
pub(super) fn to_look_at(
    session: &Unconnected,
    cluster: Option<&ClusterPlace>,
) -> Result<Arc<dyn AppsBackend>, Failure> {
    match cluster {
        Some(place) => in_cluster(session, place),
        None => Ok(Arc::new(AppsOnEngine::new(&session.connect_to_look()?))),
    }
}

/// For one that does.
pub(super) fn to_act_on(
    session: &Unconnected,
    cluster: Option<&ClusterPlace>,
) -> Result<Arc<dyn AppsBackend>, Failure> {
    match cluster {
        Some(place) => in_cluster(session, place),
        None => Ok(Arc::new(AppsOnEngine::new(&session.connect()?))),
    }
}

#[cfg(feature = "kubernetes")]
fn in_cluster(session: &Unconnected, place: &ClusterPlace) -> Result<Arc<dyn AppsBackend>, Failure> {
    use crate::backend::kubernetes::{apps::AppsInCluster, client::Cluster};
    Ok(Arc::new(AppsInCluster::new(session, Cluster::connect(place)?)))
}

#[cfg(not(feature = "kubernetes"))]
fn in_cluster(_: &Unconnected, _: &ClusterPlace) -> Result<Arc<dyn AppsBackend>, Failure> {
    Err(super::cluster::no_clusters())
}

/// What is meant of what runs there.
pub(super) fn selected(place: &dyn AppsBackend, app: &AppRef, part: &Part) -> Result<Selected, Failure> {
    Ok(choose(&place.apps()?, app, part)?)
}
