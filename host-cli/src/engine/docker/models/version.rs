//! An engine's version, as it tells it.

use super::fields::nullable;
use serde::Deserialize;

/// `GET /version`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::engine::docker) struct VersionInfo {
    /// The newest API that it speaks; empty where it does not say.
    #[serde(rename = "ApiVersion", default)]
    pub(in crate::engine::docker) newest: String,
    /// The oldest.
    #[serde(rename = "MinAPIVersion", default)]
    pub(in crate::engine::docker) oldest: String,
    #[serde(default, deserialize_with = "nullable")]
    components: Vec<Component>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Component {
    #[serde(default)]
    name: String,
}

impl VersionInfo {
    /// Whether a component of this name is among those that it lists.
    pub(in crate::engine::docker) fn has(&self, name: &str) -> bool {
        self.components.iter().any(|component| component.name == name)
    }
}
