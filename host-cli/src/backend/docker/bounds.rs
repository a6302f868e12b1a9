//! How far an engine bounds what a container keeps on its disk: what it prints, and what it writes.

use super::preflight;
use crate::engine::container_spec::LogConfig;
use crate::engine::{EngineError, EngineInfo, Image};
use crate::plan::launch::Prepared;
use crate::plan::not_done::DiskBound;
use crate::session::Session;
use std::collections::BTreeMap;

/// How this engine keeps what a container prints that does not say: only a container shows it, one of this image that never starts.
pub(super) fn usual_log(session: &Session, image: &str) -> Result<LogConfig, EngineError> {
    let guard = session.guard(image, BTreeMap::new());
    let seen = guard.as_ref().map_or(Ok(None), |guard| session.engine.container(guard));
    session.dismiss(guard.as_ref());
    Ok(seen?.unwrap_or_default().log)
}

/// The container as far as the engine bounds what it writes, and how far that is.
pub(super) fn bounded(
    session: &Session,
    info: &EngineInfo,
    mut prepared: Prepared,
    image: &Image,
) -> (Prepared, DiskBound) {
    let quota = preflight::limits(session, info, &prepared.container);
    prepared.container.disk_bytes = quota.bound(prepared.container.disk_bytes, image.bytes);
    (prepared, DiskBound::new(quota, &image.details.settings))
}
