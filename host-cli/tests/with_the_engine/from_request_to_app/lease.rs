//! What happens to a staging whose host-cli is killed, and to what it leaves, on a real engine.

use super::launch::staged;
use super::restage::sleeper;
use crate::app::{App, inspect, signal};
use crate::hcf::docker;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What is promised.
const NOTICED: Duration = Duration::from_secs(30);

/// A staging of the app in whose builder something sleeps, and its container.
fn asleep(app: &App, options: &[&str]) -> (Child, String) {
    let mut child = app.restage_in_background(options);
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while out.read_line(&mut line).unwrap() > 0 && !line.contains("asleep") {
        line.clear();
    }
    // Nobody may hang up on it.
    thread::spawn(move || out.lines().for_each(drop));
    (child, app.containers("staging").remove(0))
}

fn killed(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The status with which a container ends; `None` where another host-cli on this engine has removed it already.
fn ended(container: &str) -> Option<String> {
    let until = Instant::now() + NOTICED;
    loop {
        match docker(&["inspect", "--format", "{{.State.Running}} {{.State.ExitCode}}", container]) {
            Ok(state) if state.starts_with("true") => assert!(Instant::now() < until, "it runs on without its host"),
            // What another host-cli removes is killed first.
            Ok(state) if state == "false 137" && Instant::now() < until => {}
            Ok(state) => return state.strip_prefix("false ").map(str::to_owned),
            Err(_) => return None,
        }
        thread::sleep(Duration::from_millis(100));
    }
}

fn runs(container: &str) -> bool {
    inspect(container)["State"]["Running"] == true
}

#[test]
fn a_killed_hosts_staging_ends_and_the_next_one_removes_it_and_leaves_a_living_neighbour_alone() {
    let (app, other) = (sleeper("orphaned"), sleeper("neighbour"));
    let (neighbour, living) = asleep(&other, &[]);
    let (host, orphan) = asleep(&app, &[]);
    killed(host);
    if let Some(status) = ended(&orphan) {
        assert_eq!(status, "143");
        let last_words = docker(&["logs", "--tail", "1", &orphan]).unwrap_or_default();
        assert!(last_words.is_empty() || last_words.contains("is gone"), "{last_words}");
    }
    let next = App::pushed("next", "hello-procfile", &[]);
    next.restage(&["--no-image", "--", "--no-upload"]).done();
    app.left_nothing();
    assert!(runs(&living));
    signal(&neighbour, "TERM");
    neighbour.wait_with_output().unwrap();
    other.left_nothing();
}

#[test]
fn a_stopped_host_counts_as_gone() {
    let app = sleeper("stopped");
    let (host, container) = asleep(&app, &[]);
    signal(&host, "STOP");
    let status = ended(&container);
    signal(&host, "CONT");
    let output = host.wait_with_output().unwrap();
    assert_eq!((status.as_deref(), output.status.code()), (Some("143"), Some(143)));
    app.left_nothing();
}

#[test]
fn a_kept_container_outlives_its_host() {
    let app = App::pushed("kept-on", "does-not-compile", &[]);
    app.restage(&["--keep"]).failed(223, &["223"]);
    let container = app.containers("staging").remove(0);
    App::pushed("passes-by", "hello-procfile", &[]).restage(&["--no-image", "--", "--no-upload"]).done();
    thread::sleep(Duration::from_secs(2));
    assert!(runs(&container));
}

#[test]
fn the_launch_after_a_killed_one_ends_with_one_healthy_container() {
    let app = staged("killed-launch", "slow-start", &["--env", "SLOW_START=3"]);
    app.launch(&[]).done();
    let first = app.containers("app");
    let mut launching = app.launching(&[]);
    let child = launching.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while app.containers("app").len() < 2 && Instant::now() < until {
        thread::sleep(Duration::from_millis(20));
    }
    killed(child);
    assert_eq!(app.containers("app").len(), 2);
    app.launch(&[]).done();
    let left = app.running();
    assert!(left.len() == 1 && left != first && app.containers("app").len() == 2, "{left:?}");
}
