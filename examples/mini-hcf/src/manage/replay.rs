//! `mini-hcf replay`: recorded logs again, with files behind their URLs and signatures of now.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::digest::Sums;
use crate::failure::Failure;
use crate::manage::log::{LogSource, append};
use crate::manage::now::{now, seconds};
use crate::manage::placeholder::Shelf;
use crate::request::renew::{NamedBlob, named_blobs, renewed};
use crate::request::signature::{LIFETIME, Signer};
use crate::state::{KnownApp, State};

/// Between two lines, in nanoseconds: they keep their order and none lies in the future for long.
const STEP: i128 = 100_000;

/// What `replay` is told.
pub(crate) struct ReplayOptions {
    /// A folder with `stager.stdout.log` and `nsync_listener.stdout.log`.
    pub(crate) logs: PathBuf,
    /// Only the lines about this app: its name, its guid or the start of it. `None`: all lines.
    pub(crate) app: Option<String>,
    /// What is served as app package; `None`: a page of one line.
    pub(crate) package: Option<PathBuf>,
}

/// Appends the recorded lines to the state's logs. Cloud Controller then knows their apps, and the blobstore
/// serves something at each URL: the package, installed buildpacks by their name, else placeholders.
pub(crate) fn replay(state: &State, replay: &ReplayOptions, out: &mut dyn Write) -> Result<(), Failure> {
    let mut settings = state.settled()?;
    let stager = read(&replay.logs.join("stager.stdout.log"))?;
    let nsync = read(&replay.logs.join("nsync_listener.stdout.log"))?;
    let apps = wanted(apps(&stager), replay)?;
    let about = |log: &str| -> Vec<String> {
        let wanted = |line: &&str| replay.app.is_none() || apps.iter().any(|app| line.contains(&app.guid));
        log.lines().filter(wanted).map(str::to_owned).collect()
    };
    let (stager, nsync) = (about(&stager), about(&nsync));

    let shelf = Shelf { state, settings: &settings, package: replay.package.as_deref() };
    let mut served: HashMap<String, Option<Sums>> = HashMap::new();
    for blob in stager.iter().chain(&nsync).flat_map(|line| named_blobs(line)) {
        if !served.contains_key(&blob.path) {
            served.insert(blob.path.clone(), shelf.place(&blob)?);
        }
    }
    for app in &apps {
        state.remember(app)?;
    }
    let start = now();
    let signer = Signer::new(&settings.secret, seconds(start) + LIFETIME);
    let sums = |blob: &NamedBlob| served.get(&blob.path).cloned().flatten();
    for (component, lines) in [(LogSource::Stager, stager), (LogSource::NsyncListener, nsync)] {
        let times = (0_i128..).map(|index| start + index * STEP);
        let lines: Vec<String> = times.zip(&lines).map(|(time, line)| renewed(line, time, &signer, sums)).collect();
        append(state, component, start, &lines)?;
        let _ = writeln!(out, "{}: {} lines", component.file(), lines.len());
    }
    settings.pushes += 1;
    state.keep(&settings)
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(Failure::file("read", path))
}

/// The apps that stager staged, each once, as the newest line knows it.
fn apps(log: &str) -> Vec<KnownApp> {
    let mut apps: Vec<KnownApp> = Vec::new();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_default();
        if let Some(app) = app(&line) {
            apps.retain(|other| other.guid != app.guid);
            apps.push(app);
        }
    }
    apps
}

fn app(line: &Value) -> Option<KnownApp> {
    let task = line.pointer("/data/taskDefinition")?;
    let described = find_variable(task.get("action")?, "VCAP_APPLICATION")?;
    let described: Value = serde_json::from_str(described).ok()?;
    Some(KnownApp {
        name: described.get("application_name")?.as_str()?.to_owned(),
        guid: task.get("log_guid")?.as_str()?.to_owned(),
        stack: task.get("rootfs")?.as_str()?.trim_start_matches("preloaded:").to_owned(),
        processes: BTreeMap::new(),
    })
}

/// A variable's value, wherever the run action stands in the tree.
fn find_variable<'a>(tree: &'a Value, name: &str) -> Option<&'a str> {
    match tree {
        Value::Object(object) if object.get("name").and_then(Value::as_str) == Some(name) => {
            object.get("value").and_then(Value::as_str)
        }
        Value::Object(object) => object.values().find_map(|value| find_variable(value, name)),
        Value::Array(values) => values.iter().find_map(|value| find_variable(value, name)),
        _ => None,
    }
}

fn wanted(apps: Vec<KnownApp>, replay: &ReplayOptions) -> Result<Vec<KnownApp>, Failure> {
    /// Shorter starts of a guid are not taken for one.
    const LEAST: usize = 8;
    let Some(wanted) = &replay.app else { return Ok(apps) };
    let is_it = |app: &&KnownApp| app.name == *wanted || wanted.len() >= LEAST && app.guid.starts_with(wanted.as_str());
    let found: Vec<KnownApp> = apps.iter().filter(is_it).cloned().collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let names: Vec<&str> = apps.iter().map(|app| app.name.as_str()).collect();
    let (logs, names) = (replay.logs.display(), names.join(", "));
    Err(Failure::Request(format!("no app `{wanted}` was staged in {logs}; there are: {names}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Settings;
    use std::fs::File;

    fn recorded(year: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../requests").join(year)
    }

    fn replayed(year: &str, app: Option<&str>) -> (tempfile::TempDir, State, Result<(), Failure>) {
        let folder = tempfile::tempdir().unwrap();
        let state = State::at(folder.path());
        state.create().unwrap();
        state.keep(&Settings::fresh()).unwrap();
        let options = ReplayOptions { logs: recorded(year), app: app.map(str::to_owned), package: None };
        let done = replay(&state, &options, &mut Vec::new());
        (folder, state, done)
    }

    #[test]
    fn every_recorded_year_gets_a_file_behind_each_url_of_its_staging_requests() {
        for year in ["2016", "2017", "2026"] {
            let (_folder, state, done) = replayed(year, None);
            done.unwrap();
            let log = fs::read_to_string(crate::manage::log::path(&state, LogSource::Stager)).unwrap();
            let blobs: Vec<NamedBlob> = log.lines().flat_map(named_blobs).collect();
            assert!(blobs.len() >= 3, "{year}");
            for blob in blobs {
                assert!(state.blob(&blob.path).is_file(), "{year} {}", blob.path);
            }
            assert!(state.app_named("node-env").unwrap().is_some());
        }
    }

    #[test]
    fn one_app_alone_brings_no_line_of_another() {
        let (_folder, state, done) = replayed("2016", Some("forced-node"));
        done.unwrap();
        let log = fs::read_to_string(crate::manage::log::path(&state, LogSource::NsyncListener)).unwrap();
        assert!(log.contains("5d886c4d-d5a1-5360-b935-9f8f15d451bd"));
        assert!(!log.contains("18c50a86-b045-5fed-bae9-e6ea03383693"));
        assert!(state.app_named("node-env").unwrap().is_none());
    }

    #[test]
    fn an_unknown_app_is_an_error_that_names_the_known_ones() {
        let (_folder, _state, done) = replayed("2016", Some("nobody"));
        let failure = done.unwrap_err();
        assert!(failure.to_string().contains("node-env, forced-node"), "{failure}");
        assert_eq!(failure.exit_code(), 3);
    }

    #[test]
    fn a_placeholder_buildpack_detects_nothing() {
        let (_folder, state, done) = replayed("2016", Some("forced-node"));
        done.unwrap();
        let log = fs::read_to_string(crate::manage::log::path(&state, LogSource::Stager)).unwrap();
        let blobs: Vec<NamedBlob> = log.lines().flat_map(named_blobs).collect();
        let buildpack = blobs.iter().find(|blob| blob.path.contains("cc-buildpacks")).unwrap();
        let mut zip = zip::ZipArchive::new(File::open(state.blob(&buildpack.path)).unwrap()).unwrap();
        let detect = std::io::read_to_string(zip.by_name("bin/detect").unwrap()).unwrap();
        assert!(detect.ends_with("exit 1\n"), "{detect}");
    }
}
