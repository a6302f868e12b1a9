//! `stager-agent cache up|list|verify|clear`.

use crate::cached::Cached;
use crate::cloud::{Cloud, tgz, zip};
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
    assert_eq!(fs::read_dir(format!("{into}/views")).unwrap().count(), 1, "the buildpacks' view is there already");
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
    cloud.server.answers("/docker.tgz", 200, &tgz(&[("launcher", "#!", 0o755)]));
    let from = cloud.url("/docker.tgz");
    let docker = json!({
        "rootfs": "preloaded:x",
        "cached_dependencies": [{"name": "", "from": from, "to": "/tmp/lifecycle", "cache_key": "docker-lifecycle"}],
        "action": {"run": {"path": "/tmp/lifecycle/builder", "args": ["-dockerRef=nginx"], "user": "vcap"}},
    });
    let requests = [expired(cloud), json!({"x": 1}), docker, other];
    let outcome = outcome(&cached, &["cache", "up"], &requests);
    let (text, _) = outcome.failure();
    assert_eq!(outcome.code, 4, "{text}");
    for expected in [
        "request 2: the request cannot be used",
        "/lifecycle.tgz: cannot download",
        "410 Gone (the URL expired at 2016-06-15 18:57:23 UTC)",
        "nowhere.tgz?***: the server answered 404 Not Found",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in {text}");
    }
    assert_eq!(list(&cached).len(), 2, "the buildpack came, and a docker app's lifecycle");
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
    assert_eq!((&buildpack["name"], &of("/lifecycle.tgz")["name"]), (&json!("a_buildpack"), &Value::Null));
    let table = String::from_utf8(run(&cached, &["cache", "list"], &[]).stdout).unwrap();
    assert!(table.starts_with("NAME ") && table.lines().count() == 4, "{table}");
    let address = cached.cloud.server.address();
    assert!(entries.iter().all(|entry| entry["address"] == json!(address)), "{entries:?}");
    assert!(table.lines().skip(1).all(|line| line.contains(&format!("  no: {address}  http://"))), "{table}");
    assert!(!table.contains("s3cret") && !json!(entries).to_string().contains("s3cret"), "{table}");
}

#[test]
fn verify_reads_every_byte_and_removes_what_is_damaged() {
    let Some(cached) = Cached::new() else { return };
    cached.stage(&[]).done();
    let whole = outcome(&cached, &["cache", "verify"], &[]);
    assert_eq!(whole.done().notes().iter().filter(|note| note.starts_with("OK ")).count(), 3);
    // The same size, the same time: only reading tells.
    let file = cached.cloud.world.path("buildpacks/b1/name");
    let time = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(&file, "A-BUILDPACK").unwrap();
    fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
    outcome(&cached, &["cache", "verify", "/lifecycle.tgz"], &[]).done();
    let damaged = outcome(&cached, &["cache", "verify"], &[]);
    assert_eq!((damaged.code, damaged.failure().0), (4, "1 of 3 entries were damaged and are removed"));
    assert!(
        damaged.notes().iter().any(|note| note.starts_with("Removed a_buildpack /buildpack.zip from ")),
        "{:?}",
        damaged.notes()
    );
    assert_eq!(outcome(&cached, &["cache", "verify"], &[]).done().notes().len(), 2);
}

/// The record of the entry with this key, changed.
fn change_record(cached: &Cached, key: &str, change: impl Fn(&mut Value)) {
    for file in fs::read_dir(cached.root().join("index")).unwrap() {
        let path = file.unwrap().path();
        let mut record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        if record["key"] == json!(key) {
            change(&mut record);
            fs::write(&path, record.to_string()).unwrap();
        }
    }
}

#[test]
fn a_record_of_an_earlier_stager_says_nothing_of_an_address_and_serves() {
    let Some(cached) = Cached::new() else { return };
    cached.stage(&[]).done();
    change_record(&cached, "/buildpack.zip", |record| {
        assert!(record["facts"].as_object_mut().unwrap().remove("address").is_some());
        assert!(record["facts"].as_object_mut().unwrap().remove("name").is_some());
    });
    let entries = list(&cached);
    let buildpack = entries.iter().find(|entry| entry["key"] == json!("/buildpack.zip")).unwrap();
    assert_eq!((entries.len(), &buildpack["address"]), (3, &Value::Null));
    let table = String::from_utf8(run(&cached, &["cache", "list"], &[]).stdout).unwrap();
    let line = table.lines().find(|line| line.contains(" /buildpack.zip ")).unwrap();
    assert!(line.contains("  no   ") && !line.contains("no:"), "{line}");
    let staged = cached.stage(&[]);
    assert_eq!(staged.done().events.iter().filter(|event| matches!(event, Event::Cached { .. })).count(), 2);
}

#[test]
fn verify_origin_finds_what_an_impostor_made_to_agree_in_everything_and_the_next_staging_gets_the_real_one() {
    const TOLD: &str = "ETag: \"1-2\"\r\nLast-Modified: Wed, 15 Jun 2016 18:57:23 GMT\r\n";
    let Some(cached) = Cached::new() else { return };
    let (real, evil) = (cached.cloud.server.body("/buildpack.zip"), zip(&[("name", "X-BUILDPACK", 0o666)]));
    assert_eq!(real.len(), evil.len());
    cached.cloud.server.tells("/buildpack.zip", TOLD);
    cached.cloud.server.answers("/buildpack.zip", 200, &evil);
    cached.stage(&[]).done();
    cached.cloud.server.answers("/buildpack.zip", 200, &real);
    assert!(cached.stage(&[]).done().out()[0].contains("X-BUILDPACK"), "validators and length are hints, no proof");
    outcome(&cached, &["cache", "verify"], &[]).done();

    let compared = outcome(&cached, &["cache", "verify", "--origin"], &[]);
    let text = "1 of 3 entries differ from their server's files and are removed";
    assert_eq!((compared.code, compared.failure().0), (4, text));
    let url = |path: &str| cached.cloud.server.url(path);
    let notes = compared.notes();
    let has = |start: &str| assert!(notes.iter().any(|note| note.starts_with(start)), "{start:?}: {notes:?}");
    has(&format!("OK /lifecycle.tgz: the same as {}", url("/lifecycle.tgz")));
    let removed = "Removed /buildpack.zip: ";
    has(&format!("{removed}{} has another archive, with the sha256 ", url("/buildpack.zip")));
    has(
        "Compared with their origin: 1 the same, 1 another, 0 refused by their server, 0 without an answer; packages, ",
    );
    assert!(!list(&cached).iter().any(|entry| entry["key"] == json!("/buildpack.zip")));
    assert!(cached.stage(&[]).done().out()[0].contains("a-buildpack builds"));
    outcome(&cached, &["cache", "verify", "--origin"], &[]).done();
}

#[test]
fn verify_origin_removes_what_is_longer_there_and_nothing_that_cannot_be_compared() {
    let Some(cached) = Cached::new() else { return };
    let server = &cached.cloud.server;
    let (body, used) = (server.body("/buildpack.zip"), |entries: Vec<Value>| entries[0]["used"].clone());
    cached.stage(&[]).done();
    let verify = |key: &str| outcome(&cached, &["--retries", "0", "cache", "verify", "--origin", key], &[]);
    let before = used(list(&cached));
    for status in [401, 403, 404, 410] {
        server.answers("/buildpack.zip", status, b"");
        let refused = verify("/buildpack.zip");
        let warning = "the signature or password of its URL is not kept";
        assert!(refused.done().notes().iter().any(|note| note.contains(warning)), "{:?}", refused.notes());
    }
    server.answers("/buildpack.zip", 503, b"");
    let unanswered = verify("/buildpack.zip");
    let text = "1 of 1 entries could not be compared with their servers and are kept";
    assert_eq!((unanswered.code, unanswered.failure().0), (4, text));
    let small = ["--max-unpacked", "10", "cache", "verify", "--origin", "/buildpack.zip"];
    server.answers("/buildpack.zip", 200, &body);
    assert_eq!(outcome(&cached, &small, &[]).failure().0, text);
    // A package has no origin that lasts.
    server.answers("/app.zip", 200, b"the next push");
    verify("18c50a86-b045-5fed-bae9-e6ea03383693").done();
    assert_eq!((list(&cached).len(), used(list(&cached))), (3, before), "and to be compared is not to be used");

    server.answers("/buildpack.zip", 200, &[&body[..], b"more"].concat());
    let longer = verify("/buildpack.zip");
    assert_eq!(longer.code, 4);
    let warning = format!("has another archive, larger than the {} bytes that are kept", body.len());
    assert!(longer.notes().iter().any(|note| note.ends_with(&warning)), "{:?}", longer.notes());
    assert_eq!(list(&cached).len(), 2);
}

#[test]
fn clear_removes_what_nobody_uses_and_says_what_stays() {
    let Some(cached) = Cached::new() else { return };
    cached.stage(&[]).done();
    let cleared = outcome(&cached, &["cache", "clear", "/lifecycle.tgz"], &[]);
    assert!(cleared.done().notes()[0].contains("/lifecycle.tgz from http://"), "{:?}", cleared.notes());
    assert_eq!(list(&cached).len(), 2);
    let nothing = outcome(&cached, &["cache", "clear", "no-such-key"], &[]);
    assert_eq!(nothing.code, 2);
    assert_eq!(nothing.failure().0, "no cache entry has the key \"no-such-key\"");
    assert_eq!(list(&cached).len(), 2);

    let mut waits = cached.cloud.request();
    waits["action"] = cached.cloud.world.shell("touch begun; while ! test -e go; do sleep 0.01; done");
    waits["result_file"] = json!("");
    fs::remove_dir_all(cached.cloud.world.path("lifecycle")).unwrap();
    let kept = cached.cloud.world.text("kept");
    let running = cached.cloud.world.start(&waits, &["--output", "json", "--cache", &kept]);
    crate::world::wait_for(&cached.cloud.world.path("begun"));
    let cleared = outcome(&cached, &["cache", "clear"], &[]);
    let stays = cleared.done().notes().iter().filter(|note| note.ends_with(": a staging uses it")).count();
    assert_eq!((stays, cleared.notes().len()), (2, 3), "{:?}", cleared.notes());
    assert!(cached.cloud.world.exists("buildpacks/b1/name"), "a view stays as long as its entries");
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
