//! What the processes are told, and what is heard of them.

use crate::world::{Supervisor, command, ended, run, sidecar};
use serde_json::json;
use std::net::IpAddr;

#[test]
fn each_has_its_own_environment_and_all_are_told_the_address_over_what_the_request_says() {
    let mut one = sidecar("A", "env; exec sleep 60");
    let address = "CF_INSTANCE_INTERNAL_IP";
    one["env"] = json!([{"name": "OF_A", "value": "a b"}, {"name": address, "value": "6.6.6.6"}, {"name": "HOME", "value": "/a"}]);
    let mut command = command("sleep 0.3; env", &[one]);
    command.env_clear().envs([("PATH", "/usr/bin:/bin"), ("HOME", "/h"), ("OF_APP", "x"), (address, "6.6.6.6")]);
    let ended = ended(&mut command);
    let (of_sidecar, of_app): (Vec<&str>, Vec<&str>) = ended.out.lines().partition(|line| line.starts_with("[APP/"));
    let of_sidecar: Vec<&str> = of_sidecar.iter().map(|line| line.split_once("] ").unwrap().1).collect();
    let value = |lines: &[&str], name: &str| {
        lines
            .iter()
            .find_map(|line| line.split_once('=').filter(|(found, _)| *found == name))
            .map(|(_, value)| value.to_owned())
    };
    let told = value(&of_app, address).unwrap();
    assert!(told.parse::<IpAddr>().is_ok() && told != "6.6.6.6", "{told}");
    assert_eq!(value(&of_sidecar, address), Some(told));
    assert_eq!(value(&of_sidecar, "OF_A").as_deref(), Some("a b"));
    assert_eq!((value(&of_sidecar, "OF_APP"), value(&of_app, "OF_A")), (None, None));
    assert_eq!(value(&of_sidecar, "PATH").as_deref(), Some("/usr/bin:/bin"));
    assert_eq!((value(&of_sidecar, "HOME").as_deref(), value(&of_app, "HOME").as_deref()), (Some("/a"), Some("/h")));
    let own = |name: &&&str| {
        !["PATH", "HOME", "OF_APP", "PWD", "SHLVL", "_", address].contains(&name.split('=').next().unwrap())
    };
    assert_eq!(of_app.iter().filter(own).collect::<Vec<_>>(), Vec::<&&str>::new(), "nothing of the supervisor's");
}

#[test]
fn a_sidecar_starts_in_its_folder_and_opens_no_more_files_than_it_may() {
    let mut one = sidecar("A", "pwd; ulimit -Sn; sleep 0.1; ulimit -Hn; exec sleep 60");
    one["dir"] = "/usr".into();
    one["resource_limits"] = json!({"nofile": 77});
    let ended = run("sleep 0.5; ulimit -Sn", &[one]);
    let lines: Vec<&str> = ended.out.lines().collect();
    assert_eq!(lines[..3], ["/usr", "77", "77"].map(|line| format!("[APP/PROC/WEB/SIDECAR/A] {line}")));
    assert_ne!(lines[3], "77", "the limit is the sidecar's");
}

#[test]
fn no_line_of_a_sidecar_is_lost_and_each_goes_where_it_was_printed() {
    let many = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; printf end; printf oops >&2; exit 1";
    let ended = run("exec sleep 60", &[sidecar("A", many)]);
    let lines = (0..20000).map(|i| format!("line {i}")).chain(["end".to_owned()]);
    let expected = lines.map(|line| format!("[APP/PROC/WEB/SIDECAR/A] {line}"));
    assert!(ended.out.lines().eq(expected), "{} bytes", ended.out.len());
    let (oops, end) =
        ("[APP/PROC/WEB/SIDECAR/A] oops", "[APP/PROC/WEB/SIDECAR/A] ended with status 1; the app ends with it");
    assert_eq!(ended.err, format!("{oops}\n{end}\n"), "its last words come first");
}

#[test]
fn no_line_is_lost_where_the_app_wants_nobody_to_wait_and_the_reader_is_slow() {
    let ready = std::env::temp_dir().join(format!("stager-test-ready-{}", std::process::id()));
    let app = "python3 -c 'import os; os.set_blocking(1, False)'; echo ready; exec sleep 60";
    // However long the app takes to say so.
    let many = "until [ -e READY ]; do sleep 0.05; done; i=0; while [ $i -lt 9000 ]; do echo line $i; i=$((i+1)); done; exit 1";
    let supervisor = Supervisor::after(1, app, &[sidecar("A", &many.replace("READY", ready.to_str().unwrap()))]);
    std::fs::write(&ready, "").unwrap();
    std::thread::sleep(std::time::Duration::from_secs(1));
    std::fs::remove_file(&ready).unwrap();
    let lines = (0..9000).map(|i| format!("[APP/PROC/WEB/SIDECAR/A] line {i}"));
    let ended = supervisor.ended();
    assert!(
        ended.out.lines().eq(lines),
        "{} lines, the last {:?}",
        ended.out.lines().count(),
        ended.out.lines().last()
    );
}

#[test]
fn the_apps_output_is_its_own() {
    let ended = run("printf 'no end'; printf err >&2", &[]);
    assert_eq!((ended.out.as_str(), ended.err.as_str()), ("no end", "err"));
}

#[test]
fn an_order_that_names_no_program_is_answered_with_how_it_is_used() {
    let ended = ended(std::process::Command::new(env!("CARGO_BIN_EXE_app-supervisor")).arg("/bin/sh"));
    assert_eq!(ended.status, 125);
    assert_eq!(
        ended.err,
        "app-supervisor: usage: app-supervisor [--sidecars FILE] -- PROGRAM [ARGUMENT]..., or --connect HOST:PORT\n"
    );
}
