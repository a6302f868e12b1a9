//! Turns the launcher's arguments and what the builder noted into the app's process.

use super::environment::{Environment, For, files};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The shell of start commands, and of processes that are no direct ones.
const SHELL: &str = "/bin/bash";

/// Sources the files given and becomes the command. `exit` in one of them ends the app.
const SCRIPT: &str = "command=$1\nshift\nfor profile in \"$@\"; do . \"$profile\"; done\nexec bash -c \"$command\"";

const NO_DEFAULT: &str = "no default process";

/// What the launcher is started with.
pub struct Launch<'a> {
    /// Those after the program's name: none, `app COMMAND METADATA`, or `-- COMMAND`.
    pub arguments: &'a [String],
    /// All variables.
    pub variables: BTreeMap<String, String>,
}

/// The app's process.
#[derive(Debug, PartialEq, Eq)]
pub struct Process {
    /// The program and its arguments; the program is looked for in its own PATH.
    pub words: Vec<String>,
    /// Where it runs.
    pub directory: PathBuf,
    /// All variables.
    pub variables: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Metadata {
    #[serde(default)]
    buildpack_default_process_type: String,
    #[serde(default)]
    buildpacks: Vec<BuildpackNote>,
    #[serde(default)]
    processes: Vec<ProcessNote>,
}

#[derive(Deserialize)]
struct BuildpackNote {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ProcessNote {
    #[serde(rename = "type")]
    kind: String,
    command: Vec<String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    direct: bool,
    #[serde(default)]
    working_dir: PathBuf,
}

impl Launch<'_> {
    /// What to run.
    ///
    /// # Errors
    /// The text for stderr: no metadata, or nothing to start.
    pub fn process(self) -> Result<Process, String> {
        let folder = |name: &str, default: &str| {
            PathBuf::from(self.variables.get(name).filter(|value| !value.is_empty()).map_or(default, String::as_str))
        };
        let layers = folder("CNB_LAYERS_DIR", "/home/vcap/layers");
        let app = folder("CNB_APP_DIR", "/home/vcap/workspace");
        let metadata = read(&layers.join("config/metadata.toml"))?;
        let start = |words, process| start(words, process, &metadata, &layers, &app, self.variables);
        match self.arguments {
            [] => start(&[], Some(metadata.default()?)),
            [dashes, words @ ..] if dashes == "--" => start(words, None),
            [_, command, ..] if !command.is_empty() => start(std::slice::from_ref(command), None),
            _ => Err(NO_DEFAULT.to_owned()),
        }
    }
}

fn read(file: &Path) -> Result<Metadata, String> {
    let text = fs::read_to_string(file).map_err(|why| format!("cannot read {}: {why}", file.display()))?;
    toml::from_str(&text).map_err(|why| format!("cannot read {}: {}", file.display(), why.message()))
}

impl Metadata {
    fn default(&self) -> Result<&ProcessNote, String> {
        let wanted = self.buildpack_default_process_type.as_str();
        let wanted = if wanted.is_empty() { "web" } else { wanted };
        self.processes.iter().find(|process| process.kind == wanted).ok_or_else(|| NO_DEFAULT.to_owned())
    }

    /// All layers' folders, those of one buildpack in the order of their names.
    fn layers(&self, root: &Path) -> Vec<PathBuf> {
        let of_one = |one: &BuildpackNote| {
            let entries = fs::read_dir(root.join(one.id.replace('/', "_"))).into_iter().flatten().flatten();
            let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
            folders.sort();
            folders
        };
        self.buildpacks.iter().flat_map(of_one).collect()
    }
}

/// A start command of one word is a line for the shell; of several, a program and its arguments.
fn start(
    words: &[String],
    process: Option<&ProcessNote>,
    metadata: &Metadata,
    layers: &Path,
    app: &Path,
    variables: BTreeMap<String, String>,
) -> Result<Process, String> {
    let kind = process.map(|process| process.kind.as_str());
    let layers = metadata.layers(layers);
    let mut environment = Environment::new(variables);
    for layer in &layers {
        environment.apply_layer(layer, For::Launch(kind));
    }
    let (line, words) = match (process, words) {
        (Some(process), _) if process.direct => (None, [process.command.clone(), process.args.clone()].concat()),
        (Some(process), _) => (Some([process.command.clone(), process.args.clone()].concat().join(" ")), Vec::new()),
        (None, [line]) => (Some(line.clone()), Vec::new()),
        (None, words) => (None, words.to_vec()),
    };
    let words = match line {
        None => words,
        Some(line) => {
            let of_layer = |layer: &PathBuf| {
                let folder = layer.join("profile.d");
                let of_kind = kind.map(|kind| files(&folder.join(kind))).unwrap_or_default();
                files(&folder).into_iter().chain(of_kind)
            };
            let own = Some(app.join(".profile")).filter(|file| file.is_file());
            let profiles = layers.iter().flat_map(of_layer).chain(own);
            let profiles = profiles.map(|file| file.to_string_lossy().into_owned());
            let fixed = [SHELL, "-c", SCRIPT, "bash"].map(str::to_owned);
            fixed.into_iter().chain([line]).chain(profiles).collect()
        }
    };
    if words.is_empty() {
        return Err(NO_DEFAULT.to_owned());
    }
    if words.iter().any(|word| word.contains('\0')) {
        return Err("the start command holds a NUL byte".to_owned());
    }
    let directory = process.map_or(app.to_owned(), |process| app.join(&process.working_dir));
    let variables = environment.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    Ok(Process { words, directory, variables })
}
