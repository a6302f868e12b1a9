//! What a push says of an app, in the form that requests are made of. The package goes into the blobstore on the way.

use std::path::Path;

use crate::digest;
use crate::failure::Failure;
use crate::manage::choose::{Chosen, PushOptions};
use crate::manage::install::pack;
use crate::manage::now::{new_guid, seconds};
use crate::request::application::{Application, Artifact, Buildpack, HealthCheck, Process, Space};
use crate::request::signature::{Signer, blob_path};
use crate::request::style::Style;
use crate::serve::storage::build_artifacts_path;
use crate::state::{KnownApp, State};

/// A user-provided service, so that every app has a password to keep secret.
const SERVICES: &str = r#"{"user-provided":[{"name":"demo-database","label":"user-provided","tags":[],"credentials":{"uri":"postgres://demo:FIXTURE-PASSWORD@database.example.com:5432/demo","password":"FIXTURE-PASSWORD"},"syslog_drain_url":""}]}"#;

/// As today's Cloud Controller writes the time of a record: seconds with six decimals.
fn timestamp_of_record(nanoseconds: i128) -> String {
    format!("{}.{:06}", seconds(nanoseconds), nanoseconds / 1_000 % 1_000_000)
}

/// The app with its web process.
pub(crate) fn described(
    state: &State,
    push: &PushOptions,
    app: &KnownApp,
    chosen: &Chosen,
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
        lifecycle: push.lifecycle.clone(),
        process: Process { kind: "web".to_owned(), guid: app.guid.clone(), sidecars: push.sidecars.clone() },
        space: demo_space(),
        stack: app.stack.clone(),
        memory_mb: push.memory_mb,
        disk_mb: 1024,
        env: push.env.clone(),
        services: SERVICES.to_owned(),
        bindings: push.bindings,
        order: chosen.order.clone(),
        buildpacks: chosen
            .installed
            .iter()
            .map(|buildpack| Buildpack {
                name: buildpack.name.clone(),
                key: buildpack.key.clone(),
                artifact: artifact(&blob_path("cc-buildpacks", &buildpack.key), Some(&buildpack.sha256)),
            })
            .collect(),
        skip_detect: !push.buildpacks.is_empty(),
        package: match &push.source {
            Some(source) => store_package(state, source, &package_guid, &artifact)?,
            None => Artifact { url: String::new(), sha256: None },
        },
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

/// The app with each of its processes, web first. Only web is asked for its health, as others have no routes.
pub(crate) fn processes(web: Application, push: &PushOptions, app: &KnownApp) -> Vec<Application> {
    let others = push.processes.iter().filter_map(|(kind, command)| {
        Some(Application {
            process: Process { kind: kind.clone(), guid: app.processes.get(kind)?.clone(), sidecars: Vec::new() },
            version: new_guid(),
            command: command.clone(),
            health_check: HealthCheck::Process,
            ..web.clone()
        })
    });
    let others: Vec<Application> = others.collect();
    std::iter::once(web).chain(others).collect()
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
