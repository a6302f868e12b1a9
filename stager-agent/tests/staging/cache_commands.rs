//! `stager-agent cache up|list|verify|clear`.

use crate::cached::Cached;
use crate::cloud::Cloud;
use crate::world::{Outcome, agent};
use serde_json::{Value, json};
use shared_model::event::Event;
use std::fs;
use std::io::Write;

/// What the agent prints for `words`, with this cache and these requests on standard input.
fn run(cached: &Cached, words: &[&str], requests: &[Value]) -> std::process::Output {
    let kept = cached.cloud.world.text("kept");
    let mut running = agent(&[&["--cache", &kept], words].concat()).spawn().unwrap();
    let texts: Vec<String> = requests.iter().map(Value::to_string).collect();
    running.stdin.take().unwrap().write_all(texts.join("\n \n").as_bytes()).unwrap();
    running.wait_with_output().unwrap()
}

fn outcome(cached: &Cached, words: &[&str], requests: &[Value]) -> Outcome {
    let kept = cached.cloud.world.text("kept");
    let mut running = agent(&[&["--cache", &kept, "--output", "json"], words].concat()).spawn().unwrap();
    let texts: Vec<String> = requests.iter().map(Value::to_string).collect();
    let _ = running.stdin.take().unwrap().write_all(texts.concat().as_bytes());
    let outcome = Outcome::of(running);
    let said = format!("{:?}{}", outcome.events, outcome.err);
    assert!(!said.contains("s3cret"), "a secret was said: {said}");
    outcome
}

fn list(cached: &Cached) -> Vec<Value> {
    let output = run(cached, &["cache", "list", "--output", "json"], &[]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The request with all URLs expired.
fn expired(cloud: &Cloud) -> Value {
    serde_json::from_str(&cloud.request().to_string().replace("expires=4102444800", "expires=1466017043")).unwrap()
}

#[test]
fn up_fetches_what_several_requests_want_once_and_a_staging_finds_it() {
    let Some(cached) = Cached::new() else { return };
    let output = run(&cached, &["cache", "up"], &[expired(&cached.cloud), cached.cloud.request()]);
    let text = String::from_utf8(output.stdout).unwrap();
    let url = cached.cloud.server.url("/lifecycle.tgz?***");
    let line = format!("======> Downloading {} from {url}\n", cached.cloud.world.text("lifecycle"));
    assert!(output.status.success() && text.contains(&line) && text.contains("\n======> Done in "), "{text}");
    let asked = cached.cloud.server.asked("GET");
    assert!(asked.len() == 2 && asked.iter().all(|get| get.target.ends_with("expires=4102444800")), "{asked:?}");
    assert!(!cached.cloud.world.exists("lifecycle"), "it is shown nowhere");

    let staged = cached.stage(&[]);
    assert_eq!(staged.done().events.iter().filter(|event| matches!(event, Event::Cached { .. })).count(), 2);
    // And once more: nothing has changed.
    let again = outcome(&cached, &["cache", "up"], &[cached.cloud.request()]);
    assert_eq!(again.done().events.iter().filter(|event| matches!(event, Event::Cached { .. })).count(), 2);
}

#[test]
fn up_into_a_directory_fills_that_one() {
    let Some(cached) = Cached::new() else { return };
    let into = cached.cloud.world.text("baked");
    outcome(&cached, &["cache", "up", "--into", &into], &[cached.cloud.request()]).done();
    assert_eq!(fs::read_dir(cached.cloud.world.path("baked/entries")).unwrap().count(), 2);
    assert!(!cached.root().exists());
}

#[test]
fn up_goes_on_after_a_failure_and_says_all_of_them_at_the_end() {
    let Some(cached) = Cached::new() else { return };
    let cloud = &cached.cloud;
    cloud.server.answers("/lifecycle.tgz", 410, b"");
    let mut other = cloud.request();
    other["cached_dependencies"][0]["from"] = json!(cloud.url("/nowhere.tgz"));
    let docker = json!({"rootfs": "docker:///nginx", "action": {"run": {"path": "/x", "user": "vcap"}}});
    let requests = [expired(cloud), json!({"x": 1}), docker, other];
    let outcome = outcome(&cached, &["cache", "up"], &requests);
    let (text, _) = outcome.failure();
    assert_eq!(outcome.code, 4, "{text}");
    for expected in [
        "request 2: the request cannot be used",
        "/lifecycle.tgz: cannot download",
        "410 Gone (its signature expired at 2016-06-15 18:57:23 UTC)",
        "nowhere.tgz?***: the server answered 404 Not Found",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in {text}");
    }
    assert_eq!(list(&cached).len(), 1, "the buildpack came");
    assert!(outcome.notes().iter().any(|note| note.contains("docker app")), "{:?}", outcome.notes());
}

#[test]
fn up_needs_requests() {
    let Some(cached) = Cached::new() else { return };
    let outcome = outcome(&cached, &["cache", "up"], &[]);
    assert!(outcome.code == 3 && outcome.failure().0.contains("empty: no request was given"));
    let output = run(&cached, &["cache", "up"], &[json!("{")]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

#[test]
fn a_list_tells_all_but_secrets() {
    let Some(cached) = Cached::new() else { return };
    assert_eq!(list(&cached), Vec::<Value>::new());
    cached.stage(&[]).done();
    let entries = list(&cached);
    let of = |key: &str| entries.iter().find(|entry| entry["key"] == json!(key)).unwrap();
    let buildpack = of("/buildpack.zip");
    assert_eq!(
        (&buildpack["kind"], &buildpack["entries"], &buildpack["verified"]),
        (&json!("tree"), &json!(1), &json!(false))
    );
    assert_eq!(buildpack["origin"], json!(cached.cloud.server.url("/buildpack.zip")));
    assert_eq!(buildpack["packed_bytes"], json!(cached.cloud.server.body("/buildpack.zip").len()));
    assert!(buildpack["fetched"].as_str().unwrap().ends_with('Z') && buildpack["sha256"].as_str().unwrap().len() == 64);
    assert_eq!(of("18c50a86-b045-5fed-bae9-e6ea03383693")["kind"], json!("package"));
    let table = String::from_utf8(run(&cached, &["cache", "list"], &[]).stdout).unwrap();
    assert!(table.starts_with("KEY ") && table.lines().count() == 4, "{table}");
    assert!(table.lines().skip(1).all(|line| line.contains("  no        http://")), "{table}");
    assert!(!table.contains("s3cret") && !json!(entries).to_string().contains("s3cret"), "{table}");
}

#[test]
fn verify_reads_every_byte_and_removes_what_is_damaged() {
    let Some(cached) = Cached::new() else { return };
    cached.stage(&[]).done();
    let whole = outcome(&cached, &["cache", "verify"], &[]);
    assert_eq!(whole.done().notes().iter().filter(|note| note.starts_with("Whole: ")).count(), 3);
    // The same size, the same time: only reading tells.
    let file = fs::read_link(cached.cloud.world.path("buildpacks/b1")).unwrap().join("name");
    let time = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(&file, "A-BUILDPACK").unwrap();
    fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
    outcome(&cached, &["cache", "verify", "/lifecycle.tgz"], &[]).done();
    let damaged = outcome(&cached, &["cache", "verify"], &[]);
    assert_eq!((damaged.code, damaged.failure().0), (4, "1 of 3 entries were damaged and are removed"));
    assert!(damaged.notes().iter().any(|note| note.starts_with("/buildpack.zip from ")), "{:?}", damaged.notes());
    assert_eq!(outcome(&cached, &["cache", "verify"], &[]).done().notes().len(), 2);
}

#[test]
fn clear_removes_what_nobody_uses_and_says_what_stays() {
    let Some(cached) = Cached::new() else { return };
    cached.stage(&[]).done();
    let cleared = outcome(&cached, &["cache", "clear", "/lifecycle.tgz"], &[]);
    assert!(cleared.done().notes()[0].starts_with("Removed: /lifecycle.tgz from http://"), "{:?}", cleared.notes());
    assert_eq!(list(&cached).len(), 2);
    let nothing = outcome(&cached, &["cache", "clear", "no-such-key"], &[]);
    assert_eq!(nothing.done().notes(), ["Nothing in the cache has the key no-such-key"]);

    let mut waits = cached.cloud.request();
    waits["action"] = cached.cloud.world.shell("touch begun; while ! test -e go; do sleep 0.01; done");
    waits["result_file"] = json!("");
    let _ = fs::remove_file(cached.cloud.world.path("lifecycle"));
    let kept = cached.cloud.world.text("kept");
    let running = cached.cloud.world.start(&waits, &["--output", "json", "--cache", &kept]);
    crate::world::wait_for(&cached.cloud.world.path("begun"));
    let cleared = outcome(&cached, &["cache", "clear"], &[]);
    let stays = cleared.done().notes().iter().filter(|note| note.starts_with("Stays, since a staging uses it")).count();
    assert_eq!((stays, cleared.notes().len()), (2, 3), "{:?}", cleared.notes());
    fs::write(cached.cloud.world.path("go"), "").unwrap();
    Outcome::of(running).done();
    outcome(&cached, &["cache", "clear"], &[]).done();
    assert_eq!(outcome(&cached, &["cache", "clear"], &[]).done().notes(), ["The cache is empty"]);
}

#[test]
fn a_cache_that_cannot_be_used_is_said_on_standard_error_where_a_list_was_to_be() {
    let Some(cached) = Cached::new() else { return };
    fs::create_dir(cached.root()).unwrap();
    fs::write(cached.root().join("mine"), "").unwrap();
    let output = run(&cached, &["cache", "list", "--output", "json"], &[]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(4) && output.stdout.is_empty(), "{text}");
    assert!(
        text.starts_with("error: ") && text.contains("cannot be used as a cache") && text.contains("\n  try: "),
        "{text}"
    );
}
