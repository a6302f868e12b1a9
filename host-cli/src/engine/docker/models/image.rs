//! Images as the engine tells them. Everything may be absent or `null`.

use super::fields::{nullable, seconds, words};
use crate::engine::{Image, ImageDetails, ImageId, ImageSettings, Platform};
use serde::Deserialize;
use serde_json::Value;
use shared_model::secret::Secret;
use std::collections::BTreeMap;

/// `GET /images/NAME/json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::engine::docker) struct ImageDocument {
    id: String,
    #[serde(default)]
    pub(in crate::engine::docker) parent: String,
    #[serde(default, deserialize_with = "nullable")]
    repo_tags: Vec<String>,
    /// `repository@sha256:…`, one for each repository that it was pushed to or pulled from.
    #[serde(default, deserialize_with = "nullable")]
    pub(in crate::engine::docker) repo_digests: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    created: String,
    #[serde(default)]
    size: u64,
    #[serde(default, deserialize_with = "nullable")]
    config: ImageConfig,
    #[serde(default, rename = "RootFS", deserialize_with = "nullable")]
    root_fs: ImageRootFs,
    #[serde(default, deserialize_with = "nullable")]
    architecture: String,
    #[serde(default, deserialize_with = "nullable")]
    os: String,
    #[serde(default, deserialize_with = "nullable")]
    variant: String,
    #[serde(default, deserialize_with = "nullable")]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ImageRootFs {
    #[serde(default, deserialize_with = "nullable")]
    layers: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    #[serde(default, deserialize_with = "nullable")]
    last_tag_time: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ImageConfig {
    #[serde(default, deserialize_with = "nullable")]
    labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "nullable")]
    env: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    user: String,
    #[serde(default, deserialize_with = "nullable")]
    working_dir: String,
    #[serde(default, deserialize_with = "words")]
    entrypoint: Vec<String>,
    #[serde(default, deserialize_with = "words")]
    cmd: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    healthcheck: Value,
    #[serde(default, deserialize_with = "nullable")]
    on_build: Value,
    #[serde(default, deserialize_with = "nullable")]
    volumes: Value,
    #[serde(default, deserialize_with = "nullable")]
    shell: Value,
}

impl ImageConfig {
    fn settings(&self) -> ImageSettings {
        let is_set = |value: &Value| match value {
            Value::Null => false,
            Value::Array(list) => !list.is_empty(),
            Value::Object(object) => !object.is_empty(),
            _ => true,
        };
        let others = [
            ("Healthcheck", &self.healthcheck),
            ("OnBuild", &self.on_build),
            ("Volumes", &self.volumes),
            ("Shell", &self.shell),
        ];
        ImageSettings {
            user: self.user.clone(),
            working_directory: self.working_dir.clone(),
            entrypoint: self.entrypoint.clone(),
            command: self.cmd.clone(),
            environment: Secret::new(self.env.clone()),
            others: others.iter().filter(|(_, value)| is_set(value)).map(|(name, _)| (*name).to_owned()).collect(),
        }
    }
}

/// One of `GET /images/NAME/history`, the newest first.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::engine::docker) struct HistoryEntry {
    #[serde(default, deserialize_with = "nullable")]
    pub(in crate::engine::docker) created_by: String,
}

impl From<ImageDocument> for Image {
    fn from(document: ImageDocument) -> Self {
        let settings = document.config.settings();
        Self {
            id: ImageId(document.id),
            tags: real_tags(document.repo_tags),
            labels: document.config.labels,
            bytes: document.size,
            created: seconds(&document.created),
            details: ImageDetails {
                named: seconds(&document.metadata.last_tag_time),
                digests: document.repo_digests,
                settings,
                layers: document.root_fs.layers,
                platform: Platform { architecture: document.architecture, os: document.os, variant: document.variant },
            },
        }
    }
}

/// One of `GET /images/json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::engine::docker) struct ListedImage {
    id: String,
    #[serde(default, deserialize_with = "nullable")]
    repo_tags: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    repo_digests: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    created: i64,
    #[serde(default)]
    size: u64,
}

impl ListedImage {
    /// Whether a registry knows it under a digest.
    pub(in crate::engine::docker) fn has_digests(&self) -> bool {
        self.repo_digests.iter().any(|digest| !digest.contains('<'))
    }
}

impl From<ListedImage> for Image {
    fn from(summary: ListedImage) -> Self {
        Self {
            id: ImageId(summary.id),
            tags: real_tags(summary.repo_tags),
            labels: summary.labels,
            bytes: summary.size,
            created: summary.created,
            details: ImageDetails::default(),
        }
    }
}

/// An image without a name is listed under the name `<none>:<none>`.
fn real_tags(tags: Vec<String>) -> Vec<String> {
    tags.into_iter().filter(|tag| !tag.contains('<')).collect()
}

/// Of `GET /images/NAME/json` the configuration, in the engine's own form.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::engine::docker) struct ImageConfigAsIs {
    #[serde(default)]
    pub(in crate::engine::docker) config: Value,
}

/// Podman leaves the algorithm out here and there, and takes such an id for an impossible name when the image is gone.
pub(in crate::engine::docker) fn image_id(id: String) -> ImageId {
    let is_bare = id.len() == 64 && id.chars().all(|c| c.is_ascii_hexdigit());
    ImageId(if is_bare { format!("sha256:{id}") } else { id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_with_nulls_or_hardly_any_fields_is_understood() {
        let image: ImageDocument =
            serde_json::from_str(r#"{"Id":"sha256:1","RepoTags":null,"Config":{"Labels":null,"Env":null}}"#).unwrap();
        assert_eq!(Image::from(image), Image { id: ImageId("sha256:1".into()), ..Image::default() });
        let never: ImageDocument = serde_json::from_str(
            r#"{"Id":"1","RootFS":null,"Metadata":{"LastTagTime":"0001-01-01T00:00:00Z"},"Created":"1980-01-01T00:00:00Z"}"#,
        )
        .unwrap();
        let never = Image::from(never);
        assert_eq!((never.details.named, never.created), (0, 315_532_800));
        let listed: ListedImage =
            serde_json::from_str(r#"{"Id":"sha256:1","RepoTags":["<none>:<none>"],"Labels":null}"#).unwrap();
        assert!(Image::from(listed).tags.is_empty());
    }
}
