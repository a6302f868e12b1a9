//! The package comes beside the dependencies, and still belongs to the action.

use crate::cloud::{Cloud, names};
use crate::world::Outcome;
use serde_json::json;
use shared_model::event::Event;
use std::thread;
use std::time::Duration;

#[test]
fn the_package_is_fetched_while_dependencies_are_under_way() {
    let cloud = Cloud::new();
    let stall = cloud.server.stalls("/buildpack.zip");
    let running = cloud.world.start(&cloud.request(), &["--output", "json"]);
    stall.wait_until_asked();
    crate::world::wait_for(&cloud.world.path("app/hello.txt"));
    stall.go_on();
    let outcome = Outcome::of(running);
    outcome.done();
    assert_eq!(cloud.server.asked("GET").iter().filter(|get| get.target.starts_with("/app.zip")).count(), 1);
    assert_eq!(names(&outcome).iter().filter(|name| *name == "downloaded").count(), 3);
}

#[test]
fn a_package_that_does_not_come_ends_the_dependencies_and_is_told_by_the_action() {
    let cloud = Cloud::new();
    let stall = cloud.server.stalls("/buildpack.zip");
    cloud.server.answers("/app.zip", 404, b"");
    let mut request = cloud.request();
    let download = &mut request["action"]["timeout"]["action"]["serial"]["actions"][0];
    *download = json!({"emit_progress": {"action": download.clone(), "failure_message_prefix": "No app"}});
    let outcome = cloud.stage_request(&request, &[]);
    stall.go_on();
    assert!(outcome.code == 4 && outcome.failure().0.contains("/app.zip?***: the server answered 404"));
    let told = |event: &Event| matches!(event, Event::Progress { text, .. } if text == "No app: Downloading failed");
    assert!(outcome.events.iter().any(told) && !names(&outcome).contains(&"run_started".to_owned()));
}

#[test]
fn a_time_limit_of_the_package_is_kept_and_none_of_the_dependencies() {
    let cloud = Cloud::new();
    let stall = cloud.server.stalls("/buildpack.zip");
    let mut request = cloud.request();
    let download = &mut request["action"]["timeout"]["action"]["serial"]["actions"][0];
    *download = json!({"timeout": {"timeout_ms": 400, "action": download.clone()}});
    let running = cloud.world.start(&request, &["--output", "json"]);
    stall.wait_until_asked();
    thread::sleep(Duration::from_millis(800));
    stall.go_on();
    Outcome::of(running).done();
}

#[test]
fn a_package_for_a_place_inside_a_dependency_comes_after_it() {
    let cloud = Cloud::new();
    let mut request = cloud.request();
    request["cached_dependencies"][1]["to"] = json!(cloud.world.text("app"));
    let stall = cloud.server.stalls("/buildpack.zip");
    let running = cloud.world.start(&request, &["--output", "json", "--no-upload"]);
    stall.wait_until_asked();
    thread::sleep(Duration::from_millis(300));
    assert!(!cloud.world.exists("app/hello.txt"));
    stall.go_on();
    drop(Outcome::of(running)); // its builder misses the buildpack
    assert!(cloud.world.exists("app/hello.txt") && cloud.world.exists("app/name"));
}
