//! `image --handover`: what an agent left in another container is published, and nothing that took its place.

use super::images::droplet;
use super::misbehaving::Misbehaving;
use super::misbehaving::store::digest;
use super::world::{As, World, name_at};
use serde_json::{Value, json};
use std::fs;

/// A folder as an agent leaves it, which vouches for the droplet of this world.
fn handover(world: &World, sha256: &str) {
    let folder = world.path("handover");
    fs::create_dir_all(folder.join("lifecycle")).unwrap();
    fs::copy(world.path("lifecycle/launcher"), folder.join("lifecycle/launcher")).unwrap();
    let droplet = world.path("droplet.tgz").canonicalize().unwrap();
    let verdict = json!({"droplet": droplet, "bytes": 1, "sha256": sha256});
    fs::write(folder.join("verdict.json"), verdict.to_string()).unwrap();
}

fn sha256(bytes: &[u8]) -> String {
    digest(bytes).trim_start_matches("sha256:").to_owned()
}

const WORDS: [&str; 7] = ["image", "--handover", "handover", "--base", "oci:base", "--report", "report.json"];

#[test]
fn what_an_agent_vouches_for_is_published_and_its_digest_is_left_for_others() {
    let world = World::new(31);
    handover(&world, &sha256(&droplet(31)));
    let registry = Misbehaving::new();
    let target = name_at(&registry.address);
    world.run(&[&WORDS[..], &["--publish", &target]].concat(), As::Nobody).done();
    registry.assert_has_it();
    let report: Value = serde_json::from_slice(&fs::read(world.path("report.json")).unwrap()).unwrap();
    assert_eq!((&report["event"], &report["reference"]), (&"pushed".into(), &target.as_str().into()));
    assert!(report["digest"].as_str().unwrap().starts_with("sha256:"), "{report}");
}

#[test]
fn another_droplet_gets_no_name_and_no_report() {
    let world = World::new(32);
    handover(&world, &sha256(&droplet(33)));
    let registry = Misbehaving::new().holding_another();
    let target = name_at(&registry.address);
    let words = [&WORDS[..], &["--publish", &target]].concat();
    world.run(&words, As::Nobody).failed(7, &["its sha256 differs", "try: "]);
    registry.assert_holds_the_other();
    assert!(!world.path("report.json").exists());
}

#[test]
fn the_folder_has_all_parts_or_there_is_no_image() {
    let world = World::new(34);
    let registry = Misbehaving::new();
    let target = name_at(&registry.address);
    let words = [&WORDS[..], &["--publish", &target]].concat();
    world.run(&words, As::Nobody).failed(7, &["handover/verdict.json", "the agent left none"]);
    handover(&world, &sha256(&droplet(34)));
    let both = [&words[..], &["--droplet", "droplet.tgz"]].concat();
    world.run(&both, As::Nobody).failed(2, &["--handover cannot go with", "try: "]);
    let neither = ["image", "--base", "oci:base", "--publish", "r.io/a"];
    world.run(&neither, As::Nobody).failed(2, &["needs --droplet FILE and --lifecycle PATH", "try: "]);
    let on_engine = ["image", "--handover", "handover", "--base", "b", "--name", "a", "--report", "r"];
    world.run(&on_engine, As::Nobody).failed(2, &["--report is for --publish", "try: "]);
}
