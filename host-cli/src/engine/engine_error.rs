//! What an engine refuses.

use super::connect_error::ConnectError;

/// An engine's refusal, or its absence.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    /// There is no way to it.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Nobody answers there any more.
    #[error("no Docker Engine answers at {address}: {reason}")]
    Unreachable { address: String, reason: String },
    /// It answers, but not to us.
    #[error("the Docker Engine at {address} refuses this user: {reason}")]
    Forbidden { address: String, reason: String },
    /// What was asked about is not there.
    #[error("{what}: not found")]
    NotFound { what: String },
    /// It refused: its own words, made safe.
    #[error("{doing}: {reason}")]
    Refused { doing: String, reason: String },
}

impl EngineError {
    /// Whether the engine went away in the middle.
    pub(crate) fn is_broken_off(&self) -> bool {
        matches!(self, Self::Refused { reason, .. } if reason.starts_with("the connection broke"))
    }

    /// Whether the engine's disk is full: then no other way of doing the same helps.
    pub(crate) fn is_full_disk(&self) -> bool {
        matches!(self, Self::Refused { reason, .. } if reason.contains("no space left on device"))
    }
}
