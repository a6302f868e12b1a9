//! The actions that bring files in and send them away.

use crate::safe_url::SafeUrl;
use serde::{Deserialize, Serialize};

/// Fetches `from` and unpacks it into `to` as `user`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DownloadAction {
    /// What it is, for people: `app package`. Absent or empty: nothing is said about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<String>,
    /// Where from.
    pub from: SafeUrl,
    /// The directory to unpack into; relative to the user's home.
    pub to: String,
    /// Identity in the cache; empty: not to be cached.
    pub cache_key: String,
    /// See [`Action::log_source`](crate::action::Action::log_source).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_source: Option<String>,
    /// Whose files they will be.
    pub user: String,
    /// `md5`, `sha1`, `sha256` or `sha512`; absent or empty: not checked. From mid-2016 on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_algorithm: Option<String>,
    /// The checksum in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_value: Option<String>,
}

/// Sends the file `from` to `to`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UploadAction {
    /// What it is, for people: `droplet`. Absent or empty: nothing is said about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<String>,
    /// The file's path in the container.
    pub from: String,
    /// The cc-uploader URL; its query carries Cloud Controller's password.
    pub to: SafeUrl,
    /// See [`Action::log_source`](crate::action::Action::log_source).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_source: Option<String>,
    /// Whose file it is.
    pub user: String,
}
