//! The `TaskDefinition` that stager makes of an app: key for key what the recorded ones hold.

use crate::request::application::{Application, Artifact};
use crate::request::environment::{
    common, staging_container, variables, vcap_application, vcap_application_staging_today,
};
use crate::request::json::{Json, object};
use crate::request::lifecycle::{DockerImage, Kind, Lifecycle};
use crate::request::parts::{
    buildpack_directory, certificate_properties, checksum, egress_rules, lifecycle_dependency, lifecycle_layer,
    log_rate_limit, metric_tags, resource_limits,
};
use crate::request::style::Style;
use crate::request::upload_url::{TIMEOUT_SECONDS, build_artifacts_url, droplet_url};

/// What Cloud Controller grants a staging at least, in MiB.
const STAGING_MEMORY_MB: u32 = 1024;
const STAGING_DISK_MB: u32 = 4096;

/// The whole request.
pub(crate) fn task_definition(application: &Application) -> Json {
    let style = application.style;
    let today = style.is_today();
    let (timeout, timeout_ms) = style.timeout(TIMEOUT_SECONDS * 1000);
    let [user, password] = application.lifecycle.image().map_or(["", ""], DockerImage::login);
    object! {
        "rootfs": format!("preloaded:{}", application.stack),
        "env": staging_container(application),
        "action": object! { "timeout": object! {
            "action": work(application),
            "timeout": timeout,
            "timeout_ms": timeout_ms,
        } },
        "disk_mb": application.disk_mb.max(STAGING_DISK_MB),
        "memory_mb": application.memory_mb.max(STAGING_MEMORY_MB),
        "cpu_weight": 50,
        "privileged": style == Style::Y2016,
        "log_source": "STG",
        "log_guid": &application.guid,
        "metrics_guid": "",
        "result_file": "/tmp/result.json",
        "completion_callback_url": completion_callback(application),
        "annotation": annotation(application),
        "egress_rules": egress_rules(application),
        "cached_dependencies": (style != Style::Y2026Layers).then(|| cached_dependencies(application)),
        "legacy_download_user": "vcap",
        "trusted_system_certificates_path": "/etc/cf-system-certificates",
        "network": today.then(|| network(application)),
        "max_pids": match style { Style::Y2016 => None, Style::Y2017 => Some(0), _ => Some(1024) },
        "certificate_properties": today.then(|| certificate_properties(application)),
        "image_username": (style != Style::Y2016).then_some(user),
        "image_password": (style != Style::Y2016).then_some(password),
        "image_layers": (style == Style::Y2026Layers).then(|| image_layers(application)),
        "log_rate_limit": today.then(log_rate_limit),
        "metric_tags": today.then(|| metric_tags(application)),
        "volume_mounted_files": if today { application.bindings.files(&application.services) } else { Json::Absent },
    }
}

/// A docker app has one step: there is nothing to download and nothing to upload.
fn work(application: &Application) -> Json {
    match application.lifecycle.kind() {
        Kind::Docker => emit_progress(builder(application), "Staging...", "Staging Complete", "Staging Failed"),
        Kind::Buildpack | Kind::Cnb => object! { "serial": object! { "actions": steps(application) } },
    }
}

fn steps(application: &Application) -> Vec<Json> {
    let mut steps = match application.style {
        Style::Y2026 => vec![object! { "parallel": object! { "actions": downloads(application) } }],
        Style::Y2026Layers => Vec::new(),
        _ => downloads(application),
    };
    steps.push(if application.style.is_today() {
        builder(application)
    } else {
        emit_progress(builder(application), "Staging...", "Staging complete", "Staging failed")
    });
    steps.push(emit_progress(
        object! { "parallel": object! { "actions": uploads(application) } },
        "Uploading droplet, build artifacts cache...",
        "Uploading complete",
        "Uploading failed",
    ));
    steps
}

fn emit_progress(action: Json, start: &str, success: &str, failure: &str) -> Json {
    object! { "emit_progress": object! {
        "action": action,
        "start_message": start,
        "success_message": success,
        "failure_message_prefix": failure,
    } }
}

fn attempt(action: Json) -> Json {
    object! { "try": object! { "action": action } }
}

fn downloads(application: &Application) -> Vec<Json> {
    let download = |name: &str, artifact: &Artifact, to: &str| {
        let (algorithm, value) = checksum(application, artifact);
        object! { "download": object! {
            "artifact": name, "from": &artifact.url, "to": to, "cache_key": "", "user": "vcap",
            "checksum_algorithm": algorithm, "checksum_value": value,
        } }
    };
    let package = download("app package", &application.package, application.lifecycle.staging_paths()[0]);
    let cache = application.build_artifacts.as_ref();
    let cache = cache.map(|cache| attempt(download("build artifacts cache", cache, "/tmp/cache")));
    std::iter::once(package).chain(cache).collect()
}

fn builder(application: &Application) -> Json {
    let today = application.style.is_today();
    let kind = application.lifecycle.kind();
    let (memory, disk) = (application.memory_mb.max(STAGING_MEMORY_MB), application.disk_mb.max(STAGING_DISK_MB));
    let described = if today {
        vcap_application_staging_today(application, memory, disk)
    } else {
        vcap_application(application, memory, disk)
    };
    let stack = (kind == Kind::Buildpack).then_some(application.stack.as_str());
    let env = common(application, &described, memory, stack);
    let args = match &application.lifecycle {
        Lifecycle::Buildpack => builder_flags(application),
        Lifecycle::Cnb(_) => cnb_flags(application, &env),
        Lifecycle::Docker(image) => docker_flags(image),
    };
    object! { "run": object! {
        "path": "/tmp/lifecycle/builder",
        "args": Json::texts(&args),
        "env": variables(&env),
        "resource_limits": (kind != Kind::Cnb).then(resource_limits),
        "user": "vcap",
        "suppress_log_output": false,
        "volume_mounted_files": if today { Json::Null } else { Json::Absent },
    } }
}

/// stager wrote the flags in alphabetical order; today's Cloud Controller has an order of its own.
fn builder_flags(application: &Application) -> Vec<String> {
    let order = format!("-buildpackOrder={}", application.order.join(","));
    let skip_verify = format!("-skipCertVerify={}", application.style == Style::Y2016);
    let skip_detect = format!("-skipDetect={}", application.skip_detect);
    let [cache, app, packs, artifacts, droplet, result] = [
        "-buildArtifactsCacheDir=/tmp/cache",
        "-buildDir=/tmp/app",
        "-buildpacksDir=/tmp/buildpacks",
        "-outputBuildArtifactsCache=/tmp/output-cache",
        "-outputDroplet=/tmp/droplet",
        "-outputMetadata=/tmp/result.json",
    ]
    .map(str::to_owned);
    if application.style.is_today() {
        vec![order, skip_verify, skip_detect, app, droplet, result, artifacts, packs, cache]
    } else {
        vec![cache, app, order, packs, artifacts, droplet, result, skip_verify, skip_detect]
    }
}

/// The builder of Cloud Native Buildpacks gives to them what it is told to, and nothing else of its environment.
fn cnb_flags(application: &Application, env: &[(String, String)]) -> Vec<String> {
    let fixed = ["--cache-dir", "/tmp/cache", "--cache-output", application.lifecycle.staging_paths()[1]];
    let pairs =
        |flag: &'static str, values: Vec<String>| values.into_iter().flat_map(move |value| [flag.to_owned(), value]);
    let names = env.iter().map(|(name, _)| name.clone()).collect();
    let detect = (!application.skip_detect).then(|| "--auto-detect".to_owned());
    let fixed = fixed.map(str::to_owned).into_iter();
    fixed
        .chain(pairs("--buildpack", application.order.clone()))
        .chain(detect)
        .chain(pairs("--pass-env-var", names))
        .collect()
}

fn docker_flags(image: &DockerImage) -> Vec<String> {
    let mut flags =
        vec!["-outputMetadataJSONFilename=/tmp/result.json".to_owned(), format!("-dockerRef={}", image.reference)];
    if !image.insecure.is_empty() {
        flags.push(format!("-insecureDockerRegistries={}", image.insecure.join(",")));
    }
    if let Some((user, password)) = &image.login {
        flags.extend([format!("-dockerUser={user}"), format!("-dockerPassword={password}")]);
    }
    flags
}

fn uploads(application: &Application) -> Vec<Json> {
    let upload = |artifact: &str, from: &str, to: String| {
        object! { "upload": object! { "artifact": artifact, "from": from, "to": to, "user": "vcap" } }
    };
    let droplet = upload("droplet", "/tmp/droplet", droplet_url(application));
    let cache =
        upload("build artifacts cache", application.lifecycle.staging_paths()[1], build_artifacts_url(application));
    if application.style.is_today() { vec![droplet, cache] } else { vec![droplet, attempt(cache)] }
}

/// Where stager hears of the end. Called, it makes Cloud Controller start the app on Diego.
pub(crate) fn completion_callback(application: &Application) -> String {
    let guid = &application.staging_guid;
    if application.style.is_today() {
        format!(
            "https://cloud-controller-ng.service.cf.internal:9023/internal/v3/staging/{guid}/build_completed?start=true"
        )
    } else {
        format!("http://stager.service.cf.internal:8888/v1/staging/{guid}/completed")
    }
}

fn annotation(application: &Application) -> Option<String> {
    let guid = &application.staging_guid;
    let callback =
        format!("http://internal_user:s3cret@api.service.cf.internal:9022/internal/staging/{guid}/completed");
    (!application.style.is_today())
        .then(|| object! { "lifecycle": "buildpack", "completion_callback": callback }.to_go())
}

fn cached_dependencies(application: &Application) -> Vec<Json> {
    let buildpacks = application.buildpacks.iter().map(|buildpack| {
        let (algorithm, value) = checksum(application, &buildpack.artifact);
        object! {
            "name": &buildpack.name,
            "from": &buildpack.artifact.url,
            "to": buildpack_directory(application.style, &buildpack.key),
            "cache_key": &buildpack.key,
            "log_source": "",
            "checksum_algorithm": algorithm,
            "checksum_value": value,
        }
    });
    std::iter::once(lifecycle_dependency(application)).chain(buildpacks).collect()
}

/// In Cloud Controller's order: lifecycle, package, build artifacts, buildpacks. It calls the build
/// artifacts a ZIP, although they are a tgz.
fn image_layers(application: &Application) -> Vec<Json> {
    let layer = |name: &str, artifact: &Artifact, to: &str, kind: &str| {
        object! {
            "name": name,
            "url": &artifact.url,
            "destination_path": to,
            "layer_type": kind,
            "media_type": "ZIP",
            "digest_algorithm": artifact.sha256.is_some().then_some("SHA256"),
            "digest_value": artifact.sha256.clone(),
        }
    };
    if application.lifecycle.kind() == Kind::Docker {
        return vec![lifecycle_layer(application)];
    }
    let package = layer("app package", &application.package, application.lifecycle.staging_paths()[0], "EXCLUSIVE");
    let cache = application.build_artifacts.iter();
    let cache = cache.map(|cache| layer("build artifacts cache", cache, "/tmp/cache", "EXCLUSIVE"));
    let buildpacks = application.buildpacks.iter();
    let buildpacks = buildpacks
        .map(|pack| layer(&pack.name, &pack.artifact, &buildpack_directory(application.style, &pack.key), "SHARED"));
    [lifecycle_layer(application), package].into_iter().chain(cache).chain(buildpacks).collect()
}

fn network(application: &Application) -> Json {
    let space = &application.space;
    object! { "properties": object! {
        "app_id": &application.guid,
        "container_workload": "staging",
        "org_id": &space.organization_guid,
        "policy_group_id": &application.guid,
        "ports": "8080",
        "space_id": &space.guid,
    } }
}
