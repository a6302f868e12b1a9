//! The `DesiredLRP` that nsync makes of an app: key for key what the recorded ones hold.

use crate::request::application::{Application, HealthCheck};
use crate::request::environment::{common, container, variables, vcap_application, vcap_application_web_today};
use crate::request::json::{Json, object};
use crate::request::parts::{
    certificate_properties, checksum, egress_rules, lifecycle_dependency, lifecycle_layer, log_rate_limit, metric_tags,
    resource_limits,
};
use crate::request::style::Style;

const PORT: &str = "8080";
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
    object! {
        "process_guid": application.process_guid(),
        "domain": "cf-apps",
        "rootfs": format!("preloaded:{}", application.stack),
        "instances": 1,
        "env": container(),
        "setup": (!layers).then(|| setup(application)),
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
        "legacy_download_user": "vcap",
        "trusted_system_certificates_path": "/etc/cf-system-certificates",
        "network": today.then(|| object! { "properties": object! {
            "app_id": &application.guid, "container_workload": "app",
        } }),
        "max_pids": match style { Style::Y2016 => None, Style::Y2017 => Some(0), _ => Some(1024) },
        "certificate_properties": today.then(|| certificate_properties(application)),
        "check_definition": today.then(|| check_definition(application)).flatten(),
        "image_layers": layers.then(|| vec![lifecycle_layer(application), droplet_layer(application)]),
        "metric_tags": today.then(|| metric_tags(application)),
        "log_rate_limit": today.then(log_rate_limit),
        "volume_mounted_files": if today { Json::Null } else { Json::Absent },
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
            "user": "vcap",
            "log_source": log_source,
            "suppress_log_output": false,
            "volume_mounted_files": if today { Json::Null } else { Json::Absent },
        } }
    };
    let log_source = if today { "APP/PROC/WEB" } else { "APP" };
    let args = Json::texts(&["app", &application.command, ""]);
    let mut processes = vec![run("/tmp/lifecycle/launcher", args, Some(log_source))];
    if application.ssh {
        let args = [
            format!("-address=0.0.0.0:{SSH_PORT}"),
            format!("-hostKey={FIXTURE_KEY}"),
            format!("-authorizedKey={FIXTURE_PUBLIC_KEY}"),
            "-inheritDaemonEnv".to_owned(),
            "-logLevel=fatal".to_owned(),
        ];
        processes.push(run("/tmp/lifecycle/diego-sshd", Json::texts(&args), None));
    }
    processes
}

/// Today the ports come first, before they came last and won over the user's own.
fn launch_environment(application: &Application) -> Json {
    let (style, memory) = (application.style, application.memory_mb);
    let described = if style.is_today() {
        vcap_application_web_today(application)
    } else {
        vcap_application(application, memory, application.disk_mb)
    };
    let mut env = common(application, &described, memory);
    let ports = [("PORT", PORT), ("VCAP_APP_PORT", PORT), ("VCAP_APP_HOST", "0.0.0.0")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    match style {
        Style::Y2016 => env.extend(ports.into_iter().take(1)),
        Style::Y2017 => env.extend(ports),
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
    let args: Vec<String> = std::iter::once(format!("-port={PORT}")).chain(path).collect();
    let files = if style.is_today() {
        resource_limits()
    } else {
        object! { "nofile": 1024 }
    };
    let check = object! { "run": object! {
        "path": "/tmp/lifecycle/healthcheck",
        "args": Json::texts(&args),
        "resource_limits": files,
        "user": "vcap",
        "log_source": "HEALTH",
        "suppress_log_output": true,
        "volume_mounted_files": if style.is_today() { Json::Null } else { Json::Absent },
    } };
    let (timeout, timeout_ms) = style.timeout(if style == Style::Y2016 { 30_000 } else { 600_000 });
    Some(object! { "timeout": object! {
        "action": object! { "parallel": object! { "actions": vec![check] } },
        "timeout": timeout,
        "timeout_ms": timeout_ms,
    } })
}

fn check_definition(application: &Application) -> Option<Json> {
    let tcp = || object! { "tcp_check": object! { "port": 8080 } };
    let check = match &application.health_check {
        HealthCheck::Port => tcp(),
        HealthCheck::Http(path) => object! { "http_check": object! {
            "port": 8080, "request_timeout_ms": 1000, "path": path,
        } },
        HealthCheck::Process | HealthCheck::None => return None,
    };
    Some(object! { "checks": vec![check], "log_source": "HEALTH", "readiness_checks": vec![tcp()] })
}

fn ports(application: &Application) -> Vec<Json> {
    let ssh = application.ssh.then_some(SSH_PORT);
    std::iter::once(8080).chain(ssh).map(Json::from).collect()
}

fn routes(application: &Application) -> Json {
    let today = application.style.is_today();
    let null = || if today { Json::Null } else { Json::Absent };
    object! {
        "cf-router": vec![object! {
            "hostnames": Json::texts(&[application.route()]),
            "port": 8080,
            "route_service_url": null(),
            "isolation_segment": null(),
            "protocol": today.then_some("http1"),
        }],
        "diego-ssh": application.ssh.then(|| object! {
            "container_port": SSH_PORT,
            "host_fingerprint": FIXTURE_FINGERPRINT,
            "private_key": FIXTURE_KEY,
        }),
        "internal-router": today.then(|| Json::List(Vec::new())),
        "tcp-router": Json::List(Vec::new()),
    }
}
