//! What can go wrong with a launch, an image, an export and a cache, once there is an image.

use super::cli::Call;
use super::feed::each;
use super::outcomes::Outcome;
use super::world::World;
use crate::hcf::stager_image;
use serde_json::{Value, json};

/// Launches that fail, before and after there is an image.
pub(crate) fn of_launches(world: &World) -> Vec<Outcome> {
    let image = stager_image();
    let usual = ["--network", world.app.hcf.network.as_str(), "--stager-image", &image];
    let of = |name: &'static str, code: i32, change: &dyn Fn(&mut Value), words: &[&str]| {
        let request = world.request("launch-req", &name.replace(' ', "-"), change);
        Outcome::new(name, code, Call::of(&["launch", "--request", &request]).and(&usual).and(words))
    };
    let of_launcher = |change: &'static dyn Fn(&mut Value)| {
        move |request: &mut Value| {
            each(request, &mut |key, value| {
                if key == "run" && value["path"].as_str().unwrap_or_default().ends_with("launcher") {
                    change(value);
                }
            });
        }
    };
    let secret = world.marks.of("variable").to_owned();
    let nameless = move |request: &mut Value| {
        let variable = json!({"name": "", "value": secret.as_str()});
        request["env"].as_array_mut().unwrap().push(variable);
    };
    let volume = world.app.volume();
    let ca = world.app.hcf.ca();
    let fetching = ["--cache-volume", &volume, "--ca", ca.to_str().unwrap()];
    let docker_app = |request: &mut Value| request["rootfs"] = "docker://127.0.0.1:1/acme/a#1".into();
    vec![
        of("a docker app of a registry that is none", 8, &docker_app, &fetching),
        of("an app that dies", 8, &of_launcher(&|run| run["args"][1] = "exit 3".into()), &[]),
        of("an app of another user", 8, &of_launcher(&|run| run["user"] = "nobodys".into()), &[]),
        of("a process that is none", 2, &|_| {}, &["--process", "nothing"]),
        of("a port that is none", 2, &|_| {}, &["--port", "x"]),
        of("a variable without a name", 9, &nameless, &[]),
        of("a launcher that is not there", 8, &of_launcher(&|run| run["path"] = "/no/launcher".into()), &[]),
        of("a launch that is none", 3, &|request| request["action"] = json!({"exec": request["action"].clone()}), &[]),
        of("a launch without a launcher", 3, &|request| request["action"] = json!({"serial": {"actions": []}}), &[]),
    ]
}

/// An app that has no image yet.
pub(crate) fn without_an_image(world: &World) -> Vec<Outcome> {
    let logs = world.logs();
    let launch = Call::of(&["launch", &world.app.name, "--logs", logs.to_str().unwrap()]);
    vec![
        Outcome::new("a launch before there is an image", 8, launch.and(&["--network", &world.app.hcf.network])),
        Outcome::new("a push before there is an image", 7, Call::of(&["push", &world.app.name, "127.0.0.1:1/a"])),
        Outcome::new("an export before there is an image", 7, Call::of(&["export", &world.app.name, "--droplet", "x"])),
        Outcome::new(
            "a cache before there is one",
            9,
            Call::of(&["cache", "list", "--cache-volume", "stager-no-such"]),
        ),
    ]
}

/// Images that cannot be made.
pub(crate) fn of_images(world: &World) -> Vec<Outcome> {
    let lifecycle = world.app.hcf.folder("lifecycle");
    let request = world.file("for-images.json", &world.document("build-req"));
    let bad = world.file("no-droplet", "no archive");
    let of = |droplet: &str, words: &[&str]| {
        let call = Call::of(&["image", "--request", &request, "--droplet", droplet, "--lifecycle"]);
        call.and(&[lifecycle.to_str().unwrap()]).and(words)
    };
    vec![
        Outcome::new("a droplet that is no archive", 7, of(&bad, &[])),
        Outcome::new("a droplet that is not there", 7, of("/no/such", &[])),
        Outcome::new("an image on a base that is none", 7, of(&bad, &["--base", "stager-no-such:base"])),
    ]
}
