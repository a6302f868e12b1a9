//! The `DesiredLRP` that nsync makes of an app: key for key what the recorded ones hold.

use crate::request::application::{Application, HealthCheck};
use crate::request::environment::{app_container, common, variables, vcap_application, vcap_application_process_today};
use crate::request::json::{Json, object};
use crate::request::lifecycle::{DockerImage, Kind};
use crate::request::parts::{
    certificate_properties, checksum, egress_rules, lifecycle_dependency, lifecycle_layer, log_rate_limit, metric_tags,
    resource_limits,
};
use crate::request::style::Style;

const SSH_PORT: i64 = 2222;
/// How long an app may take to become healthy.
const START_SECONDS: i64 = 60;
/// A key in form only: nobody can log in with it.
const FIXTURE_KEY: &str = "-----BEGIN RSA PRIVATE KEY-----\nFIXTURE-NOT-A-KEY\n-----END RSA PRIVATE KEY-----\n";
const FIXTURE_PUBLIC_KEY: &str = "ssh-rsa FIXTURE-NOT-A-KEY\n";
const FIXTURE_FINGERPRINT: &str = "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff";

/// The whole request, for one instance.
pub(crate) fn desired_lrp(application: &Application) -> Json {
    let style = application.style;
    let today = style.is_today();
    let layers = style == Style::Y2026Layers;
    let image = application.lifecycle.image();
    let login = image.filter(|image| image.login.is_some()).map(DockerImage::login);
    object! {
        "process_guid": application.process_guid(),
        "domain": "cf-apps",
        "rootfs": image.map_or(format!("preloaded:{}", application.stack), DockerImage::rootfs),
        "instances": 1,
        "env": app_container(application),
        "setup": (!layers && image.is_none()).then(|| setup(application)),
        "action": object! { "codependent": object! { "actions": processes(application) } },
        "start_timeout": (style == Style::Y2016).then_some(START_SECONDS),
        "start_timeout_ms": (style != Style::Y2016).then_some(START_SECONDS * 1000),
        "monitor": monitor(application),
        "disk_mb": application.disk_mb,
        "memory_mb": application.memory_mb,
        "cpu_weight": cpu_weight(application.memory_mb),
        "privileged": style == Style::Y2016,
        "ports": ports(application),
        "routes": routes(application),
        "log_source": "CELL",
        "log_guid": &application.guid,
        "metrics_guid": &application.guid,
        "annotation": &application.etag,
        "egress_rules": egress_rules(application),
        "cached_dependencies": (!layers).then(|| vec![lifecycle_dependency(application)]),
        "legacy_download_user": application.lifecycle.user(),
        "trusted_system_certificates_path": "/etc/cf-system-certificates",
        "network": today.then(|| object! { "properties": object! {
            "app_id": &application.guid, "container_workload": "app",
        } }),
        "max_pids": match style { Style::Y2016 => None, Style::Y2017 => Some(0), _ => Some(1024) },
        "certificate_properties": today.then(|| certificate_properties(application)),
        "image_username": login.map(|[user, _]| user),
        "image_password": login.map(|[_, password]| password),
        "check_definition": today.then(|| check_definition(application)).flatten(),
        "image_layers": layers.then(|| image_layers(application)),
        "metric_tags": today.then(|| metric_tags(application)),
        "log_rate_limit": today.then(log_rate_limit),
        "volume_mounted_files": if today { application.bindings.files(&application.services) } else { Json::Absent },
        "update_strategy": today.then_some(0),
    }
}

/// 1 to 100, by memory between 256 and 8192 MiB.
fn cpu_weight(memory_mb: u32) -> u32 {
    1 + 99 * (memory_mb.clamp(256, 8192) - 256) / (8192 - 256)
}

fn setup(application: &Application) -> Json {
    let (algorithm, value) = checksum(application, &application.droplet);
    let download = object! { "download": object! {
        "artifact": application.style.is_today().then_some("droplet"),
        "from": &application.droplet.url,
        "to": ".",
        "cache_key": format!("droplets-{}", application.process_guid()),
        "user": "vcap",
        "checksum_algorithm": algorithm,
        "checksum_value": value,
    } };
    object! { "serial": object! { "actions": vec![download] } }
}

fn image_layers(application: &Application) -> Vec<Json> {
    let droplet = application.lifecycle.image().is_none().then(|| droplet_layer(application));
    std::iter::once(lifecycle_layer(application)).chain(droplet).collect()
}

fn droplet_layer(application: &Application) -> Json {
    let droplet = &application.droplet;
    object! {
        "name": "droplet",
        "url": &droplet.url,
        "destination_path": "/home/vcap",
        "layer_type": "EXCLUSIVE",
        "media_type": "TGZ",
        "digest_algorithm": droplet.sha256.is_some().then_some("SHA256"),
        "digest_value": droplet.sha256.clone(),
    }
}

fn processes(application: &Application) -> Vec<Json> {
    let today = application.style.is_today();
    let run = |path: &str, args: Json, log_source: Option<&str>| {
        object! { "run": object! {
            "path": path,
            "args": args,
            "env": launch_environment(application),
            "resource_limits": resource_limits(),
            "user": application.lifecycle.user(),
            "log_source": log_source,
            "suppress_log_output": false,
            "volume_mounted_files": if today { Json::Null } else { Json::Absent },
        } }
    };
    let log_source = if today { application.log_source() } else { "APP".to_owned() };
    let metadata = application.lifecycle.image().map(|image| image.found.to_text()).unwrap_or_default();
    let launcher = |command: &str, log_source: &str| {
        run("/tmp/lifecycle/launcher", Json::texts(&["app", command, &metadata]), Some(log_source))
    };
    let mut processes = vec![launcher(&application.command, &log_source)];
    for sidecar in &application.process.sidecars {
        let log_source = format!("{log_source}/SIDECAR/{}", sidecar.name.to_uppercase());
        processes.push(launcher(&sidecar.command, &log_source));
    }
    if application.ssh {
        let args = [
            format!("-address=0.0.0.0:{SSH_PORT}"),
            format!("-hostKey={FIXTURE_KEY}"),
            format!("-authorizedKey={FIXTURE_PUBLIC_KEY}"),
            "-inheritDaemonEnv".to_owned(),
            "-logLevel=fatal".to_owned(),
        ];
        processes.push(run("/tmp/lifecycle/diego-sshd", Json::texts(&args), today.then_some("CELL/SSHD")));
    }
    processes
}

/// Today the ports come first, before they came last and won over the user's own.
fn launch_environment(application: &Application) -> Json {
    let (style, memory) = (application.style, application.memory_mb);
    let described = if style.is_today() {
        vcap_application_process_today(application)
    } else {
        vcap_application(application, memory, application.disk_mb)
    };
    let mut env = common(application, &described, memory, None);
    let port = application.lifecycle.ports()[0].to_string();
    let ports = [("PORT", port.as_str()), ("VCAP_APP_PORT", &port), ("VCAP_APP_HOST", "0.0.0.0")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    match style {
        Style::Y2016 => env.extend(ports.into_iter().take(1)),
        Style::Y2017 => env.extend(ports),
        _ if application.lifecycle.kind() != Kind::Buildpack => {
            env.splice(0..0, ports.into_iter().take(1)).for_each(drop);
        }
        Style::Y2026 | Style::Y2026Layers => env.splice(0..0, ports).for_each(drop),
    }
    variables(&env)
}

fn monitor(application: &Application) -> Option<Json> {
    let style = application.style;
    let path = match &application.health_check {
        HealthCheck::Port => None,
        HealthCheck::Http(path) => Some(format!("-uri={path}")),
        HealthCheck::Process | HealthCheck::None => return None,
    };
    let files = if style.is_today() {
        resource_limits()
    } else {
        object! { "nofile": 1024 }
    };
    let check = |port: u16| {
        object! { "run": object! {
            "path": "/tmp/lifecycle/healthcheck",
            "args": Json::texts(&std::iter::once(format!("-port={port}")).chain(path.clone()).collect::<Vec<_>>()),
            "resource_limits": files.clone(),
            "user": application.lifecycle.user(),
            "log_source": "HEALTH",
            "suppress_log_output": true,
            "volume_mounted_files": if style.is_today() { Json::Null } else { Json::Absent },
        } }
    };
    let (timeout, timeout_ms) = style.timeout(if style == Style::Y2016 { 30_000 } else { 600_000 });
    Some(object! { "timeout": object! {
        "action": object! { "parallel": object! { "actions": application.lifecycle.ports().into_iter().map(check).collect::<Vec<_>>() } },
        "timeout": timeout,
        "timeout_ms": timeout_ms,
    } })
}

fn check_definition(application: &Application) -> Option<Json> {
    let tcp = |port: u16| object! { "tcp_check": object! { "port": u32::from(port) } };
    let ports = application.lifecycle.ports();
    let checks = match &application.health_check {
        HealthCheck::Port => ports.iter().copied().map(tcp).collect(),
        HealthCheck::Http(path) => vec![object! { "http_check": object! {
            "port": u32::from(ports[0]), "request_timeout_ms": 1000, "path": path,
        } }],
        HealthCheck::Process | HealthCheck::None => return None,
    };
    Some(object! { "checks": checks, "log_source": "HEALTH", "readiness_checks": vec![tcp(ports[0])] })
}

fn ports(application: &Application) -> Vec<Json> {
    let ssh = application.ssh.then_some(SSH_PORT);
    application.lifecycle.ports().into_iter().map(i64::from).chain(ssh).map(Json::from).collect()
}

fn routes(application: &Application) -> Json {
    let today = application.style.is_today();
    let null = || if today { Json::Null } else { Json::Absent };
    object! {
        "cf-router": application.is_web().then(|| object! {
            "hostnames": Json::texts(&[application.route()]),
            "port": u32::from(application.lifecycle.ports()[0]),
            "route_service_url": null(),
            "isolation_segment": null(),
            "protocol": today.then_some("http1"),
        }).into_iter().collect::<Vec<_>>(),
        "diego-ssh": application.ssh.then(|| object! {
            "container_port": SSH_PORT,
            "host_fingerprint": FIXTURE_FINGERPRINT,
            "private_key": FIXTURE_KEY,
        }),
        "internal-router": today.then(|| Json::List(Vec::new())),
        "tcp-router": Json::List(Vec::new()),
    }
}
