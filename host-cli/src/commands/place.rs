//! Where the apps run that a command is about.

use crate::app_ref::AppRef;
use crate::backend::apps::AppsBackend;
use crate::backend::docker::apps::AppsOnEngine;
use crate::failure::Failure;
use crate::plan::apps::{Part, Selected, choose};
use crate::session::Unconnected;
use std::sync::Arc;

/// For a command that changes nothing there.
pub(super) fn to_look_at(session: &Unconnected) -> Result<Arc<dyn AppsBackend>, Failure> {
    Ok(Arc::new(AppsOnEngine::new(&session.connect_to_look()?)))
}

/// For one that does.
pub(super) fn to_act_on(session: &Unconnected) -> Result<Arc<dyn AppsBackend>, Failure> {
    Ok(Arc::new(AppsOnEngine::new(&session.connect()?)))
}

/// What is meant of what runs there.
pub(super) fn selected(place: &dyn AppsBackend, app: &AppRef, part: &Part) -> Result<Selected, Failure> {
    Ok(choose(&place.apps()?, app, part)?)
}
