//! `mini-hcf push`: the package goes into the blobstore, stager's and nsync's lines into the logs.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::digest;
use crate::failure::Failure;
use crate::manage::install::pack;
use crate::manage::log::{LogSource, append};
use crate::request::application::{Application, Artifact, Buildpack, HealthCheck, Space};
use crate::request::lines::{self, Occasion};
use crate::request::signature::{LIFETIME, Signer, blob_path};
use crate::request::style::Style;
use crate::serve::storage::build_artifacts_path;
use crate::state::{InstalledBuildpack, KnownApp, Settings, State};

/// A user-provided service, so that every app has a password to keep secret.
const SERVICES: &str = r#"{"user-provided":[{"name":"demo-database","label":"user-provided","tags":[],"credentials":{"uri":"postgres://demo:FIXTURE-PASSWORD@database.example.com:5432/demo","password":"FIXTURE-PASSWORD"},"syslog_drain_url":""}]}"#;

/// What `push` is told.
pub(crate) struct PushOptions {
    /// The app's folder, or its package as a zip.
    pub(crate) source: PathBuf,
    /// The app's name.
    pub(crate) name: String,
    /// Buildpacks by name, in order; empty: all of the installation.
    pub(crate) buildpacks: Vec<String>,
    /// The start command; empty: the droplet's own.
    pub(crate) command: String,
    /// The stack.
    pub(crate) stack: String,
    /// Memory limit in MiB.
    pub(crate) memory_mb: u32,
    /// How health is checked.
    pub(crate) health_check: HealthCheck,
    /// The app's own environment.
    pub(crate) env: Vec<(String, String)>,
    /// The form of the requests.
    pub(crate) style: Style,
    /// Whether patched components log the requests; BBS has today's in any case.
    pub(crate) logs: bool,
    /// Whether the signatures shall have ended an hour ago.
    pub(crate) expired: bool,
    /// Whether `diego-sshd` runs beside the app.
    pub(crate) ssh: bool,
}

/// Pushes; prints name, guid and process guid.
pub(crate) fn push(state: &State, push: &PushOptions, out: &mut dyn Write) -> Result<(), Failure> {
    let mut settings = state.settled()?;
    let installed = chosen_buildpacks(&settings, &push.buildpacks)?;
    let known = state.app_named(&push.name)?;
    let guid = known.map_or_else(new_guid, |app| app.guid);
    let app = KnownApp { name: push.name.clone(), guid, stack: push.stack.clone() };
    state.remember(&app)?;

    let now = now();
    let age = if push.expired { 2 * LIFETIME } else { 0 };
    let signer = Signer::new(&settings.secret, seconds(now) + LIFETIME - age);
    let application = describe(state, push, &app, &installed, &signer, now)?;
    settings.pushes += 1;
    state.keep(&settings)?;
    let occasion = Occasion { nanoseconds: now, number: settings.pushes };
    if push.logs {
        append(state, LogSource::Stager, now, &lines::stager(&application, occasion))?;
        append(state, LogSource::NsyncListener, now, &lines::nsync(&application, occasion))?;
    }
    if push.style.is_today() {
        state.tell_bbs(&application, now)?;
    }
    let _ = writeln!(out, "pushed {} (app guid {})", app.name, app.guid);
    let _ = writeln!(out, "process guid {}", application.process_guid());
    Ok(())
}

/// Unix time in nanoseconds.
pub(crate) fn now() -> i128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i128::try_from(since.as_nanos()).unwrap_or(i128::MAX)
}

/// Whole seconds of a time in nanoseconds.
pub(crate) fn seconds(nanoseconds: i128) -> i64 {
    i64::try_from(nanoseconds / 1_000_000_000).unwrap_or(i64::MAX)
}

/// As today's Cloud Controller writes the time of a record: seconds with six decimals.
fn timestamp_of_record(nanoseconds: i128) -> String {
    format!("{}.{:06}", seconds(nanoseconds), nanoseconds / 1_000 % 1_000_000)
}

/// A random one.
pub(crate) fn new_guid() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn chosen_buildpacks(settings: &Settings, names: &[String]) -> Result<Vec<InstalledBuildpack>, Failure> {
    if settings.buildpacks.is_empty() {
        let text = "no buildpack is installed; install one: mini-hcf add-buildpack NAME DIR";
        return Err(Failure::CommandLine(text.to_owned()));
    }
    if names.is_empty() {
        return Ok(settings.buildpacks.clone());
    }
    let find = |name: &String| {
        let found = settings.buildpacks.iter().find(|buildpack| buildpack.name == *name);
        found.cloned().ok_or_else(|| {
            let all: Vec<&str> = settings.buildpacks.iter().map(|pack| pack.name.as_str()).collect();
            Failure::CommandLine(format!("no buildpack `{name}` is installed; there are: {}", all.join(", ")))
        })
    };
    names.iter().map(find).collect()
}

fn describe(
    state: &State,
    push: &PushOptions,
    app: &KnownApp,
    installed: &[InstalledBuildpack],
    signer: &Signer,
    now: i128,
) -> Result<Application, Failure> {
    let style = push.style;
    let today = style.is_today();
    let staging_guid = if today { new_guid() } else { format!("{}-{}", app.guid, uuid::Uuid::new_v4().simple()) };
    // Packages had the app's guid once; today each has one of its own.
    let package_guid = if today { new_guid() } else { app.guid.clone() };
    let version = new_guid();
    let artifact = |path: &str, sha256: Option<&str>| Artifact {
        url: signer.url(style.blobstore(), path),
        sha256: sha256.map(str::to_owned),
    };
    Ok(Application {
        style,
        name: app.name.clone(),
        guid: app.guid.clone(),
        space: demo_space(),
        stack: app.stack.clone(),
        memory_mb: push.memory_mb,
        disk_mb: 1024,
        env: push.env.clone(),
        services: SERVICES.to_owned(),
        buildpacks: installed
            .iter()
            .map(|buildpack| Buildpack {
                name: buildpack.name.clone(),
                key: buildpack.key.clone(),
                artifact: artifact(&blob_path("cc-buildpacks", &buildpack.key), Some(&buildpack.sha256)),
            })
            .collect(),
        skip_detect: !push.buildpacks.is_empty(),
        package: store_package(state, &push.source, &package_guid, &artifact)?,
        build_artifacts: build_artifacts(state, app, &artifact)?,
        droplet: droplet(app, &version, &staging_guid, style, &artifact),
        version,
        staging_guid,
        command: push.command.clone(),
        health_check: push.health_check.clone(),
        ssh: push.ssh,
        etag: if today { timestamp_of_record(now) } else { format!("{}.0", seconds(now)) },
    })
}

fn demo_space() -> Space {
    Space {
        domain: "mini-hcf.example.com".to_owned(),
        api: "https://api.mini-hcf.example.com".to_owned(),
        name: "demo-space".to_owned(),
        guid: "20988f15-a441-4214-bb5f-19d9bb30fef2".to_owned(),
        organization_name: "demo-organization".to_owned(),
        organization_guid: "5f8c9a1e-6c1d-4c38-9b0e-2f3b6d1a7e54".to_owned(),
    }
}

fn store_package(
    state: &State,
    source: &Path,
    guid: &str,
    artifact: &impl Fn(&str, Option<&str>) -> Artifact,
) -> Result<Artifact, Failure> {
    let packed = state.path("tmp").join(format!("{guid}.zip"));
    pack(source, &packed)?;
    let sums = digest::sums_of_file(&packed).map_err(Failure::file("read", &packed))?;
    let path = blob_path("cc-packages", guid);
    state.move_to_blob(&packed, &path)?;
    Ok(artifact(&path, Some(&sums.sha256)))
}

/// What the app's last staging on this stack uploaded; `None` before the first.
fn build_artifacts(
    state: &State,
    app: &KnownApp,
    artifact: &impl Fn(&str, Option<&str>) -> Artifact,
) -> Result<Option<Artifact>, Failure> {
    let path = build_artifacts_path(&app.guid, &app.stack);
    let file = state.blob(&path);
    if !file.is_file() {
        return Ok(None);
    }
    let sums = digest::sums_of_file(&file).map_err(Failure::file("read", &file))?;
    Ok(Some(artifact(&path, Some(&sums.sha256))))
}

/// Where Diego would have taken the droplet from, had it staged the app. Nothing lies there: whoever
/// stages the app makes the droplet.
fn droplet(
    app: &KnownApp,
    version: &str,
    staging_guid: &str,
    style: Style,
    artifact: &impl Fn(&str, Option<&str>) -> Artifact,
) -> Artifact {
    let hash = digest::md5_hex(version.as_bytes());
    if style.is_today() {
        let host = "https://cloud-controller-ng.service.cf.internal:9023";
        let url = format!("{host}/internal/v4/droplets/{staging_guid}/{hash}/download");
        return Artifact { url, sha256: Some(hash.repeat(2)) };
    }
    artifact(&blob_path("cc-droplets", &format!("{}/{hash}", app.guid)), None)
}
