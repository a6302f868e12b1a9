//! Docker apps: a builder that looks at an image and makes nothing.

use crate::world::{Outcome, World, task, user, write_program};
use serde_json::{Value, json};
use shared_model::event::Event;
use std::fs;

const PASSWORD: &str = "s3cret-of-the-registry";

/// A docker app's request, whose builder is this shell script.
fn request(world: &World, script: &str) -> Value {
    let (folder, builder) = (world.path("lifecycle"), world.path("lifecycle/builder"));
    fs::create_dir(folder).unwrap();
    write_program(&builder, script);
    let result = world.text("result.json");
    let (file, password) = (format!("-outputMetadataJSONFilename={result}"), format!("-dockerPassword={PASSWORD}"));
    let arguments = [file.as_str(), "-dockerRef=r.io/acme/shop:1", "-dockerUser=me", &password];
    let run = json!({"run": {"path": builder, "args": arguments, "user": user(), "dir": world.text("")}});
    let mut request = task(&json!({"emit_progress": {"action": run, "start_message": "Staging...",
        "success_message": "Staging Complete", "failure_message_prefix": "Staging Failed"}}));
    request["result_file"] = json!(result);
    request
}

fn said(outcome: &Outcome) -> String {
    format!("{:?} {}", outcome.events, outcome.err)
}

#[test]
fn a_staging_without_a_droplet_tells_the_image_and_succeeds() {
    let world = World::new();
    let metadata = json!({"cmd": ["x"], "ports": [{"Port": 8080, "Protocol": "tcp"}], "user": "nobody"}).to_string();
    let result = json!({"lifecycle_type": "docker", "execution_metadata": metadata,
        "lifecycle_metadata": {"docker_image": "r.io/acme/shop:1"}});
    let outcome = world.stage(&request(&world, &format!("echo \"$@\"; cat >result.json <<'E'\n{result}\nE")), &[]);
    let (image, ports, user) = ("r.io/acme/shop:1".to_owned(), vec!["8080/tcp".to_owned()], "nobody".to_owned());
    assert!(outcome.done().events.contains(&Event::DockerImage { image, ports, user }), "{:#?}", outcome.events);
    let said = said(&outcome);
    assert!(said.contains("-dockerUser=me -dockerPassword=***"), "{said}");
    assert!(!said.contains(PASSWORD) && !said.contains("droplet"), "{said}");
}

#[test]
fn an_image_that_the_builder_cannot_read_is_named_with_what_to_look_at_and_no_droplet_is_spoken_of() {
    let world = World::new();
    let outcome = world.stage(&request(&world, "echo \"$4\" >&2; exit 2"), &[]);
    let (text, advice) = outcome.failure();
    let expected =
        "the builder cannot read the app's image r.io/acme/shop:1 in its registry (builder ended with status 2)";
    assert_eq!((outcome.code, text), (5, expected));
    assert!(advice.contains("login"), "{advice}");
    let said = said(&outcome);
    assert!(!said.contains(PASSWORD) && !said.contains("droplet"), "{said}");
}

#[test]
fn another_end_of_the_builder_is_told_as_any_builders() {
    let world = World::new();
    let outcome = world.stage(&request(&world, "exit 7"), &[]);
    assert_eq!((outcome.code, outcome.failure().0), (5, "builder ended with status 7"));
}
