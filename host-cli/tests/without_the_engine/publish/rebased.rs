//! `rebase --publish`: an image in a registry comes to stand on another root file system there.

use super::images::{Base, MANIFEST};
use super::misbehaving::Misbehaving;
use super::misbehaving::store::digest;
use super::world::{As, REPOSITORY, World, name_at};

/// Holds the newer base too, as `rootfs:2`.
fn holding_newer(registry: Misbehaving, newer: &Base) -> Misbehaving {
    registry.store(|store| {
        for (name, bytes) in &newer.blobs {
            store.blobs.insert(("rootfs".to_owned(), name.clone()), bytes.clone());
        }
        for name in ["2".to_owned(), digest(&newer.manifest)] {
            store.manifests.insert(("rootfs".to_owned(), name), (MANIFEST.to_owned(), newer.manifest.clone()));
        }
    });
    registry
}

fn manifest(registry: &Misbehaving, tag: &str) -> Vec<u8> {
    registry.store(|store| store.manifests[&(REPOSITORY.to_owned(), tag.to_owned())].1.clone())
}

#[test]
fn an_image_on_another_root_file_system_is_the_one_that_its_droplet_gives_there_and_no_layer_is_sent() {
    let world = World::new(21);
    let registry = holding_newer(Misbehaving::new(), &Base::with_release("amd64", "2"));
    let registry = registry.holding_base(&Base::new("amd64"));
    let at = |name: &str| format!("{}/{name}", registry.address);
    let app = |tag: &str| at(&format!("{REPOSITORY}:{tag}"));
    world.publish_with(&app("1"), &at("base:1"), &[], As::Nobody).done();

    let sent = registry.times_asked("PATCH /v2/");
    let words = ["rebase", &app("1"), "--base", &at("rootfs:2"), "--publish", &app("2")];
    world.run(&words, As::Nobody).done();
    // The config, and nothing else.
    assert_eq!(registry.times_asked("PATCH /v2/") - sent, 1);
    world.publish_with(&app("3"), &at("rootfs:2"), &[], As::Nobody).done();
    assert_eq!(manifest(&registry, "2"), manifest(&registry, "3"));
    assert_ne!(manifest(&registry, "1"), manifest(&registry, "2"));

    // And back.
    world.run(&["rebase", &app("2"), "--base", &at("base:1"), "--publish", &app("4")], As::Nobody).done();
    assert_eq!(manifest(&registry, "1"), manifest(&registry, "4"));
    let said = world.run(&["rebase", &app("4"), "--base", &at("base:1"), "--publish", &app("4")], As::Nobody);
    assert!(said.done().out.contains("stands on"), "the user hears that nothing had to be done");
}

#[test]
fn what_is_no_apps_image_or_is_not_there_is_not_rebased() {
    let world = World::new(22);
    let registry = Misbehaving::new().holding_base(&Base::new("amd64")).holding_another();
    let at = |name: &str| format!("{}/{name}", registry.address);
    let target = name_at(&registry.address);
    let rebase =
        |image: &str, base: &str| world.run(&["rebase", image, "--base", base, "--publish", &target], As::Nobody);
    rebase(&at("base:1"), "oci:base").failed(7, &["not an image that stager made", "try: "]);
    rebase(&at("base:9"), "oci:base").failed(7, &["base:9", "try: "]);
    rebase(&at("base:1"), &at("rootfs:9")).failed(7, &["rootfs:9", "try: "]);
    rebase("my-app", "oci:base").failed(2, &["names no image in a registry", "try: "]);
    let words = ["rebase", &at("base:1"), "--base", "oci:base", "--ca", "ca.pem"];
    world.run(&words, As::Nobody).failed(2, &["--ca is for the registries", "try: "]);
    registry.assert_holds_the_other();
}
