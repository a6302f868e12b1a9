//! `host-cli restage` on a real engine, against the mini-HCF.

use crate::app::{App, inspect, signal};
use crate::hcf::{docker, static_program};
use crate::said::Said;
use shared_model::event::{Event, PROTOCOL, Step};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::time::{Duration, Instant};

#[test]
fn an_app_is_staged_and_becomes_an_image_and_every_step_is_a_row() {
    let app = App::pushed("road", "env-page", &["--style", "2016"]);
    let said = app.restage(&[]).done();
    for line in [
        "Staging road on cflinuxfs",
        " fetch   ",
        "  -----> Python app detected\n",
        " build   ",
        " replaced Cloud Controller's; build artifacts cache ",
        "\nDone in ",
        "  Next: host-cli launch --logs ",
    ] {
        assert!(said.out.contains(line), "{line:?} is not in:\n{}", said.out);
    }
    let image = app.images();
    let name = format!("cf-app/road-{}:", &app.guid[..8]);
    assert!(said.out.contains(&format!(" image   {name}droplet-")) && image.len() == 1, "{}", said.out);
    assert_eq!(app.containers("staging"), Vec::<String>::new());

    let inspected = inspect(&format!("{name}latest"));
    assert_eq!(inspected["Config"]["Labels"]["stager.app-name"], "road");
    let everything = format!("{}{}{inspected}", said.out, said.err);
    for secret in secrets(&app) {
        assert!(!everything.contains(&secret), "{secret} is shown");
    }
}

/// Signatures, passwords and service credentials of the app's staging request.
fn secrets(app: &App) -> Vec<String> {
    let request = app.request("build-req").to_string();
    let after = |mark: &str| {
        let found = request.split(mark).skip(1);
        found.filter_map(|rest| rest.split(['&', '"', '\\', '@']).next()).map(str::to_owned).collect::<Vec<_>>()
    };
    let secrets: Vec<String> =
        [after("md5="), after(r#"password\":\""#)].concat().into_iter().filter(|secret| secret.len() > 5).collect();
    assert!(secrets.len() > 3, "the request should hold secrets: {secrets:?}");
    secrets
}

#[test]
fn the_events_are_one_stream_and_todays_requests_are_staged_with_a_given_ca() {
    let app = App::pushed("layers", "hello-procfile", &["--style", "2026-layers"]);
    let ca = app.hcf.ca();
    let said = app.restage(&["--output", "json", "--ca", ca.to_str().unwrap()]).done();
    assert_eq!(said.err, "");
    let events = said.events();
    assert!(matches!(events[0], Event::Hello { protocol: PROTOCOL, .. }));
    assert!(matches!(events.last().unwrap(), Event::Done { .. }));
    let is_word = |event: &&Event| matches!(event, Event::Hello { .. } | Event::Done { .. } | Event::Failed { .. });
    assert_eq!(events.iter().filter(is_word).count(), 2);
    for step in [Step::Fetch, Step::Build, Step::Upload, Step::Image] {
        let ended = |event: &Event| matches!(event, Event::StepEnded { step: ended, .. } if *ended == step);
        assert!(events.iter().any(ended), "{step:?}");
    }
    let Some(Event::Image { id, bytes, .. }) = events.iter().find(|event| matches!(event, Event::Image { .. })) else {
        panic!("{}", said.out)
    };
    assert_eq!((&app.images()[0], inspect(id)["Size"].as_u64()), (id, Some(*bytes)));
}

#[test]
fn an_unknown_authority_is_named_and_nothing_is_left() {
    let app = App::pushed("no-ca", "hello-procfile", &["--style", "2026"]);
    app.restage(&[]).failed(4, &["--ca"]);
    app.left_nothing();
}

#[test]
fn the_builders_own_codes_are_passed_on_and_nothing_is_left() {
    let app = App::pushed("nothing-detects", "no-buildpack", &[]);
    app.restage(&[]).failed(222, &["222"]);
    app.left_nothing();
    let app = App::pushed("broken", "does-not-compile", &[]);
    let said = app.restage(&[]).failed(223, &["223"]);
    assert!(said.out.contains("-----> Python app detected"), "{}", said.out);
    app.left_nothing();
}

#[test]
fn an_expired_signature_is_told_with_its_time_and_what_helps() {
    let app = App::pushed("late", "hello-procfile", &["--expired"]);
    app.restage(&[]).failed(4, &["expired", "push"]);
    app.left_nothing();
}

#[test]
fn an_app_that_takes_too_much_memory_is_told_so() {
    let app = App::pushed("greedy", "hello-procfile", &[]);
    app.hcf.buildpack("greedy", "python3 -c 'x = bytearray(200 << 20); print(len(x))'");
    app.hcf.run(&["push", source("hello-procfile").as_str(), "--name", "greedy", "--buildpack", "greedy_buildpack"]);
    let request = app.changed("build-req", |request| request["memory_mb"] = 64.into());
    let said = app.restage(&["--request", request.to_str().unwrap()]);
    if docker(&["info", "--format", "{{.MemoryLimit}}"]).unwrap() == "true" {
        said.failed(223, &["out of memory (memory_mb=64)"]);
        app.left_nothing();
    } else {
        // Without cgroups there is no bound; what can be had is a word about it.
        let said = said.done();
        assert!(said.err.contains("warning: this Docker Engine does not limit memory"), "{}", said.err);
    }
}

#[test]
fn the_agent_stays_in_memory_while_a_buildpack_runs() {
    let app = App::pushed("kept", "hello-procfile", &[]);
    app.hcf.buildpack("kept", "sleep 1; echo \"kept: $(grep VmLck /proc/1/status | tr -dc 0-9) $(ulimit -l)\"");
    app.hcf.run(&["push", source("hello-procfile").as_str(), "--name", "kept", "--buildpack", "kept_buildpack"]);
    let said = app.restage(&["--no-upload", "--no-image"]).done();
    let told = said.out.lines().find_map(|line| line.split_once("kept: ")).unwrap_or_else(|| panic!("{}", said.out)).1;
    let (kept, limit) = told.split_once(' ').unwrap();
    let of_agent = fs::metadata(static_program("stager-agent")).unwrap().len() / 1024;
    // What a container of most engines allows; one below another engine may have less.
    if limit.parse().is_ok_and(|limit: u64| limit < 8192) {
        return;
    }
    assert!(kept.parse::<u64>().unwrap() > of_agent * 8 / 10, "{kept} of {of_agent} kB are kept, where {limit} may be");
}

fn source(app: &str) -> String {
    format!("{}/../examples/apps/{app}", env!("CARGO_MANIFEST_DIR"))
}

/// An app whose buildpack says `asleep` and sleeps for a minute.
pub(crate) fn sleeper(name: &str) -> App {
    let app = App::pushed(name, "hello-procfile", &[]);
    app.hcf.buildpack("sleepy", "echo asleep; sleep 60");
    app.hcf.run(&["push", source("hello-procfile").as_str(), "--name", name, "--buildpack", "sleepy_buildpack"]);
    app
}

#[test]
fn a_signal_in_the_middle_of_a_build_removes_the_container() {
    for (name, code, words) in [("INT", 130, "error: interrupted"), ("TERM", 143, "error: ended by a signal")] {
        let app = sleeper(&format!("sleeper-{}", name.to_lowercase()));
        let mut child = app.restage_in_background(&[]);
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while out.read_line(&mut line).unwrap() > 0 && !line.contains("asleep") {
            line.clear();
        }
        assert_eq!(app.containers("staging").len(), 1, "{line}");
        let began = Instant::now();
        signal(&child, name);
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        let said = Said { out: rest, ..child.wait_with_output().unwrap().into() };
        assert!(began.elapsed() < Duration::from_secs(10));
        said.failed(code, &[words]);
        app.left_nothing();
    }
}

#[test]
fn a_reader_that_goes_away_does_not_cost_the_container() {
    let app = App::pushed("head", "hello-procfile", &[]);
    let mut child = app.restage_in_background(&["--no-image"]);
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(!line.is_empty());
    assert_eq!(Said::from(child.wait_with_output().unwrap()).code, Some(0));
    app.left_nothing();
}

#[test]
fn a_kept_container_can_be_visited_by_the_command_that_is_printed_and_goes_when_it_is_stopped() {
    let app = App::pushed("kept", "does-not-compile", &[]);
    let said = app.restage(&["--keep"]).failed(223, &["223"]);
    let visit = said.out.lines().find_map(|line| line.strip_prefix("Look inside: ")).expect("a way in");
    assert!(visit.starts_with("docker exec -it -u vcap -w /tmp/app "), "{visit}");
    // No terminal here: the same command without -t and with something to do.
    let words: Vec<&str> = visit.split(' ').skip(1).map(|word| if word == "-it" { "-i" } else { word }).collect();
    let seen = docker(&[&words[..], &["-c", "id -un; pwd; ls"]].concat()).unwrap();
    assert!(seen.starts_with("vcap\n/tmp/app\n"), "{seen}");
    let agent = docker(&["exec", words[words.len() - 2], "cat", "/proc/1/cmdline"]).unwrap();
    assert!(secrets(&app).iter().all(|secret| !agent.contains(secret)));

    let containers = app.containers("staging");
    assert_eq!(inspect(&containers[0])["Config"]["Labels"]["stager.kept"], "true");
    docker(&["stop", "--time", "10", &containers[0]]).unwrap();
    // The engine removes it by itself, a moment after `stop` has come back.
    let until = Instant::now() + Duration::from_secs(10);
    while !app.containers("staging").is_empty() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
    }
    app.left_nothing();
}

#[test]
fn a_kept_container_does_not_keep_its_image_from_being_made() {
    let app = App::pushed("kept-well", "hello-procfile", &[]);
    let said = app.restage(&["--keep", "--", "--no-upload"]).done();
    assert!(said.out.contains("Cloud Controller's stays") && said.out.contains("\nLook inside: "), "{}", said.out);
    assert_eq!(app.containers("staging").len(), 1);
    assert_eq!(app.images().len(), 1);
}
