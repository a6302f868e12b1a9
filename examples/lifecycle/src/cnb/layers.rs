//! What a buildpack left below `layers`: its layers with their types, its processes, what it could not provide.

use super::buildpack::Buildpack;
use crate::go_text::go_text;
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

/// Files of a buildpack's folder that are no layer's.
const NO_LAYERS: [&str; 3] = ["launch", "build", "store"];

/// A layer and whom it is for.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) name: String,
    pub(super) folder: PathBuf,
    pub(super) types: Types,
    pub(super) metadata: toml::Table,
}

/// All false: nobody's; a layer that was restored and not taken stays so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Types {
    pub(super) launch: bool,
    pub(super) build: bool,
    pub(super) cache: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LayerFile {
    types: Types,
    metadata: toml::Table,
}

/// A process as `launch.toml` has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ProcessFile {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) command: Words,
    #[serde(default)]
    pub(super) args: Vec<String>,
    #[serde(default)]
    pub(super) direct: bool,
    #[serde(default)]
    pub(super) default: bool,
    #[serde(default)]
    pub(super) working_dir: String,
}

/// A list since API 0.9, one text before.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Words {
    One(String),
    List(Vec<String>),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LaunchFile {
    processes: Vec<ProcessFile>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct BuildFile {
    unmet: Vec<Unmet>,
}

#[derive(Deserialize)]
struct Unmet {
    name: String,
}

/// What one buildpack's folder holds.
#[derive(Clone, Debug)]
pub(super) struct Left {
    pub(super) layers: Vec<Layer>,
    pub(super) processes: Vec<ProcessFile>,
    /// Names of its plan that another must provide.
    pub(super) unmet: Vec<String>,
}

impl Left {
    /// Reads a buildpack's folder below `layers`.
    pub(super) fn read(folder: &Path, buildpack: &Buildpack) -> Result<Self, String> {
        let launch: LaunchFile = read_toml(&folder.join("launch.toml"))?;
        let build: BuildFile = read_toml(&folder.join("build.toml"))?;
        let since_nine = buildpack.api.strip_prefix("0.").and_then(|minor| minor.parse::<u32>().ok()) >= Some(9);
        let processes = launch.processes.into_iter().map(|process| match process.command {
            // A shell runs what is one text; since 0.9 there is no shell any more.
            Words::List(_) if since_nine => Ok(ProcessFile { direct: true, ..process }),
            Words::One(_) if !since_nine => Ok(process),
            _ => Err(format!("process \"{}\" has a command of another API's form", process.kind)),
        });
        let processes: Result<Vec<ProcessFile>, String> = processes.collect();
        let unmet = build.unmet.into_iter().map(|unmet| unmet.name).collect();
        Ok(Self { layers: layers(folder)?, processes: processes?, unmet })
    }
}

fn layers(folder: &Path) -> Result<Vec<Layer>, String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .map_err(|why| go_text(&why))?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".toml").map(str::to_owned))
        .filter(|name| !NO_LAYERS.contains(&name.as_str()))
        .collect();
    names.sort();
    let layer = |name: String| {
        let LayerFile { types, metadata } = read_toml(&folder.join(format!("{name}.toml")))?;
        Ok(Layer { folder: folder.join(&name), name, types, metadata })
    };
    names.into_iter().map(layer).collect()
}

/// The default where there is no such file.
fn read_toml<T: Default + for<'de> Deserialize<'de>>(file: &Path) -> Result<T, String> {
    match fs::read_to_string(file) {
        Ok(text) => toml::from_str(&text).map_err(|why| format!("{}: {}", file.display(), why.message())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(T::default()),
        Err(error) => Err(format!("{}: {}", file.display(), go_text(&error))),
    }
}
