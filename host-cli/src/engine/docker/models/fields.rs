//! Forms that several answers share. Everything may be absent or `null`.

use serde::{Deserialize, Deserializer};

/// `null` as the empty value.
pub(super) fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// A command line: Podman 4 tells one of a single word as a text.
pub(super) fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Words {
        One(String),
        Several(Vec<String>),
    }
    Ok(match Option::<Words>::deserialize(deserializer)? {
        None => Vec::new(),
        Some(Words::One(word)) if word.is_empty() => Vec::new(),
        Some(Words::One(word)) => vec![word],
        Some(Words::Several(words)) => words,
    })
}

/// Seconds since 1970; 0 for what is no time, and for the year 1, which is how an engine says "never".
pub(super) fn seconds(time: &str) -> i64 {
    time.parse::<jiff::Timestamp>().map_or(0, |time| time.as_second().max(0))
}

/// `POST /containers/create`, `POST /commit`, `POST /containers/ID/exec`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::engine::docker) struct CreatedId {
    pub(in crate::engine::docker) id: String,
}

/// `GET /networks/NAME`, `GET /volumes/NAME`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::engine::docker) struct NamedResource {
    #[serde(default)]
    pub(in crate::engine::docker) name: String,
}

/// `GET /volumes`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::engine::docker) struct VolumeList {
    /// Absent or `null` where there is none.
    #[serde(default)]
    pub(in crate::engine::docker) volumes: Option<Vec<NamedResource>>,
}
