//! Images that arrive.

use super::answering::{Answering, is_upload};
use super::commands::{SENDERS, digest, host_cli, said, said_with, started};
use super::images::{Image, docker, is_containerd, is_podman};
use crate::registry::{PASSWORD, Recipe, Registry, USER};
use crate::said::Said;
use serde_json::Value;
use std::process::Command;
use std::time::{Duration, Instant};

const WITH_PASSWORD: [&str; 3] = ["--username", USER, "--password-stdin"];

#[test]
fn an_image_that_the_engine_pushes_is_pulled_back_by_its_digest_and_runs() {
    let (registry, image) =
        (Registry::with(Recipe { host: "127.0.0.1", asks_who: false, tls: true }), Image::that_runs());
    let reference = format!("{}/team/app:1", registry.address);
    let pushed = said(&["push", "--by", "engine", &image.app, &reference], None).done();
    assert!(pushed.out.contains(&format!("Pushing {} to {reference}", image.name)), "{pushed:?}");
    assert!(is_podman() || pushed.out.contains("3 layers sent, "), "{pushed:?}");
    assert_eq!(image.names().len(), 2, "it keeps the name");

    // A second repository gets nothing twice, and tells so.
    let other = format!("{}/team/other", registry.address);
    let again = said(&["push", "--by", "engine", &image.name, &other], None).done();
    assert!(again.out.contains(&format!(" {other}:latest@")), "{again:?}");
    assert!(is_podman() || again.out.contains("3 layers there already"), "{again:?}");
    assert_eq!(digest(&again), digest(&pushed));

    image.remove();
    let by_digest = format!("{}/team/app@{}", registry.address, digest(&pushed));
    docker(&["pull", "-q", &by_digest]);
    assert_eq!(docker(&["run", "--rm", &by_digest]), "hello from the droplet");
    assert_eq!(docker(&["image", "inspect", "--format", "{{.Id}}", &by_digest]), image.id);
}

#[test]
fn an_image_that_is_sent_from_here_is_the_engines_own() {
    let (registry, image) =
        (Registry::with(Recipe { host: "127.0.0.1", asks_who: false, tls: false }), Image::that_runs());
    let at = |repository: &str| format!("{}/{repository}", registry.address);
    let (reference, other) = (at("team/app:1"), at("team/other:1"));
    let pushed = said(&["push", &image.app, &reference], None).done();
    assert!(pushed.out.contains("3 layers sent, "), "{pushed:?}");
    assert_eq!(image.names().len(), 1, "the engine has nothing to do with it");
    let again = said(&["push", &image.name, &other], None).done();
    assert!(again.out.contains("3 layers there already"), "{again:?}");
    assert_eq!(digest(&again), digest(&pushed));

    let settings = |name: &str| docker(&["image", "inspect", "--format", "{{json .Config}} {{json .RootFS}}", name]);
    let on_engine = settings(&image.id);
    image.remove();
    let by_digest = format!("{}@{}", at("team/app"), digest(&pushed));
    docker(&["pull", "-q", &by_digest]);
    assert_eq!(docker(&["run", "--rm", &by_digest]), "hello from the droplet");
    // Containerd fetches no layer that it has under another digest, and tells nothing of an image that lacks one.
    let told = if is_containerd() { "{} {}".to_owned() } else { on_engine };
    assert_eq!(settings(&by_digest), told);
}

#[test]
fn a_password_from_standard_input_lets_in_and_another_one_does_not() {
    let (registry, image) = (Registry::new(), Image::small());
    let reference = format!("{}/team/app:1", registry.address);
    for (by, typed) in [("direct", ""), ("engine", " --by engine")] {
        let words = [&["push", &image.name, &reference, "--by", by][..], &WITH_PASSWORD].concat();
        for password in [PASSWORD.to_owned(), format!("{PASSWORD}\n"), format!("{PASSWORD}\r\n")] {
            said_with(&words, &password).done();
        }
        if by == "engine" {
            docker(&["rmi", &reference]);
        }
        let again = format!("`host-cli push {} {reference}{typed} --username pusher --password-stdin`", image.name);
        let words_of_refusal = ["does not accept the login of --username pusher", &again, "pushes it again"];
        let refused = said_with(&words, "wrong").failed(7, &words_of_refusal);
        let nobody = said(&["push", &image.name, &reference, "--by", by], None)
            .failed(7, &["needs a login, and docker's config.json has none", "docker login 127.0.0.1:"]);
        if by == "engine" {
            tells_the_engines_words(&refused, &nobody);
        }
        image.assert_named_as_before();
        said_with(&words, "\n").failed(2, &["standard input has no password"]);
    }
}

/// The engine's own words are told too: Podman's, those of a store of layers, containerd's.
#[track_caller]
fn tells_the_engines_words(refused: &Said, nobody: &Said) {
    for (said, [podmans, dockers, containerds]) in [
        (refused, ["authentication required", "unauthorized", "401 Unauthorized"]),
        (nobody, ["authentication required", "no basic auth credentials", "no basic auth credentials"]),
    ] {
        let expected: &[&str] = if is_podman() { &[podmans] } else { &[dockers, containerds] };
        assert!(expected.iter().any(|words| said.err.contains(words)), "{said:?}");
    }
}

#[test]
fn the_events_tell_what_goes_where_and_under_which_digest() {
    let (registry, image) = (Registry::new(), Image::small());
    let reference = format!("{}/app", registry.address);
    for by in SENDERS {
        let words = [&["push", &image.id, &reference, "--output", "json", "--by", by][..], &WITH_PASSWORD].concat();
        let told = said_with(&words, PASSWORD).done();
        let events: Vec<Value> = told.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let is_progress = |event: &&Value| event["event"] == "push_progress";
        let events: Vec<&Value> = events.iter().filter(|event| !is_progress(event)).collect();
        let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
        assert_eq!(names, ["hello", "step_started", "pushing", "pushed", "step_ended", "done"]);
        assert_eq!(events[2]["image"], image.name.as_str());
        assert_eq!(events[3]["reference"], format!("{reference}:latest"));
        if by == "engine" {
            let digest = events[3]["digest"].as_str().unwrap();
            let known = docker(&["image", "inspect", "--format", "{{join .RepoDigests \"\\n\"}}", &image.id]);
            assert!(known.lines().any(|one| one == format!("{reference}@{digest}")), "{known}");
        }
    }
}

#[test]
fn an_image_of_a_droplet_is_made_and_pushed_in_one_go() {
    let (registry, image, folder) = (Registry::new(), Image::that_runs(), tempfile::tempdir().unwrap());
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::create_dir_all(path("content/app")).unwrap();
    std::fs::create_dir(path("lifecycle")).unwrap();
    std::fs::write(path("lifecycle/launcher"), "#!/bin/sh\n").unwrap();
    let packed = Command::new("tar").args(["-czf", &path("droplet"), "-C", &path("content"), "./app"]).status();
    assert!(packed.unwrap().success());
    let (name, reference) = (format!("stager-test/{}-made", image.app), format!("{}/made:1", registry.address));
    let mark = format!("stager.instance={}", image.app);
    let (droplet, lifecycle) = (path("droplet"), path("lifecycle"));
    let what = ["image", "--droplet", &droplet, "--lifecycle", &lifecycle, "--base", &image.name];
    let words = [&what[..], &["--name", &name, "--label", &mark, "--push", &reference], &WITH_PASSWORD].concat();
    let pushed = said_with(&words, PASSWORD).done();
    assert!(pushed.out.contains(&format!("Pushing {name}:latest to {reference}")), "{pushed:?}");
    assert!(digest(&pushed).starts_with("sha256:"));
    let refused = said_with(&[&words[..], &["--request", "-"]].concat(), PASSWORD);
    refused.failed(2, &["--password-stdin and --request - cannot both read standard input"]);
}

#[test]
fn an_image_that_has_lost_its_last_name_goes_from_wherever_it_was_pushed() {
    let registry = Registry::with(Recipe { host: "127.0.0.1", asks_who: false, tls: false });
    let (former, image) = (Image::empty(), Image::empty());
    let references = ["one", "two"].map(|repository| format!("{}/{repository}:1", registry.address));
    for reference in &references {
        said(&["push", "--by", "engine", &former.name, reference], None).done();
    }
    docker(&["tag", &image.id, &former.name]);
    for reference in &references {
        said(&["push", "--by", "engine", &image.app, reference], None).done();
    }
    let labelled = format!("label=stager.instance={}", former.app);
    assert_eq!(docker(&["images", "-a", "-q", "--filter", &labelled]), "");
}

#[test]
fn a_name_that_cannot_be_is_refused_before_the_engine_is_asked() {
    for reference in ["r.invalid/Team/app", "r.invalid/app@sha256:00", "https://r.invalid/app", "app"] {
        let mut command = host_cli(&["push", "app", reference], None);
        let refused = command.env("DOCKER_HOST", "unix:///nowhere").output().unwrap();
        Said::from(refused).failed(2, &["is not a name to push to", "REGISTRY/REPO[:TAG]"]);
    }
}

#[test]
fn ctrl_c_ends_the_engines_push_and_takes_the_name_back() {
    let image = Image::that_runs();
    let registry = Answering::with(|method, _| match method {
        "POST" => ("202 Accepted", "Location: /v2/app/blobs/uploads/1\r\nDocker-Upload-UUID: 1\n\n".to_owned()),
        _ => ("404 Not Found", String::new()),
    });
    let reference = format!("{}/app:1", registry.address);
    let pushing = started(&mut host_cli(&["push", "--by", "engine", &image.name, &reference], None));
    let deadline = Instant::now() + Duration::from_secs(30);
    let sends_a_layer =
        |request: &String| request.split_once(' ').is_some_and(|(method, path)| is_upload(method, path));
    let is_sent = || registry.asked.lock().unwrap().iter().any(sends_a_layer);
    while !is_sent() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(image.names().len(), 2);
    assert!(Command::new("kill").args(["-INT", &pushing.id().to_string()]).status().unwrap().success());
    Said::from(pushing.wait_with_output().unwrap()).failed(130, &["interrupted"]);
    image.assert_named_as_before();
    registry.given_up.recv_timeout(Duration::from_secs(30)).expect("the engine goes on");
}
