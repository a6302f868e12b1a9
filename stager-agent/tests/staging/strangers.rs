//! Builders that put something else in the place of what they are to leave, prepare a place for the agent to write to, or
//! take more than they are given. What only shows in a container is for `ci/hostile-buildpack`.

use crate::cloud::Cloud;
use crate::world::{Outcome, World, am_root, printed_by, task};
use serde_json::{Value, json};
use shared_model::event::Event;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// The request of a cloud in which a further program runs when the builder has ended, before anything is uploaded.
fn then(cloud: &Cloud, script: &str) -> Value {
    let mut request = cloud.request();
    let actions = request["action"]["timeout"]["action"]["serial"]["actions"].as_array_mut().unwrap();
    actions.insert(2, cloud.world.shell(script));
    request
}

#[track_caller]
fn nothing_was_sent(cloud: &Cloud, outcome: &Outcome, path: &str, why: &str) {
    let (text, _) = outcome.failure();
    assert!(text.contains("is not taken") && text.contains(why), "{text}");
    assert!(!cloud.server.asked("POST").iter().any(|post| post.target.starts_with(path)), "it was sent all the same");
}

#[test]
fn what_is_no_file_of_the_builders_own_is_not_sent_as_a_droplet() {
    for (script, why) in [
        ("ln -sf /etc/passwd droplet", "not a regular file"),
        ("ln -sf /proc/1/environ droplet", "not a regular file"),
        ("rm droplet; mkfifo droplet", "not a regular file"),
        ("rm droplet; mkdir droplet", "not a regular file"),
        ("ln droplet other", "2 names"),
        ("truncate -s 1T droplet", "the most is"),
    ] {
        let cloud = Cloud::new();
        let outcome = cloud.stage_request(&then(&cloud, script), &[]);
        assert_eq!(outcome.code, 6, "{script}");
        nothing_was_sent(&cloud, &outcome, "/v1/droplet/", why);
    }
}

#[test]
fn a_folder_that_became_a_link_leads_nowhere() {
    let cloud = Cloud::new();
    let mut request = then(&cloud, "mkdir real && cp droplet real/ && ln -s real out");
    let actions = request["action"]["timeout"]["action"]["serial"]["actions"].as_array_mut().unwrap();
    actions[3] = cloud.upload("droplet", "out/droplet", "droplet");
    let outcome = cloud.stage_request(&request, &[]);
    nothing_was_sent(&cloud, &outcome, "/v1/droplet/", "a symbolic link leads to it");
}

#[test]
fn a_droplet_that_another_user_made_is_not_sent() {
    if !am_root() {
        return;
    }
    let cloud = Cloud::new();
    fs::write(cloud.world.path("other"), "root's own").unwrap();
    let mut request = cloud.request();
    let actions = request["action"]["timeout"]["action"]["serial"]["actions"].as_array_mut().unwrap();
    actions[2] = cloud.upload("droplet", "other", "droplet");
    let outcome = cloud.stage_request(&request, &[]);
    nothing_was_sent(&cloud, &outcome, "/v1/droplet/", "it belongs to user 0");
}

#[test]
fn a_cache_that_is_a_link_is_not_sent_and_the_droplet_is() {
    let cloud = Cloud::new();
    let outcome = cloud.stage_request(&then(&cloud, "ln -sf /etc/passwd output-cache"), &[]);
    assert!(outcome.done().notes().iter().any(|note| note.contains("output-cache is not taken")));
    assert_eq!(cloud.server.asked("POST").len(), 1);
}

#[test]
fn a_result_that_is_a_link_is_not_read() {
    let cloud = Cloud::new();
    let outcome = cloud.stage_request(&then(&cloud, "ln -sf /etc/passwd result.json"), &[]);
    assert_eq!(outcome.code, 5);
    assert!(outcome.failure().0.contains("result.json is not taken"), "{:?}", outcome.failure());
}

#[test]
fn nobody_is_left_who_could_swap_the_droplet_while_it_is_sent() {
    let cloud = Cloud::new();
    let stall = cloud.server.stalls("/v1/droplet/app");
    let request = then(
        &cloud,
        "(setsid sh -c 'while :; do ln -sf /etc/passwd droplet.next; mv droplet.next droplet.swapped; sleep 0.01; done' &) >/dev/null 2>&1",
    );
    let running = cloud.world.start(&request, &["--output", "json"]);
    stall.wait_until_asked();
    let _ = fs::remove_file(cloud.world.path("droplet.swapped"));
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(!cloud.world.exists("droplet.swapped"), "somebody swaps during the upload");
    stall.go_on();
    let outcome = Outcome::of(running);
    let droplet = cloud.world.text("droplet");
    let sum = printed_by("sha256sum", &[&droplet]);
    let said = |event: &Event| matches!(event, Event::Droplet { sha256, .. } if sum.starts_with(sha256.as_str()));
    assert!(outcome.done().events.iter().any(said), "the sum is that of another file");
}

#[test]
fn a_later_download_writes_where_its_user_may_and_nowhere_else() {
    if !am_root() {
        return;
    }
    let cloud = Cloud::new();
    let roots = tempfile::tempdir().unwrap();
    fs::set_permissions(roots.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let action = |to: &str, script: &str| {
        let mut download = cloud.download();
        download["download"]["to"] = json!(cloud.world.text(to));
        json!({"serial": {"actions": [cloud.world.shell(script), download]}})
    };
    let to_roots = format!("ln -s {} more", roots.path().display());
    let outcome = cloud.world.stage(&task(&action("more", &to_roots)), &[]);
    assert_eq!(outcome.code, 4, "{:?}", outcome.events);
    assert_eq!(fs::read_dir(roots.path()).unwrap().count(), 0, "a link led the agent to where only root may write");
    cloud.world.stage(&task(&action("mine", "true")), &[]).done();
    assert_eq!(cloud.world.read("mine/hello.txt"), "hello");
}

#[test]
fn no_capability_reaches_the_builder_not_even_one_that_it_could_get() {
    if !am_root() {
        return;
    }
    let world = World::new();
    let outcome = world.stage(&task(&world.shell("grep ^Cap /proc/self/status")), &[]);
    let lines = outcome.done().out();
    assert_eq!(lines.len(), 5);
    assert!(lines.iter().all(|line| line.ends_with("\t0000000000000000")), "{lines:?}");
    let mut run = world.shell("grep CapBnd /proc/self/status");
    run["run"]["user"] = json!("root");
    // Where tests run there may be an engine's socket, which root could open.
    assert_eq!(world.stage(&task(&run), &["--trust-buildpacks"]).done().out(), ["CapBnd:\t0000000000000000"]);
}

#[test]
fn whoever_writes_more_than_disk_mb_is_ended_and_told_so() {
    let world = World::new();
    let mut request = task(&world.shell("head -c 64M /dev/zero >fill; sleep 600"));
    request["disk_mb"] = json!(8);
    let outcome = world.stage(&request, &[]);
    assert_eq!(outcome.code, 5);
    assert!(outcome.failure().0.contains("disk quota exceeded"), "{:?}", outcome.failure());
    let said = |event: &Event| matches!(event, Event::Progress { text, .. } if text == "Exit status 137 (disk quota exceeded)");
    assert!(outcome.events.iter().any(said), "{:?}", outcome.events);
}
