//! What can go wrong between us and a registry.

/// Why a registry did not do what was asked. No secret is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(crate) struct RegistryError {
    /// What failed and with what.
    pub(crate) text: String,
    /// What to try; empty where nothing can be advised.
    pub(crate) advice: String,
}
