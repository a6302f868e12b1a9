//! The unhappy ends, with every exit code.

use super::cli::{BOTH, Call, Form, Ran};
use super::feed::each;
use super::world::World;
use crate::hcf::docker;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

/// As many commands at once as two processors like.
const AT_ONCE: usize = 4;

/// A command and the code that it is to end with.
pub(crate) struct Outcome {
    name: &'static str,
    code: i32,
    call: Call,
}

impl Outcome {
    /// From its parts; `name` is for people.
    pub(crate) const fn new(name: &'static str, code: i32, call: Call) -> Self {
        Self { name, code, call }
    }
}

/// Runs all of them in both forms.
pub(crate) fn run(world: &World, outcomes: &[Outcome]) {
    run_at_once(world, outcomes, AT_ONCE);
}

/// As [`run`], one after the other: of an app one launch goes on at a time.
pub(crate) fn run_in_turn(world: &World, outcomes: &[Outcome]) {
    run_at_once(world, outcomes, 1);
}

fn run_at_once(world: &World, outcomes: &[Outcome], at_once: usize) {
    let jobs: Vec<(&Outcome, Form)> =
        outcomes.iter().flat_map(|outcome| BOTH.into_iter().map(move |form| (outcome, form))).collect();
    let next = Mutex::new(jobs.into_iter());
    thread::scope(|threads| {
        for _ in 0..at_once {
            threads.spawn(|| {
                loop {
                    let job = next.lock().unwrap().next();
                    let Some((outcome, form)) = job else { return };
                    world.run(outcome.name, outcome.code, &outcome.call, form);
                }
            });
        }
    });
}

/// Does `change` to every action of this kind.
fn change_all<Change: Fn(&mut Value)>(kind: &str, change: Change) -> impl FnOnce(&mut Value) + use<Change> {
    let kind = kind.to_owned();
    move |request| {
        each(request, &mut |key, value| {
            if key == kind {
                change(value);
            }
        });
    }
}

/// Replaces a text wherever it stands.
fn replaced(old: &str, new: &str) -> impl FnOnce(&mut Value) + use<> {
    let (old, new) = (old.to_owned(), new.to_owned());
    move |request| {
        let text = request.to_string();
        assert!(text.contains(&old), "{old} is not in the request");
        *request = serde_json::from_str(&text.replace(&old, &new)).unwrap();
    }
}

/// A shell script in the builder's place; nothing is unpacked for it.
pub(crate) fn script(script: &str) -> impl FnOnce(&mut Value) + use<> {
    let script = script.to_owned();
    move |request| {
        each(request, &mut |key, value| {
            if key == "run" {
                (value["path"], value["args"]) = ("/bin/sh".into(), json!(["-c", script]));
            }
        });
        request["cached_dependencies"] = json!([]);
    }
}

/// What can be wrong with a command line, with requests and with the places that a staging needs.
pub(crate) fn before_a_staging(world: &World) -> Vec<Outcome> {
    let whole = world.document("build-req");
    let good = world.file("good.json", &whole);
    let cut = world.file("cut.json", &whole[..whole.len() - 200]);
    let odd = world.request("build-req", "odd", change_all("serial", |value| *value = json!({"exec": value.clone()})));
    let docker_app = world.request("build-req", "docker", |request| {
        let run = json!({"path": "/tmp/lifecycle/builder", "args": ["-dockerRef=r.io/a:1"], "user": "vcap"});
        request["action"] = json!({ "run": run });
    });
    let engine = format!("tcp://engine:{}@127.0.0.1:1", world.marks.in_url("engine-login"));
    let elsewhere = |option: &str, value: &str| world.restage_without_cache(&good, &[option, value]);
    let logs = world.logs();
    let cut_log = world.file("cut.log", &format!("{{\"data\":{{\"taskDefinition\":{}", &whole[..whole.len() / 2]));
    vec![
        Outcome::new("an option that is none", 2, world.restage(&good, &["--nonsense"])),
        Outcome::new("an agent's option that is none", 2, world.restage(&good, &[]).telling_agent(&["--nonsense"])),
        Outcome::new(
            "a certificate that is not there",
            2,
            world.restage(&good, &[]).telling_agent(&["--ca", "/no/such"]),
        ),
        Outcome::new("a request that is cut off", 3, world.restage(&cut, &[])),
        Outcome::new("a request with an action that is none", 3, world.restage(&odd, &[])),
        Outcome::new("a docker app that is to be pushed", 3, world.restage(&docker_app, &["--push", "127.0.0.1:1/a"])),
        Outcome::new("a log that is cut off", 3, Call::of(&["build-req", "--stager-log", &cut_log])),
        Outcome::new("an app that is none", 3, Call::of(&["restage", "nobodys", "--logs", logs.to_str().unwrap()])),
        Outcome::new("an engine that is none", 9, world.restage(&good, &[]).with("DOCKER_HOST", &engine)),
        Outcome::new(
            "another engine that is none",
            9,
            world.restage(&good, &[]).with("DOCKER_HOST", format!("ssh{}", &engine[3..])),
        ),
        Outcome::new("a base that is none", 9, elsewhere("--base", "stager-no-such:base")),
        Outcome::new(
            "a network that is none",
            9,
            Call::of(&["restage", "--request", &good, "--network", "no-such-network"]),
        ),
    ]
}

/// What can go wrong in the container.
pub(crate) fn of_a_staging(world: &World) -> Vec<Outcome> {
    let changed = |name: &'static str, change: Box<dyn FnOnce(&mut Value)>| {
        world.request("build-req", &name.replace(' ', "-"), change)
    };
    let fails = |name: &'static str, code: i32, change: Box<dyn FnOnce(&mut Value)>| {
        Outcome::new(name, code, world.restage(&changed(name, change), &["--no-image"]))
    };
    // What is in the cache is not asked for.
    let asks = |name: &'static str, code: i32, change: Box<dyn FnOnce(&mut Value)>| {
        Outcome::new(name, code, world.restage_without_cache(&changed(name, change), &["--no-image"]))
    };
    let exits = |name: &'static str, code: i32| fails(name, code, Box::new(script(&format!("exit {code}"))));
    let package = |from: &'static str, to: &'static str| -> Box<dyn FnOnce(&mut Value)> {
        Box::new(change_all("download", move |value| {
            value["from"] = value["from"].as_str().unwrap().replace(from, to).into();
        }))
    };
    let kept =
        |kind: &str, change: fn(&mut Value)| -> Box<dyn FnOnce(&mut Value)> { Box::new(change_all(kind, change)) };
    let droplet = "echo {} >/tmp/result.json; echo no archive >/tmp/droplet; echo >/tmp/output-cache";
    let in_time = |request: &mut Value| {
        script("sleep 30")(request);
        each(request, &mut |key, value| {
            if key == "timeout" && value.is_object() {
                value["timeout"] = 300_000_000.into();
            }
        });
    };
    vec![
        asks("a wrong signature", 4, package("md5=", "md5=x")),
        asks("an expired signature", 4, package("expires=", "expires=1&x=")),
        fails("a host that nobody knows", 4, package("blobstore", "blobstore.nowhere")),
        fails("a port that nobody listens on", 4, package("blobstore/", "blobstore:1/")),
        Outcome::new("an authority that nobody trusts", 4, {
            let untrusting = replaced("-skipCertVerify=true", "-skipCertVerify=false");
            let request = changed("an authority that nobody trusts", Box::new(untrusting));
            world.restage_trusting_nobody(&request, &["--no-image"])
        }),
        fails("a URL that is none", 4, package("https://", "gopher://")),
        fails(
            "another checksum",
            4,
            kept("download", |value| {
                (value["checksum_algorithm"], value["checksum_value"]) = ("md5".into(), "0".repeat(32).into());
            }),
        ),
        fails(
            "a checksum that is none",
            3,
            kept("download", |value| {
                (value["checksum_algorithm"], value["checksum_value"]) = ("md5".into(), "0".into());
            }),
        ),
        fails("no builder", 5, kept("run", |value| value["path"] = "/tmp/lifecycle/nobody".into())),
        fails("a user that is none", 5, kept("run", |value| value["user"] = "nobodys".into())),
        fails("no result", 5, Box::new(script("echo droplet >/tmp/droplet; echo >/tmp/output-cache"))),
        exits("a program that fails", 5),
        exits("nothing detects", 222),
        exits("compile fails", 223),
        exits("release fails", 224),
        exits("supply fails", 225),
        exits("finalize fails", 226),
        fails("no droplet", 6, Box::new(script("true"))),
        fails(
            "a password that is wrong",
            6,
            kept("upload", |value| {
                value["to"] = value["to"].as_str().unwrap().replace("up%252Fpw", "other").into();
            }),
        ),
        fails(
            "an uploader that nobody knows",
            6,
            kept("upload", |value| {
                value["to"] = value["to"].as_str().unwrap().replace("cc-uploader", "nobody").into();
            }),
        ),
        Outcome::new("nobody to report to", 6, {
            let nobody = |request: &mut Value| {
                let callback = &mut request["completion_callback_url"];
                *callback = callback.as_str().unwrap().replace(".cf.internal", ".nowhere").into();
            };
            let request = changed("nobody to report to", Box::new(nobody));
            world.restage(&request, &["--no-image"]).telling_agent(&["--report"])
        }),
        fails("too long", 124, Box::new(in_time)),
        Outcome::new("a droplet that is none", 7, {
            let request = world.request("build-req", "no-archive", script(droplet));
            world.restage(&request, &[]).telling_agent(&["--no-upload"])
        }),
    ]
}

/// Stagings that something ends from outside, one after the other.
pub(crate) fn ended_from_outside(world: &World) {
    // The request's file has another name: host-cli tells of it before there is a container.
    const SLEEPS: &str = "the builder sleeps";
    let request = world.request("build-req", "asleep", script(&format!("echo {SLEEPS}; exec sleep 60")));
    let call = world.restage(&request, &["--no-image"]);
    for (how, code) in [("INT", 130), ("TERM", 143), ("KILL", 9)] {
        for form in [Form::Plain, Form::Json] {
            let mut child = world.home.start(&world.marks, &call, form);
            let mut out = BufReader::new(child.stdout.take().unwrap());
            let mut said = String::new();
            while !said.contains(SLEEPS) && out.read_line(&mut said).unwrap() > 0 {}
            if how == "KILL" {
                let _ = world.app.containers("staging").first().map(|container| docker(&["kill", container]));
            } else {
                Command::new("kill").args(["-s", how, &child.id().to_string()]).status().unwrap();
            }
            out.read_to_string(&mut said).unwrap();
            let ran = Ran::of(child);
            let ran = Ran { said: [said.as_bytes(), &ran.said].concat(), ..ran };
            world.judge(&format!("a staging that {how} ends"), code, form, &ran);
        }
    }
}
