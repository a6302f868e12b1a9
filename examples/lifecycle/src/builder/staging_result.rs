//! What the builder tells the rest of Cloud Foundry: the result file, and `staging_info.yml` for the launcher.

use super::Settings;
use super::buildpack::Buildpack;
use super::directories::Directories;
use super::process_types::ProcessTypes;
use crate::era::Era;
use crate::go_json::quote;
use serde::Deserialize;
use std::fs;

/// Which buildpacks made the droplet.
#[derive(Debug)]
pub(super) struct StagingMetadata {
    era: Era,
    key: String,
    detected: String,
    /// Every buildpack of the staging; told since today only.
    buildpacks: Vec<Described>,
}

/// One buildpack as it describes itself in `deps/<index>/config.yml`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Described {
    #[serde(skip)]
    key: String,
    name: String,
    version: String,
}

impl StagingMetadata {
    /// Gathers it after the last buildpack has run.
    pub(super) fn gather(chosen: &Buildpack, settings: &Settings, era: Era, directories: &Directories) -> Self {
        let mut metadata =
            Self { era, key: chosen.key.clone(), detected: chosen.detected.clone(), buildpacks: Vec::new() };
        if era == Era::Today {
            let keys = if settings.skip_detect { settings.order.clone() } else { vec![chosen.key.clone()] };
            let describe = |(place, key)| describe(key, &directories.deps().join(settings.deps_index(place)));
            metadata.buildpacks = keys.into_iter().enumerate().map(describe).collect();
            if let Some(last) = metadata.buildpacks.last_mut() {
                if last.name.is_empty() {
                    last.name.clone_from(&chosen.detected);
                }
                metadata.detected.clone_from(&last.name);
            }
        }
        metadata
    }

    /// The result file: one JSON object and a line end.
    pub(super) fn result_json(&self, types: &ProcessTypes) -> String {
        let key = if self.key.is_empty() { String::new() } else { format!("\"buildpack_key\":{},", quote(&self.key)) };
        let (mut buildpacks, mut processes) = (String::new(), String::new());
        if self.era == Era::Today {
            buildpacks = format!(",\"buildpacks\":[{}]", joined(self.buildpacks.iter().map(Described::json)));
            let each = types
                .iter()
                .map(|(kind, command)| format!("{{\"type\":{},\"command\":{}}}", quote(kind), quote(command)));
            processes = format!(",\"processes\":[{}],\"sidecars\":null", joined(each));
        }
        let process_types = if types.is_empty() {
            "null".to_owned() // a Go map that was never made
        } else {
            format!("{{{}}}", joined(types.iter().map(|(kind, command)| format!("{}:{}", quote(kind), quote(command)))))
        };
        format!(
            "{{\"lifecycle_metadata\":{{{key}\"detected_buildpack\":{}{buildpacks}}},\"process_types\":{process_types}{processes},\"execution_metadata\":\"\",\"lifecycle_type\":\"buildpack\"}}\n",
            quote(&self.detected)
        )
    }

    /// `staging_info.yml`: JSON, which is YAML too.
    pub(super) fn staging_info(&self, types: &ProcessTypes) -> String {
        let web = types.get("web").map_or("", String::as_str);
        format!("{{\"detected_buildpack\":{},\"start_command\":{}}}\n", quote(&self.detected), quote(web))
    }
}

impl Described {
    fn json(&self) -> String {
        let version =
            if self.version.is_empty() { String::new() } else { format!(",\"version\":{}", quote(&self.version)) };
        format!("{{\"key\":{},\"name\":{}{version}}}", quote(&self.key), quote(&self.name))
    }
}

/// Missing or unreadable descriptions leave name and version empty.
fn describe(key: String, deps: &std::path::Path) -> Described {
    let text = fs::read_to_string(deps.join("config.yml")).unwrap_or_default();
    let described: Described = serde_saphyr::from_str(&text).unwrap_or_default();
    Described { key, ..described }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(",")
}
