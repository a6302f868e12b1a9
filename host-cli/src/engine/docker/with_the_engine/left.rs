//! What an engine tells of things that were left on it, and a lease.

use super::*;
use crate::engine::Running;
use crate::labels;
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn a_lease_goes_on_behind_the_first_of_the_input() {
    let docker = engine();
    // Three bytes and the mark come at once, what comes then is a beat; without it `head` would wait for ever.
    let script = "head -c 4 >/dev/null && head -c 1 | od -An -tx1";
    let spec = ContainerSpec { reads_stdin: true, ..shell(script) };
    let container = made(&docker, &spec);
    let mut out = String::new();
    let mut read = |_, piece: &[u8]| out.push_str(&String::from_utf8_lossy(piece));
    assert_eq!(docker.run(&container.1, Input::Leased(b"abc"), &mut read).unwrap(), 0);
    assert_eq!(out.trim(), "0a");
}

#[test]
fn what_was_never_started_what_runs_and_what_ended_are_told_apart() {
    let docker = engine();
    let (waits, runs, ended) = (shell("true"), shell("sleep 60"), shell("true"));
    let [waits, runs, ended] = [waits, runs, ended].map(|spec| made(&docker, &spec));
    docker.start(&runs.1).unwrap();
    docker.run(&ended.1, Input::Whole(b""), &mut |_, _| {}).unwrap();
    let mut seen = docker.list_containers().unwrap();
    // A newer engine's list may be a moment behind what it says of the container itself.
    let ends = Instant::now() + Duration::from_secs(10);
    while seen.iter().any(|one| one.id == ended.1 && one.running == Running::Now) && Instant::now() < ends {
        thread::sleep(Duration::from_millis(20));
        seen = docker.list_containers().unwrap();
    }
    let running = |guard: &Guard<'_>| seen.iter().find(|one| one.id == guard.1).map(|one| one.running);
    assert_eq!(
        [running(&waits), running(&runs), running(&ended)],
        [Some(Running::NotYet), Some(Running::Now), Some(Running::Not)]
    );
    let when = |guard: &Guard<'_>| docker.container(&guard.1).unwrap().unwrap().ended;
    assert!(when(&waits) == 0 && when(&ended) > 0);
    let one = seen.iter().find(|one| one.id == ended.1).unwrap();
    assert!(one.created > 0 && one.created <= when(&ended) && !one.name.contains('/'), "{one:?}");
    assert_eq!(one.labels[labels::KIND], "test");
}

#[test]
fn an_image_of_ours_without_a_name_is_listed_until_it_gets_one() {
    let docker = engine();
    let container = made(&docker, &shell("echo nameless >/x"));
    docker.run(&container.1, Input::Whole(b""), &mut |_, _| {}).unwrap();
    let labels = [("stager.kind".to_owned(), "stager".to_owned())].into();
    let id = docker.commit(&container.1, &CommitOptions { like: ROOTFS.into(), labels }).unwrap();
    let listed = || docker.dangling_images().unwrap().iter().any(|image| image.id == id);
    assert!(listed());
    let name = format!("stager-test-nameless-{}:1", std::process::id());
    docker.tag(&id, &name).unwrap();
    assert!(!listed());
    docker.untag(&name).unwrap();
    docker.remove_dangling(&id).unwrap();
    assert!(!listed());
}
