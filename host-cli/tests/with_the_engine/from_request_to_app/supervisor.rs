//! What an app's process 1 does on a real engine: sidecars, the address, signals, orphans.

use super::launch::{staged, url};
use crate::app::{App, get, inspect};
use crate::hcf::{docker, static_program};
use crate::said::Said;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// Answers on a port of its own, tells its address, and says when it is asked to end.
const SIDECAR: &str = "trap 'echo asked; exit 0' TERM; echo address $CF_INSTANCE_INTERNAL_IP token ${#TOKEN} of-app $OF_APP; \
                       python3 -m http.server 9099 >/dev/null 2>&1 & while :; do sleep 0.05; done";

/// The app's request with a sidecar that starts like this.
fn with_sidecar(app: &App, command: &str) -> PathBuf {
    app.changed("launch-req", |request| {
        let list = request.pointer_mut("/action/codependent/actions").and_then(Value::as_array_mut);
        let actions = list.unwrap();
        let mut sidecar = actions[0].clone();
        sidecar["run"]["args"] = json!(["app", command, ""]);
        sidecar["run"]["log_source"] = "APP/PROC/WEB/SIDECAR/CONFIG".into();
        sidecar["run"]["env"] =
            json!([{"name": "TOKEN", "value": "s3cret-of-a-sidecar"}, {"name": "PORT", "value": "9099"}]);
        actions.push(sidecar);
        let own = json!({"name": "OF_APP", "value": "x"});
        actions[0].pointer_mut("/run/env").unwrap().as_array_mut().unwrap().push(own);
    })
}

fn logs(container: &str) -> String {
    let output = Command::new("docker").args(["logs", container]).output().unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// Until what the container says of itself is so.
#[track_caller]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn has_ended(container: &str) -> bool {
    inspect(container)["State"]["Running"] == false
}

/// Kills the first process of the container whose command line has this, and not the supervisor, which has all.
fn kill(container: &str, mark: &str) {
    let script = format!(
        "for p in /proc/[0-9]*; do [ $p = /proc/1 ] || [ $p = /proc/$$ ] || ! tr '\\0' ' ' <$p/cmdline | grep -q -- '{mark}' || \
         {{ kill -KILL ${{p#/proc/}}; exit; }}; done; exit 1"
    );
    docker(&["exec", container, "sh", "-c", &script]).unwrap();
}

#[test]
fn a_sidecar_runs_beside_the_app_and_both_end_together() {
    let app = staged("beside", "env-page", &["--style", "2026"]);
    let request = with_sidecar(&app, SIDECAR);
    let launch = ["--request", request.to_str().unwrap()];
    let said = app.launch(&launch).done();
    assert!(!said.out.contains("sidecar"), "{}", said.out);
    let container = app.containers("app").remove(0);
    let ask = |container: &str| docker(&["exec", container, "curl", "-sf", "http://127.0.0.1:9099/"]);
    wait_until("the sidecar answers", || ask(&container).is_ok());

    // Both know where the container is, each has its own variables, and the engine shows none of the sidecar's.
    let environment: Value = serde_json::from_str(&get(&url(&said), "/env.json")).unwrap();
    let inspected = inspect(&container);
    let address = inspected["NetworkSettings"]["Networks"][&app.hcf.network]["IPAddress"].as_str().unwrap().to_owned();
    assert_eq!(environment["CF_INSTANCE_INTERNAL_IP"], address.as_str());
    assert_eq!((&environment["OF_APP"], &environment["TOKEN"]), (&json!("x"), &Value::Null));
    let line = format!("[APP/PROC/WEB/SIDECAR/CONFIG] address {address} token 19 of-app\n");
    assert!(logs(&container).contains(&line), "{}", logs(&container));
    assert!(!inspected.to_string().contains("s3cret-of-a-sidecar"));
    let file = docker(&["exec", &container, "stat", "-c", "%a %u", "/.stager/sidecars.json", "/.stager/supervisor"]);
    assert_eq!(file.unwrap(), "400 2000\n755 0");

    // Orphans are reaped.
    docker(&["exec", &container, "sh", "-c", "(sleep 0.1 &)"]).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    // One that ends meanwhile, as a health check does, cannot be read.
    let states = docker(&["exec", &container, "sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null || :"]).unwrap();
    assert!(states.contains("(supervisor)"), "{states}");
    assert!(!states.contains(") Z "), "{states}");

    // Stopped, all that runs is asked to end; started again, all is there.
    let began = Instant::now();
    docker(&["restart", &container]).unwrap();
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    wait_until("it was asked", || logs(&container).contains("[APP/PROC/WEB/SIDECAR/CONFIG] asked\n"));
    wait_until("the sidecar answers again", || ask(&container).is_ok());

    // Whoever ends takes the other along. The engine would start both again, and hide how they ended.
    docker(&["update", "--restart", "no", &container]).unwrap();
    kill(&container, "http.server"); // a child of the sidecar's: nobody minds
    assert!(!has_ended(&container));
    kill(&container, "trap .echo asked");
    wait_until("the app ends with its sidecar", || has_ended(&container));
    assert_eq!(inspect(&container)["State"]["ExitCode"], 137);
    let line = "[APP/PROC/WEB/SIDECAR/CONFIG] ended with signal 9; the app ends with it";
    assert!(logs(&container).contains(line), "{}", logs(&container));
    docker(&["start", &container]).unwrap();
    wait_until("the sidecar answers once more", || ask(&container).is_ok());
    let asked = logs(&container).matches("CONFIG] asked").count();
    kill(&container, "app.py");
    wait_until("the sidecar ends with its app", || has_ended(&container));
    assert_eq!(logs(&container).matches("CONFIG] asked").count(), asked + 1, "{}", logs(&container));
}

#[test]
fn a_sidecar_that_ends_at_once_fails_the_launch_which_names_it() {
    let app = staged("hasty", "hello-procfile", &["--style", "2026"]);
    for (command, words) in [("exit 3", "ended with status 3"), ("exit 0", "ended with status 0")] {
        let request = with_sidecar(&app, command);
        let said = app.launch(&["--request", request.to_str().unwrap()]);
        let line = format!("[APP/PROC/WEB/SIDECAR/CONFIG] {words}; the app ends with it");
        said.failed(8, &["hasty ended with status ", &line]);
        assert_eq!(app.containers("app"), Vec::<String>::new());
    }
}

#[test]
fn a_stager_image_without_the_program_is_named_and_the_engines_init_runs_the_app() {
    let app = staged("bare", "hello-procfile", &[]);
    let said = app.launch(&["--stager-image", "stager-rootfs:cflinuxfs4"]).done();
    assert!(said.err.contains("or in the stager image \"stager-rootfs:cflinuxfs4\""), "{}", said.err);
    assert_eq!(get(&url(&said), "/"), "hello\n");
    assert_eq!(inspect(&app.containers("app")[0])["HostConfig"]["Init"], true);
}

#[test]
fn a_static_program_beside_host_cli_needs_no_stager_image() {
    let app = staged("besides", "hello-procfile", &[]);
    let folder = app.hcf.folder("beside");
    let cli = folder.join("host-cli");
    // By another process: what is open for writing cannot run, and a child of another test, just forked, has all that is open here.
    let copied = Command::new("cp")
        .arg(env!("CARGO_BIN_EXE_host-cli"))
        .arg(static_program("app-supervisor"))
        .arg(&folder)
        .status();
    assert!(copied.unwrap().success());
    let mut command = Command::new(cli);
    command.args([
        "launch",
        &app.name,
        "--network",
        &app.hcf.network,
        "--stager-image",
        "stager-test-none:1",
        "--logs",
    ]);
    let said = Said::from(command.arg(app.hcf.logs()).output().unwrap()).done();
    assert_eq!((said.err.as_str(), get(&url(&said), "/").as_str()), ("", "hello\n"));
    let inspected = inspect(&app.containers("app")[0]);
    assert_eq!(inspected["Config"]["Entrypoint"], json!(["/.stager/supervisor", "--", "/tmp/lifecycle/launcher"]));
}
