//! Who ends first, and what becomes of the others.

use crate::world::{Supervisor, command, ended, run, sidecar};
use std::time::{Duration, Instant};

/// Prints a line when it is asked to end, and ends.
const OBEYS: &str = "trap 'echo asked; exit 0' TERM; echo runs; while :; do sleep 0.02; done";

#[test]
fn the_apps_status_is_the_containers() {
    for (app, status) in [("exit 0", 0), ("exit 3", 3), ("kill -KILL $$", 137), ("exit 255", 255)] {
        let ended = run(app, &[]);
        assert_eq!((ended.status, ended.out.as_str(), ended.err.as_str()), (status, "", ""), "{app}");
    }
}

#[test]
fn when_the_app_ends_its_sidecars_are_asked_to_end_and_their_last_words_are_heard() {
    let began = Instant::now();
    let ended = run("sleep 0.3; exit 7", &[sidecar("A", OBEYS), sidecar("B", "echo runs; exec sleep 60")]);
    assert_eq!(ended.status, 7);
    for line in
        ["[APP/PROC/WEB/SIDECAR/A] runs\n", "[APP/PROC/WEB/SIDECAR/A] asked\n", "[APP/PROC/WEB/SIDECAR/B] runs\n"]
    {
        assert!(ended.out.contains(line), "{}", ended.out);
    }
    assert_eq!(ended.err, "");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn when_a_sidecar_ends_the_app_is_asked_to_end_and_the_sidecar_is_named() {
    let with = |script| run(OBEYS, &[sidecar("CONFIG", script), sidecar("OTHER", "exec sleep 60")]);
    for (script, status, words) in [
        ("sleep 0.2; exit 3", 3, "ended with status 3"),
        ("sleep 0.2; kill -KILL $$", 137, "ended with signal 9"),
        ("sleep 0.2", 69, "ended with status 0"),
    ] {
        let ended = with(script);
        assert_eq!((ended.status, ended.out.as_str()), (status, "runs\nasked\n"), "{script}");
        assert_eq!(ended.err, format!("[APP/PROC/WEB/SIDECAR/CONFIG] {words}; the app ends with it\n"));
    }
}

#[test]
fn who_does_not_obey_within_ten_seconds_is_killed_with_all_that_it_started() {
    let began = Instant::now();
    let deaf = sidecar("DEAF", "trap '' TERM; sleep 60 & echo runs; wait; echo never");
    let ended = run("sleep 0.2; exit 4", &[deaf]);
    assert_eq!((ended.status, ended.out.as_str()), (4, "[APP/PROC/WEB/SIDECAR/DEAF] runs\n"));
    assert!((10..15).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[test]
fn a_program_that_cannot_be_started_is_told_with_a_shells_status() {
    let start = |program: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_app-supervisor"));
        ended(command.args(["--", program, "app"]))
    };
    let missing = start("/no/such/launcher");
    assert_eq!(missing.status, 127);
    assert!(missing.err.starts_with("app-supervisor: cannot start /no/such/launcher: No such file"), "{}", missing.err);
    assert_eq!(start("/etc/passwd").status, 126);
    let ended =
        run("exec sleep 60", &[serde_json::json!({"path": "/no/such/sidecar", "log_source": "S", "user": "vcap"})]);
    assert_eq!(ended.status, 127);
    assert!(ended.err.starts_with("[S] cannot start /no/such/sidecar: No such file"), "{}", ended.err);
}

#[test]
fn a_list_of_sidecars_that_cannot_be_read_starts_nothing() {
    let mut command = command("echo runs", &[serde_json::json!({"path": 7})]);
    let ended = ended(&mut command);
    assert_eq!((ended.status, ended.out.as_str()), (125, ""));
    assert!(ended.err.starts_with("app-supervisor: cannot read the sidecars in "), "{}", ended.err);
}

#[test]
fn orphans_are_reaped_and_do_not_end_the_app() {
    // Its grandchild is its supervisor's when the child in between has ended; as a zombie it would stay in the list.
    let app =
        "sh -c 'sh -c \"echo \\$\\$; sleep 0.3\" & exit 0'; sleep 1; ps -o stat= --ppid $PPID | grep -c Z; exit 5";
    let mut supervisor = Supervisor::after(0, app, &[]);
    assert!(supervisor.line().parse::<u32>().is_ok());
    let ended = supervisor.ended();
    assert_eq!((ended.status, ended.out.as_str()), (5, "0\n"));
}
