//! Which processes the app has: what `bin/release` prints, changed by a Procfile.

use super::buildpack::Buildpack;
use super::{BuildFailure, Settings};
use crate::era::Era;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::{fs, io};

/// Process type → start command; empty where neither buildpack nor Procfile names one.
pub(super) type ProcessTypes = BTreeMap<String, String>;

/// What `bin/release` prints; its other keys (`addons`, `config_vars`) are ignored, as they were then.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Release {
    default_process_types: Option<BTreeMap<String, Option<String>>>,
}

/// Asks the buildpack and reads the app's Procfile.
pub(super) fn read(chosen: &Buildpack, settings: &Settings, era: Era) -> Result<ProcessTypes, BuildFailure> {
    let procfile = procfile(settings)?;
    let printed = chosen.ask("release", &settings.build_dir).map_err(BuildFailure::Release)?;
    if printed.trim().is_empty() && era == Era::Spring2016 {
        return Err(BuildFailure::Release("buildpack's release output invalid: EOF".to_owned()));
    }
    let released = released(&printed)?;
    Ok(match era {
        Era::Spring2016 if !procfile.is_empty() => procfile,
        _ => released.into_iter().chain(procfile).collect(),
    })
}

fn released(printed: &str) -> Result<ProcessTypes, BuildFailure> {
    if printed.trim().is_empty() {
        return Ok(ProcessTypes::new());
    }
    let release: Option<Release> = serde_saphyr::from_str(printed)
        .map_err(|why| BuildFailure::Release(format!("buildpack's release output invalid: {}", first_line(&why))))?;
    Ok(named(release.unwrap_or_default().default_process_types.unwrap_or_default()))
}

fn procfile(settings: &Settings) -> Result<ProcessTypes, BuildFailure> {
    const UNREADABLE: &str = "Failed to read command from Procfile";
    let text = match fs::read_to_string(settings.build_dir.join("Procfile")) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(ProcessTypes::new()),
        Err(error) => return Err(BuildFailure::other(UNREADABLE, error)),
    };
    if text.trim().is_empty() {
        return Ok(ProcessTypes::new());
    }
    let types: Option<BTreeMap<String, Option<String>>> =
        serde_saphyr::from_str(&text).map_err(|_| BuildFailure::other(UNREADABLE, "invalid YAML"))?;
    Ok(named(types.unwrap_or_default()))
}

/// A type without command (`web:`) has the empty one, as in Go.
fn named(types: BTreeMap<String, Option<String>>) -> ProcessTypes {
    types.into_iter().map(|(name, command)| (name, command.unwrap_or_default())).collect()
}

/// The first line of a complaint: the others draw the spot, which quotes the document.
fn first_line(complaint: &impl std::fmt::Display) -> String {
    complaint.to_string().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn release_output_is_yaml_with_default_process_types() {
        let types = released(
            "---\naddons: []\nconfig_vars: {}\ndefault_process_types:\n  web: python3 app.py\n  worker: \"a: b\"\n",
        )
        .unwrap();
        assert_eq!(types["web"], "python3 app.py");
        assert_eq!(types["worker"], "a: b");
        for nothing in ["", "--- {}\n", "---\n", "default_process_types:\n", "default_process_types: {}"] {
            assert!(released(nothing).unwrap().is_empty(), "{nothing:?}");
        }
        assert_eq!(released("default_process_types:\n  web: 8080\n  idle:\n").unwrap()["web"], "8080");
    }

    #[test]
    fn release_output_that_is_no_such_yaml_is_refused() {
        for text in ["default_process_types: [web]", "just words", "a: b: c", "\t- x"] {
            let failure = released(text).unwrap_err();
            assert_eq!(failure.exit_code(), 224, "{text:?}");
            assert!(
                failure
                    .to_string()
                    .starts_with("Failed to build droplet release: buildpack's release output invalid: ")
            );
        }
    }
}
