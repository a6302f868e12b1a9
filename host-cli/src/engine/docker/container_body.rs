//! A container as the engine's JSON. Pure. docker-api's own options know neither `StdinOnce` (without which a container
//! that reads stdin never sees its end) nor capabilities, limits, health checks and init.

use crate::engine::container_spec::{ContainerSpec, HealthCheck, LogConfig, Overruled, RestartPolicy};
use crate::labels;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How a folder in memory is mounted. Files of 1 MiB together take more where they are many and small.
const MEMORY_FOLDER: &str = "rw,noexec,nosuid,nodev,mode=0755,size=64m";

/// Which intervals of a health check an engine knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intervals {
    /// One, before and after the first success.
    One,
    /// Another one before it: API 1.44 and newer.
    Two,
}

/// The body of `POST /containers/create`. What the spec leaves empty is left out, so that the image or the engine decides.
pub(super) fn container_body(spec: &ContainerSpec, intervals: Intervals) -> Value {
    let mut body = Map::new();
    body.insert("Image".into(), json!(spec.image));
    put_list(&mut body, "Entrypoint", &spec.entrypoint);
    put_list(&mut body, "Cmd", &spec.command);
    let environment: Vec<String> = spec.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    put_list(&mut body, "Env", &environment);
    body.insert("Labels".into(), json!(spec.labels));
    put_text(&mut body, "User", &spec.user);
    put_text(&mut body, "WorkingDir", &spec.working_directory);
    if spec.reads_stdin {
        for name in ["OpenStdin", "StdinOnce", "AttachStdin"] {
            body.insert(name.into(), json!(true));
        }
    }
    if !spec.ports.is_empty() {
        let exposed = spec.ports.iter().map(|port| (format!("{}/tcp", port.container), json!({})));
        body.insert("ExposedPorts".into(), Value::Object(exposed.collect()));
    }
    if let Some(check) = &spec.health_check {
        body.insert("Healthcheck".into(), health_check(check, intervals));
    } else if spec.overruled == Overruled::HealthAndStop {
        body.insert("Healthcheck".into(), json!({ "Test": ["NONE"] }));
    }
    if spec.overruled == Overruled::HealthAndStop {
        body.insert("StopSignal".into(), json!("SIGTERM"));
    }
    body.insert("HostConfig".into(), Value::Object(host_config(spec)));
    if !spec.network.is_empty() && !spec.aliases.is_empty() {
        body.insert(
            "NetworkingConfig".into(),
            json!({ "EndpointsConfig": { &spec.network: { "Aliases": spec.aliases } } }),
        );
    }
    Value::Object(body)
}

fn host_config(spec: &ContainerSpec) -> Map<String, Value> {
    let mut host = Map::new();
    put_text(&mut host, "NetworkMode", &spec.network);
    if spec.host_processes {
        host.insert("PidMode".into(), json!("host"));
    }
    put_list(&mut host, "ExtraHosts", &spec.extra_hosts);
    put_list(&mut host, "Dns", &spec.dns);
    if !spec.ports.is_empty() {
        host.insert("PortBindings".into(), Value::Object(port_bindings(spec)));
    }
    put_number(&mut host, "Memory", spec.memory_bytes);
    put_number(&mut host, "MemorySwap", spec.memory_bytes); // As garden does: the limit is for both together, no swap.
    put_number(&mut host, "CpuShares", spec.cpu_shares);
    put_number(&mut host, "PidsLimit", spec.pids);
    if spec.disk_bytes > 0 {
        host.insert("StorageOpt".into(), json!({ "size": spec.disk_bytes.to_string() }));
    }
    if spec.nofile > 0 {
        host.insert("Ulimits".into(), json!([{ "Name": "nofile", "Soft": spec.nofile, "Hard": spec.nofile }]));
    }
    put_list(&mut host, "CapDrop", &spec.drop_capabilities);
    put_list(&mut host, "CapAdd", &spec.add_capabilities);
    put_list(&mut host, "SecurityOpt", &spec.security_options);
    put_list(&mut host, "Binds", &spec.binds);
    // Without a source the engine makes one that nobody else has.
    let volume = |at: &String, is_empty: bool| {
        let options = json!({ "NoCopy": is_empty, "Labels": { (labels::KIND): labels::KIND_FILES } });
        json!({ "Type": "volume", "Target": at, "VolumeOptions": options })
    };
    let empty = spec.volumes.iter().map(|at| volume(at, true));
    let mounts: Vec<Value> = empty.chain(spec.scratch_folders.iter().map(|at| volume(at, false))).collect();
    if !mounts.is_empty() {
        host.insert("Mounts".into(), mounts.into());
    }
    if !spec.memory_folders.is_empty() {
        let folders = spec.memory_folders.iter().map(|at| (at.clone(), json!(MEMORY_FOLDER)));
        host.insert("Tmpfs".into(), Value::Object(folders.collect()));
    }
    if let Some(LogConfig { driver, options }) = &spec.log {
        host.insert("LogConfig".into(), json!({ "Type": driver, "Config": options }));
    }
    if spec.restart != RestartPolicy::No {
        host.insert("RestartPolicy".into(), restart_policy(spec.restart));
    }
    for (name, wanted) in [("Init", spec.init), ("AutoRemove", spec.auto_remove)] {
        if wanted {
            host.insert(name.into(), json!(true));
        }
    }
    host
}

/// The body of `POST /containers/ID/update`, which leaves all else as it is.
pub(super) fn update_body(restart: RestartPolicy) -> Value {
    json!({ "RestartPolicy": restart_policy(restart) })
}

fn restart_policy(restart: RestartPolicy) -> Value {
    let name = match restart {
        RestartPolicy::No => "no",
        RestartPolicy::UnlessStopped => "unless-stopped",
        RestartPolicy::Always => "always",
    };
    json!({ "Name": name })
}

fn port_bindings(spec: &ContainerSpec) -> Map<String, Value> {
    let mut bindings: Map<String, Value> = Map::new();
    for port in &spec.ports {
        let binding = json!({ "HostIp": port.host_address, "HostPort": port.host.to_string() });
        let entry = bindings.entry(format!("{}/tcp", port.container)).or_insert_with(|| json!([]));
        if let Value::Array(list) = entry {
            list.push(binding);
        }
    }
    bindings
}

fn health_check(check: &HealthCheck, intervals: Intervals) -> Value {
    let test: Vec<&str> = std::iter::once("CMD").chain(check.command.iter().map(String::as_str)).collect();
    let mut wanted = json!({
        "Test": test,
        "Interval": nanoseconds(check.only_interval),
        "Timeout": nanoseconds(check.timeout),
        "Retries": check.retries,
        "StartPeriod": nanoseconds(check.start_period),
    });
    if intervals == Intervals::Two {
        wanted["Interval"] = json!(nanoseconds(check.interval));
        wanted["StartInterval"] = json!(nanoseconds(check.start_interval));
    }
    wanted
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn put_text(map: &mut Map<String, Value>, name: &str, text: &str) {
    if !text.is_empty() {
        map.insert(name.into(), json!(text));
    }
}

fn put_list(map: &mut Map<String, Value>, name: &str, list: &[String]) {
    if !list.is_empty() {
        map.insert(name.into(), json!(list));
    }
}

fn put_number(map: &mut Map<String, Value>, name: &str, number: u64) {
    if number > 0 {
        map.insert(name.into(), json!(number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::container_spec::PublishedPort;

    #[test]
    fn an_empty_spec_asks_for_nothing() {
        let spec = ContainerSpec { image: "i".into(), ..ContainerSpec::default() };
        assert_eq!(container_body(&spec, Intervals::One), json!({ "Image": "i", "Labels": {}, "HostConfig": {} }));
    }

    #[test]
    fn only_what_is_to_be_started_again_has_a_restart_policy() {
        let spec =
            ContainerSpec { restart: RestartPolicy::UnlessStopped, host_processes: true, ..ContainerSpec::default() };
        let body = container_body(&spec, Intervals::One);
        assert_eq!(body["HostConfig"]["PidMode"], "host");
        assert_eq!(body["HostConfig"]["RestartPolicy"], json!({ "Name": "unless-stopped" }));
        assert_eq!(update_body(RestartPolicy::No), json!({ "RestartPolicy": { "Name": "no" } }));
    }

    #[test]
    fn an_images_own_health_check_and_stop_signal_can_be_overruled() {
        let spec = ContainerSpec { image: "i".into(), overruled: Overruled::HealthAndStop, ..ContainerSpec::default() };
        let body = container_body(&spec, Intervals::One);
        assert_eq!((&body["Healthcheck"], &body["StopSignal"]), (&json!({ "Test": ["NONE"] }), &json!("SIGTERM")));
    }

    #[test]
    fn a_full_spec_is_written_as_the_engine_reads_it() {
        let spec = ContainerSpec {
            image: "stager:latest".into(),
            entrypoint: vec!["/tmp/lifecycle/launcher".into()],
            command: vec!["app".into(), String::new(), String::new()],
            environment: vec![("A".into(), "b=c".into())],
            labels: [("stager.kind".into(), "app".into())].into(),
            user: "vcap".into(),
            working_directory: "/home/vcap".into(),
            network: "hcf".into(),
            aliases: vec!["my-app".into()],
            extra_hosts: vec!["a.b:10.0.0.1".into(), "c:::1".into()],
            dns: vec!["10.0.0.53".into()],
            ports: vec![
                PublishedPort { host_address: String::new(), host: 8080, container: 8080 },
                PublishedPort { host_address: "127.0.0.1".into(), host: 8081, container: 8080 },
            ],
            memory_bytes: 1 << 30,
            disk_bytes: 1 << 32,
            cpu_shares: 12,
            nofile: 16384,
            pids: 100,
            drop_capabilities: vec!["ALL".into()],
            add_capabilities: vec!["SETUID".into()],
            security_options: vec!["no-new-privileges".into()],
            binds: vec!["/a:/b:ro".into()],
            volumes: vec!["/etc/v".into()],
            scratch_folders: vec!["/tmp".into()],
            memory_folders: vec!["/etc/m".into()],
            reads_stdin: true,
            init: true,
            auto_remove: true,
            overruled: Overruled::Nothing,
            health_check: Some(HealthCheck {
                command: vec!["/tmp/lifecycle/healthcheck".into(), "-port=8080".into()],
                beside: Vec::new(),
                ports: vec![8080],
                interval: Duration::from_secs(30),
                only_interval: Duration::from_millis(500),
                start_interval: Duration::from_secs(2),
                timeout: Duration::from_secs(1),
                retries: 3,
                start_period: Duration::from_secs(60),
            }),
            log: Some(LogConfig { driver: "none".into(), options: [("a".into(), "b".into())].into() }),
            restart: RestartPolicy::No,
            host_processes: false,
        };
        assert_eq!(
            container_body(&spec, Intervals::One),
            json!({
                "Image": "stager:latest",
                "Entrypoint": ["/tmp/lifecycle/launcher"],
                "Cmd": ["app", "", ""],
                "Env": ["A=b=c"],
                "Labels": { "stager.kind": "app" },
                "User": "vcap",
                "WorkingDir": "/home/vcap",
                "OpenStdin": true, "StdinOnce": true, "AttachStdin": true,
                "ExposedPorts": { "8080/tcp": {} },
                "Healthcheck": {
                    "Test": ["CMD", "/tmp/lifecycle/healthcheck", "-port=8080"],
                    "Interval": 500_000_000_u64, "Timeout": 1_000_000_000_u64, "Retries": 3,
                    "StartPeriod": 60_000_000_000_u64,
                },
                "HostConfig": {
                    "NetworkMode": "hcf",
                    "ExtraHosts": ["a.b:10.0.0.1", "c:::1"], "Dns": ["10.0.0.53"],
                    "PortBindings": { "8080/tcp": [
                        { "HostIp": "", "HostPort": "8080" }, { "HostIp": "127.0.0.1", "HostPort": "8081" },
                    ] },
                    "Memory": 1_073_741_824, "MemorySwap": 1_073_741_824, "CpuShares": 12, "PidsLimit": 100,
                    "StorageOpt": { "size": "4294967296" },
                    "Ulimits": [{ "Name": "nofile", "Soft": 16384, "Hard": 16384 }],
                    "CapDrop": ["ALL"], "CapAdd": ["SETUID"], "SecurityOpt": ["no-new-privileges"],
                    "Binds": ["/a:/b:ro"],
                    "Mounts": [
                        { "Type": "volume", "Target": "/etc/v", "VolumeOptions": {
                            "NoCopy": true, "Labels": { "stager.kind": "files" } } },
                        { "Type": "volume", "Target": "/tmp", "VolumeOptions": {
                            "NoCopy": false, "Labels": { "stager.kind": "files" } } },
                    ],
                    "Tmpfs": { "/etc/m": "rw,noexec,nosuid,nodev,mode=0755,size=64m" },
                    "Init": true, "AutoRemove": true,
                    "LogConfig": { "Type": "none", "Config": { "a": "b" } },
                },
                "NetworkingConfig": { "EndpointsConfig": { "hcf": { "Aliases": ["my-app"] } } },
            })
        );
    }

    #[test]
    fn an_engine_that_knows_two_intervals_is_given_both() {
        let seconds = Duration::from_secs;
        let check = HealthCheck {
            command: vec!["/check".into()],
            beside: Vec::new(),
            ports: vec![],
            interval: seconds(30),
            only_interval: seconds(10),
            start_interval: seconds(2),
            timeout: seconds(1),
            retries: 1,
            start_period: seconds(60),
        };
        let spec = ContainerSpec { health_check: Some(check), ..ContainerSpec::default() };
        let wanted = |intervals| container_body(&spec, intervals)["Healthcheck"].clone();
        assert_eq!(wanted(Intervals::One)["Interval"], nanoseconds(seconds(10)));
        assert_eq!(wanted(Intervals::One).get("StartInterval"), None);
        assert_eq!(wanted(Intervals::Two)["Interval"], nanoseconds(seconds(30)));
        assert_eq!(wanted(Intervals::Two)["StartInterval"], nanoseconds(seconds(2)));
    }
}
