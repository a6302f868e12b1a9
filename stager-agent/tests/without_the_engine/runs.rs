//! What the agent does for, and takes from, the programs that it runs.

use crate::cloud::{Cloud, tgz, zip};
use crate::world::{Outcome, World, am_root, task, user, wait_for};
use serde_json::json;
use shared_model::event::Event;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn the_builder_gets_diegos_environment_and_nothing_else() {
    let world = World::new();
    let run = json!({"run": {"path": "/usr/bin/env", "user": user(), "dir": "/",
        "env": [{"name": "CF_STACK", "value": "cflinuxfs4"}, {"name": "lower.with.dots", "value": "1"}, {"name": "LANG", "value": "C"}]}});
    let outcome = world.stage(&task(&run), &[]);
    let mut lines = outcome.done().out();
    lines.sort_unstable();
    let mut names: Vec<&str> = lines.iter().map(|line| line.split('=').next().unwrap()).collect();
    names.retain(|name| !["HOME", "CF_INSTANCE_IP", "CF_INSTANCE_INTERNAL_IP"].contains(name));
    assert_eq!(
        names,
        [
            "CF_INSTANCE_ADDR",
            "CF_INSTANCE_PORT",
            "CF_INSTANCE_PORTS",
            "CF_STACK",
            "LANG",
            "PATH",
            "USER",
            "lower.with.dots"
        ]
    );
    for line in ["LANG=C", "CF_INSTANCE_PORTS=[]", "PATH=/usr/local/bin:/usr/bin:/bin", &format!("USER={}", user())] {
        assert!(lines.contains(&line), "{line} is not in {lines:?}");
    }
}

#[test]
fn the_builder_is_another_user_without_groups_privileges_or_descriptors() {
    let world = World::new();
    let script = "id -un; id -G; grep NoNewPrivs /proc/self/status; ls /proc/self/fd | tr '\\n' ' '; echo; readlink /proc/self/fd/0; test -r /proc/$PPID/mem || echo closed";
    // Descriptor 3 is one that whoever started the agent left open.
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "exec 3</etc/passwd; exec \"$0\" --no-image --output json", env!("CARGO_BIN_EXE_stager-agent")]);
    let mut child = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(task(&world.shell(script)).to_string().as_bytes()).unwrap();
    let outcome = Outcome::of(child);
    let lines = outcome.done().out();
    assert_eq!((lines[0], lines[2], lines[3], lines[4]), (user().as_str(), "NoNewPrivs:\t1", "0 1 2 3 ", "/dev/null"));
    assert_eq!(lines[5], "closed", "it can read the agent's memory, with the request in it");
    if am_root() {
        assert_eq!(lines[1].split(' ').count(), 1);
    }
}

#[test]
fn nofile_is_set_soft_and_hard() {
    let world = World::new();
    let mut run = world.shell("ulimit -Sn; ulimit -Hn");
    run["run"]["resource_limits"] = json!({"nofile": 777});
    assert_eq!(world.stage(&task(&run), &[]).done().out(), ["777", "777"]);
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let world = World::new();
    let run = json!({"run": {"path": "/tmp/lifecycle/builder-that-is-not-there", "user": user(), "dir": "/"}});
    let outcome = world.stage(&task(&run), &[]);
    let (text, advice) = outcome.failure();
    assert_eq!((outcome.code, text), (5, "there is no /tmp/lifecycle/builder-that-is-not-there"));
    assert!(advice.contains("lifecycle"), "{advice}");
}

#[test]
fn modes_are_diegos_whatever_the_umask() {
    let cloud = Cloud::new();
    let files = [("program", "x", 0o777), ("deep/text", "x", 0o644)];
    cloud.server.answers("/zip", 200, &zip(&files));
    cloud.server.answers("/tgz", 200, &tgz(&files));
    let download = |path: &str, to: &str| json!({"download": {"artifact": "", "from": cloud.url(path), "to": cloud.world.text(to), "cache_key": "", "user": user()}});
    let script = "umask; for from in zip tgz; do stat -c %a $from $from/program $from/deep $from/deep/text; done";
    let actions = [download("/zip", "zip"), download("/tgz", "tgz"), cloud.world.shell(script)];
    let request = task(&json!({"serial": {"actions": actions}})).to_string();
    for umask in ["000", "077"] {
        let mut shell = Command::new("/bin/sh");
        let start = format!("rm -rf zip tgz; umask {umask}; exec \"$0\" --no-image --output json");
        shell.args(["-c", &start, env!("CARGO_BIN_EXE_stager-agent")]).current_dir(cloud.world.path(""));
        let mut child = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(request.as_bytes()).unwrap();
        let outcome = Outcome::of(child);
        let modes = ["755", "755", "755", "644"];
        assert_eq!(outcome.done().out(), [&["0022"][..], &modes, &modes].concat(), "umask {umask}");
    }
}

#[test]
fn a_user_that_is_not_there_is_named() {
    let world = World::new();
    let run = json!({"run": {"path": "/bin/true", "user": "no-such-user", "dir": "/"}});
    let outcome = world.stage(&task(&run), &[]);
    assert_eq!((outcome.code, outcome.failure().0), (5, "there is no user \"no-such-user\" in /etc/passwd"));
}

#[test]
fn the_builders_own_codes_are_explained_and_passed_on() {
    let world = World::new();
    for (status, words) in [
        (222, "no buildpack detected the app"),
        (223, "the buildpack failed to compile the app"),
        (224, "the buildpack failed to say how the app is started"),
        (225, "a buildpack failed to supply"),
        (226, "the buildpack failed to finalize the app"),
    ] {
        let outcome = world.stage(&task(&world.shell(&format!("exit {status}"))), &[]);
        assert_eq!(outcome.code, status);
        assert!(outcome.failure().0.starts_with(words), "{}", outcome.failure().0);
        assert!(outcome.notes().contains(&"The droplet in Cloud Controller was not replaced"));
    }
    let outcome = world.stage(&task(&world.shell("exit 7")), &[]);
    assert_eq!((outcome.code, outcome.failure().0), (5, "sh ended with status 7"));
    let outcome = world.stage(&task(&world.shell("kill -9 $$")), &[]);
    assert!(outcome.failure().0.contains("memory ran out") && outcome.code == 5, "{}", outcome.failure().0);
}

#[test]
fn the_exit_status_is_told_as_diego_tells_it_unless_output_is_suppressed() {
    let world = World::new();
    let mut run = world.shell("echo said; exit 3");
    let told = |outcome: &Outcome| {
        outcome
            .events
            .iter()
            .any(|event| matches!(event, Event::Progress { text, failed: false, .. } if text == "Exit status 3"))
    };
    assert!(told(&world.stage(&task(&run), &[])));
    run["run"]["suppress_log_output"] = json!(true);
    let outcome = world.stage(&task(&run), &[]);
    assert!(!told(&outcome) && outcome.out().is_empty());
}

#[test]
fn a_daemon_is_ended_with_the_program_that_left_it() {
    let world = World::new();
    let pid = world.text("pid");
    // Its own session, its parent gone, deaf to TERM, and with a child of its own.
    let script = format!(
        "setsid sh -c 'trap \"\" TERM; sleep 300 & echo $$ $! > {pid}; wait' & while ! test -s {pid}; do sleep 0.01; done"
    );
    let started = Instant::now();
    let outcome = world.stage(&task(&world.shell(&script)), &[]);
    outcome.done();
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    for pid in world.read("pid").split_whitespace() {
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "{pid} is still there");
    }
    assert!(
        outcome.notes().iter().any(|note| note.contains("2 processes that sh had left running")),
        "{:?}",
        outcome.notes()
    );
}

#[test]
fn a_timeout_ends_the_builder_and_is_124() {
    let world = World::new();
    let action = json!({"timeout": {"timeout_ms": 300, "action": {"emit_progress": {
        "action": world.shell("sleep 300"), "start_message": "Staging...", "failure_message_prefix": "Staging failed"}}}});
    let outcome = world.stage(&task(&action), &[]);
    let (text, advice) = outcome.failure();
    assert_eq!((outcome.code, text), (124, "staging took longer than the request's time limit of 300ms"));
    assert!(advice.contains("staging.timeout_in_seconds"), "{advice}");
}

#[test]
fn a_signal_ends_the_builder_in_order() {
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let world = World::new();
        let script = "trap 'echo asked; exit 0' TERM; touch begun; while :; do sleep 0.01; done";
        let running = world.start(&task(&world.shell(script)), &["--output", "json"]);
        wait_for(&world.path("begun"));
        assert!(
            Command::new("kill").args([&format!("-{signal}"), &running.id().to_string()]).status().unwrap().success()
        );
        let outcome = Outcome::of(running);
        assert_eq!((outcome.code, outcome.out()), (code, vec!["asked"]));
        outcome.failure();
    }
}

#[test]
fn a_reader_that_is_gone_does_not_stop_a_staging() {
    let world = World::new();
    let script = "touch begun; while ! test -e go; do sleep 0.01; done; echo one; echo two; echo three; touch finished";
    let mut running = world.start(&task(&world.shell(script)), &[]);
    wait_for(&world.path("begun"));
    drop((running.stdout.take(), running.stderr.take()));
    std::fs::write(world.path("go"), "").unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(0));
    assert!(world.exists("finished"));
}

#[test]
fn a_kept_container_stays_until_it_is_told_to_go_and_ends_with_the_stagings_code() {
    let world = World::new();
    for (script, code) in [("touch done0", 0), ("touch done5; exit 9", 5)] {
        let mut running = world.start(&task(&world.shell(script)), &["--keep", "--output", "json"]);
        wait_for(&world.path(&format!("done{code}")));
        let output = read_until_last_event(&mut running);
        assert!(output.contains(r#"{"event":"kept","seconds":3600}"#), "{output}");
        assert!(running.try_wait().unwrap().is_none(), "it is gone");
        if am_root() {
            wait_until_stdin_is_closed(running.id());
        }
        assert!(Command::new("kill").arg(running.id().to_string()).status().unwrap().success());
        assert_eq!(running.wait().unwrap().code(), Some(code));
    }
}

fn read_until_last_event(running: &mut Child) -> String {
    let mut output = String::new();
    for line in BufReader::new(running.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        output = output + &line + "\n";
        if line.starts_with(r#"{"event":"done""#) || line.starts_with(r#"{"event":"failed""#) {
            break;
        }
    }
    output
}

#[track_caller]
fn wait_until_stdin_is_closed(agent: u32) {
    let stdin = format!("/proc/{agent}/fd/0");
    for _ in 0..2_000 {
        if std::fs::read_link(&stdin).unwrap().to_str() == Some("/dev/null") {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("standard input is still open");
}

#[test]
fn plain_lines_look_like_the_originals() {
    let world = World::new();
    let action = json!({"emit_progress": {"action": world.shell("echo built; echo odd >&2; exit 223"),
        "start_message": "Staging...", "success_message": "Staging complete", "failure_message_prefix": "Staging failed"}});
    let output = world.start(&task(&action), &[]).wait_with_output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(out.contains("\nStaging...\nbuilt\nExit status 223\n"), "{out}");
    assert!(
        err.starts_with("odd\nStaging failed: Exited with status 223\nerror: the buildpack failed to compile"),
        "{err}"
    );
}
