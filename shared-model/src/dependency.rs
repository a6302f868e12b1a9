//! What a container needs before its action starts: cached dependencies, or in today's requests image layers.

use crate::safe_url::SafeUrl;
use serde::{Deserialize, Serialize};

/// An archive that Diego keeps in the cell's cache and mounts read-only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CachedDependency {
    /// What it is, for people: `nodejs_buildpack`. Empty: Diego fetches it silently.
    pub name: String,
    /// Where from; a signed URL differs in every request.
    pub from: SafeUrl,
    /// The directory it appears under.
    pub to: String,
    /// What identifies it across requests.
    pub cache_key: String,
    /// Empty: the task's.
    pub log_source: String,
    /// `md5`, `sha1`, `sha256` or `sha512`; absent or empty: not checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_algorithm: Option<String>,
    /// The checksum in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_value: Option<String>,
}

/// What today's Cloud Controller may send instead of dependencies and downloads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageLayer {
    /// What it is, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where from.
    pub url: SafeUrl,
    /// The directory it is unpacked into.
    pub destination_path: String,
    /// Who owns what is unpacked.
    pub layer_type: LayerType,
    /// The archive's kind. A hint only: today's build-artifacts cache says ZIP and is a tgz.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// `SHA256` or `SHA512`; absent: not checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest_algorithm: Option<String>,
    /// The digest in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest_value: Option<String>,
}

/// Who owns what an [`ImageLayer`] brings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LayerType {
    /// Shared and read-only, like a cached dependency.
    #[default]
    Shared,
    /// The user's own, like a download action.
    Exclusive,
}
