//! Registries that are as they should be: Debian's `docker-registry`, in every way in which it lets somebody in.

use super::images::{MANIFEST, assert_whole};
use super::misbehaving::Misbehaving;
use super::misbehaving::door::{Door, Tokens};
use super::token_server::TokenServer;
use super::world::{As, World, name_at};
use crate::registry::{PASSWORD, Recipe, Registry, USER, certificate_for};
use crate::said::Said;
use serde_json::json;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

fn recipe(host: &str) -> Recipe<'_> {
    Recipe { host, asks_who: false, tls: false }
}

fn publish(world: &World, registry: &Registry, more: &[&str], who: As) -> Said {
    world.publish_with(&name_at(&registry.address), "oci:base", more, who)
}

#[track_caller]
fn skopeo_copies(world: &World, more: &[&str], from: &str, to: &str) {
    let mut command = Command::new("skopeo");
    // Else it remembers in a place for all, as root.
    command.env("_CONTAINERS_ROOTLESS_UID", "1").env("XDG_DATA_HOME", world.path("skopeo"));
    let output = command.args(["copy", "--quiet", "--insecure-policy"]).args(more).args([from, to]).output();
    let output = output.expect("these tests need skopeo; ci/setup installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What skopeo gets from there is whole.
#[track_caller]
fn assert_has_it(world: &World, registry: &Registry, more: &[&str]) {
    if registry.address.starts_with('[') {
        return; // skopeo takes no such name
    }
    let copied = world.path("copied");
    let from = format!("docker://{}", name_at(&registry.address));
    skopeo_copies(world, more, &from, &format!("oci:{}:1", copied.display()));
    let index: serde_json::Value = serde_json::from_slice(&fs::read(copied.join("index.json")).unwrap()).unwrap();
    let blob = |digest: &str| fs::read(copied.join("blobs/sha256").join(digest.trim_start_matches("sha256:"))).ok();
    let manifest = blob(index["manifests"][0]["digest"].as_str().unwrap()).unwrap();
    assert_whole(&(MANIFEST.to_owned(), manifest), blob);
    fs::remove_dir_all(copied).unwrap();
}

#[test]
fn a_registry_on_loopback_needs_no_tls_by_either_kind_of_address() {
    for host in ["127.0.0.1", "::1"] {
        let (world, registry) = (World::new(6), Registry::with(recipe(host)));
        publish(&world, &registry, &[], As::Nobody).done();
        assert_has_it(&world, &registry, &["--src-tls-verify=false"]);
    }
}

#[test]
fn a_registry_that_asks_for_a_password_gets_it() {
    let (world, registry) = (World::new(6), Registry::new());
    publish(&world, &registry, &[], As::Nobody).failed(7, &["login", "try: "]);
    publish(&world, &registry, &[], As::Stranger).failed(7, &[USER, "try: "]);
    publish(&world, &registry, &[], As::User).done();
    assert_has_it(&world, &registry, &["--src-tls-verify=false", "--src-creds", &format!("{USER}:{PASSWORD}")]);
}

#[test]
fn a_registry_that_asks_for_a_token_gets_one() {
    let (world, tokens) = (World::new(6), TokenServer::new());
    let bundle = world.path("tokens.pem").display().to_string();
    let registry = Registry::changed(recipe("127.0.0.1"), |config| config["auth"] = tokens.auth(&bundle));
    publish(&world, &registry, &[], As::Nobody).failed(7, &["login", "try: "]);
    publish(&world, &registry, &[], As::Stranger).failed(7, &[USER, "try: "]);
    publish(&world, &registry, &[], As::User).done();
    assert_has_it(&world, &registry, &["--src-tls-verify=false", "--src-creds", &format!("{USER}:{PASSWORD}")]);
    let scopes = tokens.scopes.lock().unwrap();
    assert!(scopes.iter().any(|scope| scope == "repository:team/app:pull,push"), "{scopes:?}");
}

#[test]
fn an_authority_that_nobody_knows_is_refused_until_it_is_named() {
    for host in ["127.0.0.1", "::1"] {
        let (world, registry) = (World::new(6), Registry::with(Recipe { tls: true, ..recipe(host) }));
        publish(&world, &registry, &[], As::Nobody).failed(7, &["authority", "--ca"]);
        fs::write(world.path("ca.pem"), &registry.ca).unwrap();
        publish(&world, &registry, &["--ca", "ca.pem"], As::Nobody).done();
        assert_has_it(&world, &registry, &["--src-tls-verify=false"]);
    }
}

#[test]
fn a_registry_that_asks_for_a_certificate_says_so_and_gets_the_one_that_docker_would_show() {
    let (world, (authority, certificate, key)) = (World::new(6), certificate_for("client"));
    fs::write(world.path("clients.pem"), authority).unwrap();
    let clients = world.path("clients.pem").display().to_string();
    let recipe = Recipe { tls: true, ..recipe("127.0.0.1") };
    let registry = Registry::changed(recipe, |config| config["http"]["tls"]["clientcas"] = json!([clients]));
    let folder = world.path(".docker/certs.d").join(&registry.address);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("ca.crt"), &registry.ca).unwrap();
    publish(&world, &registry, &[], As::Nobody).failed(7, &["asks for a client certificate", "try: ", "certs.d"]);
    for (name, content) in [("client.cert", certificate), ("client.key", key)] {
        fs::write(folder.join(name), content).unwrap();
    }
    publish(&world, &registry, &[], As::Nobody).done();
    assert_has_it(&world, &registry, &["--src-cert-dir", folder.to_str().unwrap()]);
}

#[test]
fn the_same_files_are_the_same_image_from_another_home_and_another_registry() {
    let digests: Vec<String> = (0..2)
        .map(|_| {
            let (world, registry) = (World::new(6), Registry::with(recipe("127.0.0.1")));
            let said = publish(&world, &registry, &[], As::Nobody).done();
            let (_, digest) = said.out.rsplit_once("@sha256:").unwrap_or_else(|| panic!("{said:?}"));
            digest.chars().take_while(char::is_ascii_hexdigit).collect()
        })
        .collect();
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn the_registry_of_these_tests_takes_and_gives_images_as_debians_does() {
    let (world, there) = (World::new(6), Misbehaving::behind(Door::Tokens(Tokens::default())));
    let (base, copied) = (format!("oci:{}", world.path("base").display()), world.path("copied"));
    let name = format!("docker://{}", name_at(&there.address));
    let login = format!("{USER}:{PASSWORD}");
    skopeo_copies(&world, &["--dest-tls-verify=false", "--dest-creds", &login], &base, &name);
    let from = ["--src-tls-verify=false", "--src-creds", &login, "--dest-oci-accept-uncompressed-layers"];
    skopeo_copies(&world, &from, &name, &format!("oci:{}:1", copied.display()));
    let blobs = |folder: PathBuf| fs::read_dir(folder.join("blobs/sha256")).unwrap().count();
    assert_eq!(blobs(copied), blobs(world.path("base")));
}
