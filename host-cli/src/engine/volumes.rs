//! The volumes and networks that containers join.

use crate::engine::engine_error::EngineError;
use std::collections::BTreeMap;

/// What is wanted of an engine with volumes and networks. Every call blocks, and may be made from any thread.
pub(crate) trait VolumesAndNetworks: Send + Sync {
    /// Whether there is a volume of this name.
    fn has_volume(&self, name: &str) -> Result<bool, EngineError>;

    /// Makes a volume with these labels, unless there is one of that name: that one is left as it is.
    fn ensure_volume(&self, name: &str, labels: &BTreeMap<String, String>) -> Result<(), EngineError>;

    /// Volumes without a name of their own, with the label [`crate::labels::KIND`] of this value, which no container has: what
    /// `docker rm` without `-v` leaves.
    fn unused_volumes(&self, kind: &str) -> Result<Vec<String>, EngineError>;

    /// Removes a volume that no container has.
    fn remove_volume(&self, name: &str) -> Result<(), EngineError>;

    /// Whether there is a network of this name.
    fn has_network(&self, name: &str) -> Result<bool, EngineError>;
}
