//! Where the apps run that a command is about: on the user's engine, or in a cluster.

use crate::app_ref::AppRef;
use crate::arguments::ClusterPlace;
use crate::backend::apps::AppsBackend;
use crate::backend::docker::apps::AppsOnEngine;
use crate::failure::Failure;
use crate::plan::apps::{Part, Selected, choose};
use crate::session::{Session, Unconnected};
use shared_model::exit_code::ExitCode;
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

/// What is meant of what runs on a session's engine, or is remembered of it.
pub(super) fn on_engine(session: &Session, app: &AppRef, part: &Part) -> Result<Selected, Failure> {
    selected(&AppsOnEngine::new(session), app, part)
}

/// For a command that an engine alone can carry out.
///
/// # Errors
/// A cluster was typed. `instead` is what to try there.
pub(super) fn on_an_engine(verb: &str, instead: &str, cluster: Option<&ClusterPlace>) -> Result<(), Failure> {
    if cluster.is_none() {
        return Ok(());
    }
    let text = format!("{verb} is for apps on a Docker Engine; it cannot reach those of a cluster yet");
    Err(Failure::new(ExitCode::CommandLine, text, format!("in a cluster: `{instead}`")))
}

/// What is meant of what runs there.
pub(super) fn selected(place: &dyn AppsBackend, app: &AppRef, part: &Part) -> Result<Selected, Failure> {
    Ok(choose(&place.apps()?, app, part)?)
}
