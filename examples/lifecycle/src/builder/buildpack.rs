//! One buildpack: where its scripts are, and running them the way Go's `exec.Command` does, words included.

use super::{BuildFailure, Settings, Staging};
use crate::era::Era;
use crate::go_text::{go_text, not_started, outcome};
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// More of what a script prints is not kept: detect prints a name and release a few lines.
const OUTPUT_LIMIT: u64 = 1024 * 1024;

const ALL_MAY_EXECUTE: u32 = 0o111;

/// A buildpack that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Buildpack {
    /// Its key in `-buildpackOrder`.
    pub(super) key: String,
    /// What its detect printed; empty when it was not asked.
    pub(super) detected: String,
    root: PathBuf,
}

impl Buildpack {
    /// Finds the buildpack `key`: its directory, or the only entry of it, must hold `bin`.
    pub(super) fn find(key: &str, settings: &Settings) -> Result<Self, String> {
        let directory = settings.buildpack_path(key);
        let found = |root| Ok(Self { key: key.to_owned(), detected: String::new(), root });
        if directory.join("bin").exists() {
            return found(directory);
        }
        let Ok(entries) = fs::read_dir(&directory) else {
            return Err(format!("Failed to read buildpack directory '{}' for buildpack '{key}'", directory.display()));
        };
        let mut entries = entries.flatten();
        match (entries.next(), entries.next()) {
            (Some(only), None) if only.path().join("bin").exists() => found(only.path()),
            _ => Err(format!("malformed buildpack does not contain a /bin dir: {key}")),
        }
    }

    /// The path of one of its scripts, whether it is there or not.
    pub(super) fn script(&self, name: &str) -> PathBuf {
        self.root.join("bin").join(name)
    }

    /// Runs a script; what it says goes to our own streams.
    pub(super) fn run<S: AsRef<OsStr>>(&self, name: &str, arguments: &[S]) -> Result<(), String> {
        let script = self.script(name);
        let status = Command::new(&script).args(arguments).status().map_err(|error| not_started(&script, &error))?;
        outcome(status)
    }

    /// Runs a script and gives what it prints on stdout.
    pub(super) fn ask(&self, name: &str, argument: &Path) -> Result<String, String> {
        let script = self.script(name);
        let mut child = Command::new(&script)
            .arg(argument)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| not_started(&script, &error))?;
        let mut output = Vec::new();
        if let Some(mut pipe) = child.stdout.take() {
            // What is over the limit is read all the same: a full pipe would block the script.
            let read = pipe.by_ref().take(OUTPUT_LIMIT).read_to_end(&mut output);
            read.and_then(|_| io::copy(&mut pipe, &mut io::sink())).map_err(|error| go_text(&error))?;
        }
        outcome(child.wait().map_err(|error| go_text(&error))?)?;
        Ok(String::from_utf8_lossy(&output).into_owned())
    }
}

/// The first buildpack of the order whose detect succeeds; with `-skipDetect` the first that is there. One that is
/// missing or malformed is named on stderr and passed over.
pub(super) fn detect(staging: &mut Staging) -> Result<Buildpack, BuildFailure> {
    for key in &staging.settings.order {
        let mut buildpack = match Buildpack::find(key, staging.settings) {
            Ok(buildpack) => buildpack,
            Err(complaint) => {
                staging.say(complaint);
                continue;
            }
        };
        if staging.settings.skip_detect {
            return Ok(buildpack);
        }
        if staging.era.has_deps() && !looks_executable(staging, &buildpack.script("detect")) {
            continue;
        }
        if let Ok(output) = buildpack.ask("detect", &staging.settings.build_dir) {
            let line_ends: &[char] = if staging.era == Era::Today { &['\r', '\n'] } else { &['\n'] };
            output.trim_end_matches(line_ends).clone_into(&mut buildpack.detected);
            return Ok(buildpack);
        }
    }
    Err(BuildFailure::NothingDetected)
}

/// False when there is no script at all. One without execute bits is tried all the same, after a warning.
fn looks_executable(staging: &mut Staging, script: &Path) -> bool {
    match fs::metadata(script) {
        Err(error) => {
            staging.say(format_args!("stat {}: {}", script.display(), go_text(&error)));
            return false;
        }
        Ok(metadata) if metadata.permissions().mode() & ALL_MAY_EXECUTE != ALL_MAY_EXECUTE => {
            staging.say("WARNING: buildpack script '/bin/detect' is not executable");
        }
        Ok(_) => {}
    }
    true
}
