//! Names and labels of an app image, by which it is found, traced and cleaned up. Pure.

use crate::labels::{self, slug};
use serde::Deserialize;
use shared_model::safe_url::SafeUrl;
use shared_model::task::TaskDefinition;
use std::collections::BTreeMap;

/// The sha256 of the droplet file, in hexadecimal.
pub(crate) const DROPLET: &str = "stager.droplet";
/// The sha256 of the lifecycle's layer.
pub(crate) const LIFECYCLE: &str = "stager.lifecycle";
/// The buildpack that made the droplet, as it calls itself, with its version where the builder tells; several are
/// separated by commas.
pub(crate) const BUILDPACK: &str = "stager.buildpack";
/// The stack.
pub(crate) const STACK: &str = "stager.stack";
/// What the label of the same name means in OCI's list: here the droplet, as in [`DROPLET`].
pub(crate) const REVISION: &str = "org.opencontainers.image.revision";
/// OCI's: what the root file system was called.
pub(crate) const BASE_NAME: &str = "org.opencontainers.image.base.name";
/// OCI's: the root file system's id.
pub(crate) const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";
/// OCI's: the app's name.
const TITLE: &str = "org.opencontainers.image.title";
/// What the image was made of and how; two images with the same build key are the same.
pub(crate) const BUILD_KEY: &str = "stager.build-key";
/// Layers of an app image above its root file system's: the lifecycle and the droplet.
pub(crate) const LAYERS: usize = 2;
/// Bytes of the process types that are labelled; what is longer would be cut, and then be no JSON.
const LONGEST_PROCESS_TYPES: usize = 8192;
/// Characters of a label's name that we give.
const LONGEST_LABEL: usize = 128;
/// Hexadecimal digits of a droplet in a tag.
const DROPLET_DIGITS: usize = 12;
/// What stands before the stack in the name of an image that a launch put there.
const ON_STACK: &str = "-on-";
/// Characters of an app's guid in a name.
const GUID_CHARACTERS: usize = 8;

/// The last part of the name of an app's repository: `node-env-18c50a86`.
pub(crate) fn repository(app_name: &str, app_guid: &str) -> String {
    let guid = slug(&app_guid.chars().take(GUID_CHARACTERS).collect::<String>());
    format!("{}-{guid}", slug(app_name))
}

/// The names of an app's image, the droplet's own first.
pub(crate) fn names(app_name: &str, app_guid: &str, droplet_sha256: &str) -> Vec<String> {
    let droplet: String = droplet_sha256.chars().take(DROPLET_DIGITS).collect();
    let repository = format!("{}{}", labels::REPOSITORIES, repository(app_name, app_guid));
    vec![format!("{repository}:droplet-{droplet}"), format!("{repository}:latest")]
}

/// The name of what a launch makes of an app's image, where that stands on another stack than its request wants. It is a
/// droplet's, so that whoever looks for the app's newest image finds the one that `latest` names.
pub(crate) fn name_on_stack(app_name: &str, app_guid: &str, droplet_sha256: &str, stack: &str) -> String {
    let [of_droplet, ..] = &names(app_name, app_guid, droplet_sha256)[..] else { return String::new() };
    format!("{of_droplet}{ON_STACK}{}", slug(stack))
}

/// Whether it is the name that [`names`] gives an image after its droplet.
pub(crate) fn is_of_droplet(name: &str) -> bool {
    droplet_tag(name).is_some_and(is_droplet)
}

/// Whether it is the name that [`name_on_stack`] gives.
pub(crate) fn is_on_stack(name: &str) -> bool {
    let parts = droplet_tag(name).and_then(|tag| tag.split_once(ON_STACK));
    parts.is_some_and(|(droplet, stack)| is_droplet(droplet) && !stack.is_empty())
}

/// What stands behind `droplet-` in the tag of an app's image.
fn droplet_tag(name: &str) -> Option<&str> {
    let (repository, tag) = name.rsplit_once(":droplet-")?;
    // Podman puts a registry in front.
    let (_, app) = repository.rsplit_once(labels::REPOSITORIES)?;
    (!app.contains('/')).then_some(tag)
}

fn is_droplet(digits: &str) -> bool {
    digits.len() == DROPLET_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[derive(Deserialize)]
struct StagingResult {
    lifecycle_metadata: Option<Lifecycle>,
    process_types: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Lifecycle {
    #[serde(default)]
    buildpack_key: Option<String>,
    #[serde(default)]
    detected_buildpack: Option<String>,
    #[serde(default)]
    buildpacks: Option<Vec<Buildpack>>,
}

/// One of several buildpacks, as builders tell since 2017.
#[derive(Deserialize)]
struct Buildpack {
    #[serde(default)]
    key: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
}

impl Lifecycle {
    fn buildpack(self) -> Option<String> {
        let named = |name: Option<String>| name.filter(|name| !name.is_empty());
        let several: Vec<String> =
            self.buildpacks.unwrap_or_default().into_iter().filter_map(Buildpack::shown).collect();
        named(Some(several.join(", ")))
            .or_else(|| named(self.detected_buildpack).map(safe_buildpack))
            .or_else(|| named(self.buildpack_key).map(safe_buildpack))
    }
}

impl Buildpack {
    /// Its name and version. The name that a CNB builder tells ends with the version: `acme/py@1.0.0`.
    fn shown(self) -> Option<String> {
        let Self { key, name, version } = self;
        let name = safe_buildpack(if name.is_empty() { key } else { name });
        let has_version = name.rsplit_once('@').is_some_and(|(_, told)| told == version);
        let text = if has_version { name } else { format!("{name} {version}") };
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }
}

/// A buildpack that the user named is a URL, and that may hold a password.
pub(crate) fn safe_buildpack(buildpack: String) -> String {
    if buildpack.contains("://") { SafeUrl::new(buildpack).to_string() } else { buildpack }
}

/// What the builder's result file tells of buildpack and process types; `None` when it cannot be read as one.
pub(crate) fn labels_of_result(result: &str) -> Option<BTreeMap<String, String>> {
    let result: StagingResult = serde_json::from_str(result).ok()?;
    let mut found = BTreeMap::new();
    if let Some(buildpack) = result.lifecycle_metadata.and_then(Lifecycle::buildpack) {
        found.insert(BUILDPACK.to_owned(), buildpack);
    }
    if let Some(types) = result.process_types {
        let text = serde_json::json!(types).to_string();
        if text.len() <= LONGEST_PROCESS_TYPES {
            found.insert(labels::PROCESS_TYPES.to_owned(), text);
        }
    }
    Some(found)
}

/// What the staging request tells of app and stack.
pub(crate) fn labels_of_task(task: &TaskDefinition) -> BTreeMap<String, String> {
    let application = task.application();
    let stack = task.stack().unwrap_or_default();
    let name = application.name.as_str();
    [(labels::APP_GUID, application.guid.as_str()), (labels::APP_NAME, name), (TITLE, name), (STACK, stack)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Whether engines and people can do with this name of a label.
pub(crate) fn is_label(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
    !name.is_empty() && name.len() <= LONGEST_LABEL && name.chars().all(plain)
}

#[cfg(test)]
mod tests;
