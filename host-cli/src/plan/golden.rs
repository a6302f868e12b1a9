//! Plans as text, for the tests that compare them with a file: every field that asks for something, values included.

use crate::engine::ContainerId;
use crate::engine::container_spec::{ContainerSpec, Overruled, RestartPolicy};
use crate::plan::launch::{LaunchPlan, Prepared};
use crate::plan::not_done::DiskBound;
use crate::plan::restage::RestagePlan;
use shared_model::action::RunAction;
use shared_model::event::Event;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// The newest request of kind `key` (`taskDefinition`, `desiredLRP`) in a recorded log whose JSON contains `mark`.
pub(crate) fn recorded(log: &str, key: &str, mark: &str) -> String {
    let line = log.lines().rfind(|line| line.contains(key) && line.contains(mark)).unwrap();
    let document: serde_json::Value = serde_json::from_str(line).unwrap();
    document["data"][key].to_string()
}

/// All requests of kind `key` in a recorded log, in its order.
pub(crate) fn all_recorded(log: &str, key: &str) -> Vec<String> {
    let document = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        line["data"].get(key).filter(|document| document.is_object()).map(ToString::to_string)
    };
    log.lines().filter_map(document).collect()
}

/// One line a field; those that ask for nothing are left out.
pub(crate) fn describe(spec: &ContainerSpec) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        if !value.is_empty() && value != "0" && value != "false" {
            writeln!(text, "{name} {value}").unwrap();
        }
    };
    line("image", spec.image.clone());
    for (name, words) in [("entrypoint", &spec.entrypoint), ("command", &spec.command)] {
        line(name, words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" "));
    }
    for (name, value) in &spec.environment {
        line("env", format!("{name}={value}"));
    }
    for (name, value) in &spec.labels {
        line("label", format!("{name}={value}"));
    }
    line("user", spec.user.clone());
    line("dir", spec.working_directory.clone());
    line("network", format!("{} {}", spec.network, spec.aliases.join(" ")).trim().to_owned());
    line("hosts", spec.extra_hosts.join(" "));
    line("dns", spec.dns.join(" "));
    for port in &spec.ports {
        line("port", format!("{}:{} -> {}", port.host_address, port.host, port.container));
    }
    line("memory", spec.memory_bytes.to_string());
    line("disk", spec.disk_bytes.to_string());
    line("cpu", spec.cpu_shares.to_string());
    line("nofile", spec.nofile.to_string());
    line("pids", spec.pids.to_string());
    line("drop", spec.drop_capabilities.join(" "));
    line("add", spec.add_capabilities.join(" "));
    line("security", spec.security_options.join(" "));
    line("bind", spec.binds.join(" "));
    line("volumes", spec.volumes.join(" "));
    line("memory-folders", spec.memory_folders.join(" "));
    line("stdin", spec.reads_stdin.to_string());
    line("init", spec.init.to_string());
    if spec.overruled != Overruled::Nothing {
        line("overruled", format!("{:?}", spec.overruled));
    }
    line("auto-remove", spec.auto_remove.to_string());
    line("host-processes", spec.host_processes.to_string());
    if spec.restart != RestartPolicy::No {
        line("restart", format!("{:?}", spec.restart));
    }
    if let Some(log) = &spec.log {
        let options: Vec<String> = log.options.iter().map(|(name, value)| format!("{name}={value}")).collect();
        line("log", format!("{} {}", log.driver, options.join(" ")).trim().to_owned());
    }
    if let Some(check) = &spec.health_check {
        line(
            "health",
            format!(
                "{:?} at {:?} every {:?} or {:?}, {:?} each, {} times, {:?} to start",
                check.command,
                check.ports,
                check.interval,
                check.only_interval,
                check.timeout,
                check.retries,
                check.start_period
            ),
        );
        check.beside.iter().for_each(|command| line("beside", format!("{command:?}")));
    }
    text
}

/// A restage, decided: what is done before, the container, what comes after.
pub(crate) fn describe_restage(plan: &RestagePlan) -> String {
    let mut text = format!("name {}\n", plan.container_name);
    for note in &plan.notes {
        writeln!(text, "note {note:?}").unwrap();
    }
    writeln!(text, "request {} bytes", plan.document.reveal().len()).unwrap();
    writeln!(text, "hosts {}", joined(&plan.hosts)).unwrap();
    writeln!(text, "users {}", joined(&plan.users)).unwrap();
    writeln!(text, "volume {:?}", plan.volume).unwrap();
    text += &describe(&plan.container);
    writeln!(text, "unbounded {}", plan.unbounded).unwrap();
    writeln!(text, "verdict memory {} help {}", plan.memory_mb, plan.for_help).unwrap();
    writeln!(text, "visit {:?}", plan.visit.as_ref().map(|visit| visit.command(&ContainerId("0123456789ab".into()))))
        .unwrap();
    writeln!(text, "image {:#?}", plan.image).unwrap();
    text
}

/// A launch, decided, with what it becomes on an engine.
pub(crate) fn describe_launch(plan: &LaunchPlan, prepared: &Prepared) -> String {
    let mut text = format!("name {}\nguard {}\napp {} {}\n", plan.container_name, plan.guard, plan.app, plan.app_guid);
    for warning in &plan.not_done.warnings {
        writeln!(text, "warning {warning}").unwrap();
    }
    for disk in [DiskBound::Kept, DiskBound::Missing] {
        if let Some(Event::NotDone { what }) = prepared.not_done.event(disk) {
            writeln!(text, "not done {disk:?} {what:?}").unwrap();
        }
    }
    for port in &plan.ports {
        writeln!(text, "publish {port:?}").unwrap();
    }
    for folder in plan.folders.iter().chain(&prepared.supervisor) {
        writeln!(text, "fills {}", folder.at).unwrap();
        for file in &folder.files {
            let (bytes, (user, group)) = (file.content.reveal().len(), file.owner);
            writeln!(text, "  {} {:o} {user}:{group} {bytes} bytes", file.path, file.mode).unwrap();
        }
    }
    for run in &plan.sidecars {
        let RunAction { path, dir, log_source, .. } = run;
        writeln!(text, "beside {path} in {dir:?} as {log_source:?}").unwrap();
        writeln!(text, "  arguments {:?} nofile {:?}", run.arguments(), run.nofile()).unwrap();
        for variable in run.environment() {
            writeln!(text, "  env {}={}", variable.name, variable.value.reveal()).unwrap();
        }
    }
    text += &describe(&prepared.container);
    writeln!(text, "within {:?} memory {}", plan.start_timeout, plan.memory_mb).unwrap();
    text
}

fn joined(words: &BTreeSet<String>) -> String {
    words.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// Compares a plan with `golden/NAME.txt`; with `BLESS=1` in the environment the file is written anew.
pub(crate) fn assert_golden(name: &str, text: &str) {
    assert_golden_file(&format!("plan/golden/{name}.txt"), text);
}

/// The same with a file below this crate's sources.
pub(crate) fn assert_golden_file(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(name);
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, text).unwrap();
    }
    assert_eq!(text, fs::read_to_string(&path).unwrap(), "{name}; BLESS=1 accepts it");
}
