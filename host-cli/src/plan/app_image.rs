//! Names, labels and recipe of an app image. Pure.
//!
//! The recipe is a Dockerfile over the ready layers. A base's own variables stay: no Dockerfile can unset one. `kind` is
//! labelled first, so that what an unfinished build leaves can be told from other people's images. What differs from app
//! to app comes last: the classic builder takes a second for every instruction on a busy disk, and finds the others ready.

use super::labels::{self, slug};
use serde::Deserialize;
use shared_model::safe_url::SafeUrl;
use shared_model::task::TaskDefinition;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The only variables that an app image sets.
pub(crate) const VARIABLES: [(&str, &str); 3] =
    [("PATH", "/usr/local/bin:/usr/bin:/bin"), ("LANG", "en_US.UTF-8"), ("PORT", "8080")];
/// The sha256 of the droplet file, in hexadecimal.
pub(crate) const DROPLET: &str = "stager.droplet";
/// The sha256 of the lifecycle's layer.
pub(crate) const LIFECYCLE: &str = "stager.lifecycle";
/// The buildpack that made the droplet, as it calls itself.
pub(crate) const BUILDPACK: &str = "stager.buildpack";
/// The stack.
pub(crate) const STACK: &str = "stager.stack";
/// What the image was made of and how; two images with the same recipe are the same.
pub(crate) const RECIPE: &str = "stager.recipe";
/// Bytes of a label's value. Engines and their clients show labels in tables; a line of a Dockerfile ends at 64 KiB.
const LONGEST_LABEL: usize = 8192;
/// Hexadecimal digits of a droplet in a tag.
const DROPLET_DIGITS: usize = 12;
/// Characters of an app's guid in a name.
const GUID_CHARACTERS: usize = 8;
/// Characters of a repository that engines allow.
const LONGEST_REPOSITORY: usize = 255;
/// Characters of a tag that engines allow.
const LONGEST_TAG: usize = 128;

/// The names of an app's image, the droplet's own first.
pub(crate) fn names(app_name: &str, app_guid: &str, droplet_sha256: &str) -> Vec<String> {
    let guid = slug(&app_guid.chars().take(GUID_CHARACTERS).collect::<String>());
    let droplet: String = droplet_sha256.chars().take(DROPLET_DIGITS).collect();
    let repository = format!("cf-app/{}-{guid}", slug(app_name));
    vec![format!("{repository}:droplet-{droplet}"), format!("{repository}:latest")]
}

/// The name with its tag, `latest` where it has none; `None` for what engines do not take as a name.
pub(crate) fn full_name(name: &str) -> Option<String> {
    let after_slash = name.rfind('/').map_or(0, |slash| slash + 1);
    let (repository, tag) = match name[after_slash..].find(':') {
        Some(colon) => (&name[..after_slash + colon], &name[after_slash + colon + 1..]),
        None => (name, "latest"),
    };
    let good = is_tag(tag) && is_repository(repository);
    good.then(|| format!("{repository}:{tag}"))
}

fn is_tag(tag: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    tag.len() <= LONGEST_TAG && tag.starts_with(word) && tag.chars().all(|c| word(c) || c == '.' || c == '-')
}

fn is_repository(repository: &str) -> bool {
    let an_id = repository.len() == 64 && repository.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
    let path = match repository.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => {
            if !is_host(host) {
                return false;
            }
            path
        }
        _ => repository,
    };
    !an_id && repository.len() <= LONGEST_REPOSITORY && path.split('/').all(is_component)
}

fn is_host(host: &str) -> bool {
    let (name, port) = host.split_once(':').unwrap_or((host, "1"));
    let label = |label: &str| {
        let ends = |c: char| c.is_ascii_alphanumeric();
        label.starts_with(ends) && label.ends_with(ends) && label.chars().all(|c| ends(c) || c == '-')
    };
    name.split('.').all(label) && !port.is_empty() && port.chars().all(|c| c.is_ascii_digit())
}

/// Letters and digits with single separators between them: `.`, `_`, `__` or dashes.
fn is_component(component: &str) -> bool {
    let plain = |c: char| matches!(c, 'a'..='z' | '0'..='9');
    let separators = component.split(plain).filter(|between| !between.is_empty());
    component.starts_with(plain)
        && component.ends_with(plain)
        && separators
            .into_iter()
            .all(|between| matches!(between, "." | "_" | "__") || between.chars().all(|c| c == '-'))
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
}

/// What the builder's result file tells of buildpack and process types; `None` when it cannot be read as one.
pub(crate) fn labels_of_result(result: &str) -> Option<BTreeMap<String, String>> {
    let result: StagingResult = serde_json::from_str(result).ok()?;
    let mut found = BTreeMap::new();
    let named = |name: Option<String>| name.filter(|name| !name.is_empty());
    if let Some(lifecycle) = result.lifecycle_metadata
        && let Some(buildpack) = named(lifecycle.detected_buildpack).or_else(|| named(lifecycle.buildpack_key))
    {
        // A buildpack that the user named is a URL, and that may hold a password.
        let safe = if buildpack.contains("://") { SafeUrl::new(buildpack).to_string() } else { buildpack };
        found.insert(BUILDPACK.to_owned(), safe);
    }
    if let Some(types) = result.process_types {
        let text = serde_json::json!(types).to_string();
        if text.len() <= LONGEST_LABEL {
            found.insert(labels::PROCESS_TYPES.to_owned(), text);
        }
    }
    Some(found)
}

/// What the staging request tells of app and stack.
pub(crate) fn labels_of_task(task: &TaskDefinition) -> BTreeMap<String, String> {
    let application = task.application();
    let stack = task.stack().unwrap_or_default();
    [(labels::APP_GUID, application.guid.as_str()), (labels::APP_NAME, &application.name), (STACK, stack)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Whether engines and people can do with this name of a label.
pub(crate) fn is_label(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
    !name.is_empty() && name.len() <= LONGEST_TAG && name.chars().all(plain)
}

/// The Dockerfile. `base` is an image's id, so that nothing is pulled.
pub(crate) fn dockerfile(base: &str, labels: &BTreeMap<String, String>) -> String {
    let mut text = format!("FROM {base}\nLABEL {}={}\nENV", labels::KIND, labels::KIND_APP);
    for (name, value) in VARIABLES {
        let _ = write!(text, " {name}={value}");
    }
    text.push_str(
        "\nEXPOSE 8080\n\
         WORKDIR /home/vcap\n\
         USER vcap\n\
         ENTRYPOINT [\"/tmp/lifecycle/launcher\"]\n\
         CMD [\"app\", \"\", \"\"]\n\
         ADD lifecycle.tar /\n\
         ADD droplet.tar /\n\
         LABEL",
    );
    for (name, value) in labels {
        let _ = write!(text, " \\\n  {name}={}", quoted(value));
    }
    text.push('\n');
    text
}

/// A value as a Dockerfile reads it back: on one line, bounded, with nothing to expand in it.
fn quoted(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for character in value.char_indices().take_while(|(at, _)| *at < LONGEST_LABEL).map(|(_, character)| character) {
        match character {
            '"' | '\\' | '$' => quoted.extend(['\\', character]),
            control if control.is_control() => quoted.push(' '),
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests;
