//! `host-cli image --publish` with real registries (Debian's `docker-registry`) and no engine: the address of one is given at
//! which nobody is. Of the engine's own root file system one test makes an image, which wants `stager-rootfs:cflinuxfs4`.

use crate::registry::{PASSWORD, Recipe, Registry, USER};
use crate::said::Said;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shared_model::event::Event;
use shared_model::hex::hex;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

const OPEN: Recipe<'_> = Recipe { host: "127.0.0.1", asks_who: false, tls: false };
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A droplet, a lifecycle and a root file system in a layout, for one test.
struct Place(TempDir);

fn tgz(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        tar.append_data(&mut header, name, *content).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut unpacked = Vec::new();
    MultiGzDecoder::new(bytes).read_to_end(&mut unpacked).unwrap();
    unpacked
}

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::write(place.path("droplet.tgz"), tgz(&[("app/run.sh", b"echo hello"), ("app/more", &vec![7; 3 << 20])]))
            .unwrap();
        fs::write(place.path("lifecycle.tgz"), tgz(&[("launcher", b"#!/bin/sh")])).unwrap();
        fs::create_dir_all(place.path("rootfs/blobs/sha256")).unwrap();
        let layer = tgz(&[("etc/passwd", b"vcap:x:2000:2000::/home/vcap:/bin/sh\n")]);
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
        let config = json!({
            "architecture": architecture, "os": "linux",
            "rootfs": { "type": "layers", "diff_ids": [digest(&unpacked(&layer))] },
        });
        let layer = place.blob("application/vnd.docker.image.rootfs.diff.tar.gzip", &layer);
        let config = place.blob("application/vnd.oci.image.config.v1+json", config.to_string().as_bytes());
        let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer] });
        let manifest = place.blob(MANIFEST, manifest.to_string().as_bytes());
        fs::write(place.path("rootfs/oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        let index = json!({ "schemaVersion": 2, "manifests": [manifest] });
        fs::write(place.path("rootfs/index.json"), index.to_string()).unwrap();
        place
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn blob(&self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = digest(bytes);
        fs::write(Path::new(&self.path("rootfs/blobs")).join(digest.replace(':', "/")), bytes).unwrap();
        json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
    }

    fn command(&self, base: &str, reference: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_host-cli"));
        command.args(["image", "--droplet", &self.path("droplet.tgz"), "--lifecycle", &self.path("lifecycle.tgz")]);
        command.args(["--base", base, "--publish", reference, "--output", "json"]).args(more);
        command.env("XDG_STATE_HOME", self.path("state")).env("DOCKER_CONFIG", "/nowhere").stdin(Stdio::null());
        command
    }

    /// Publishes where there is no engine.
    fn published(&self, base: &str, reference: &str) -> Said {
        let mut command = self.command(base, reference, &[]);
        command.env("DOCKER_HOST", "unix:///nowhere.sock").output().unwrap().into()
    }

    fn rootfs(&self) -> String {
        format!("oci:{}", self.path("rootfs"))
    }
}

/// The digest, and how many layers were sent and how many were there.
#[track_caller]
fn pushed(said: &Said) -> (String, u64, u64) {
    let pushed = said.events().into_iter().find_map(|event| match event {
        Event::Pushed { digest, layers_pushed, layers_existing, .. } => Some((digest, layers_pushed, layers_existing)),
        _ => None,
    });
    pushed.unwrap_or_else(|| panic!("nothing was pushed: {said:?}"))
}

/// What a registry without TLS and users answers; empty for what it has not.
fn get(registry: &Registry, path: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(&registry.address).unwrap();
    write!(stream, "GET /v2/{path} HTTP/1.0\r\nHost: {}\r\nAccept: {MANIFEST}\r\n\r\n", registry.address).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    if answer.starts_with(b"HTTP/1.0 200") { answer.split_off(head + 4) } else { Vec::new() }
}

#[test]
fn a_droplet_becomes_an_image_in_a_registry_where_there_is_no_engine() {
    let (place, registry) = (Place::new(), Registry::with(OPEN));
    let said = place.published(&place.rootfs(), &format!("{}/team/app:1", registry.address)).done();
    let (image, sent, there) = pushed(&said);
    assert_eq!((sent, there), (3, 0));
    let manifest = get(&registry, "team/app/manifests/1");
    assert_eq!(digest(&manifest), image);
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let blob =
        |descriptor: &Value| get(&registry, &format!("team/app/blobs/{}", descriptor["digest"].as_str().unwrap()));
    let config: Value = serde_json::from_slice(&blob(&manifest["config"])).unwrap();
    assert_eq!(config["config"]["Entrypoint"], json!(["/tmp/lifecycle/launcher"]));
    let layers = manifest["layers"].as_array().unwrap();
    let diff_ids: Vec<String> = layers.iter().map(|layer| digest(&unpacked(&blob(layer)))).collect();
    assert_eq!(json!(diff_ids), config["rootfs"]["diff_ids"]);
    let again = place.published(&place.rootfs(), &format!("{}/team/app:2", registry.address)).done();
    assert_eq!(pushed(&again), (image.clone(), 0, 3));
    let other = place.published(&place.rootfs(), &format!("{}/team/other:1", registry.address)).done();
    assert_eq!(pushed(&other), (image, 0, 3), "what was sent to a neighbour is mounted");
}

#[test]
fn a_base_in_a_registry_is_mounted_there_and_passes_through_to_another() {
    let (place, one, two) = (Place::new(), Registry::with(OPEN), Registry::with(OPEN));
    // An image will do for a root file system.
    let base = format!("{}/cf/rootfs:1", one.address);
    place.published(&place.rootfs(), &base).done();
    let same = place.published(&base, &format!("{}/team/app:1", one.address)).done();
    let (image, sent, there) = pushed(&same);
    assert_eq!((sent, there), (0, 5));
    let other = place.published(&base, &format!("{}/team/app:1", two.address)).done();
    assert_eq!(pushed(&other), (image, 5, 0));
    let missing = place.published(&format!("{}/cf/none:1", one.address), &format!("{}/a/b:1", two.address));
    assert_eq!(missing.code, Some(7));
    assert!(missing.out.contains("has no such image"), "{missing:?}");
}

#[test]
fn a_registry_with_tls_and_users_is_published_to_with_a_ca_and_a_password() {
    let registry = Registry::with(Recipe { host: "127.0.0.1", asks_who: true, tls: true });
    let place = Place::new();
    fs::write(place.path("ca.pem"), &registry.ca).unwrap();
    let (reference, ca) = (format!("{}/team/app:1", registry.address), place.path("ca.pem"));
    let with = |words: &[&str], password: &str| -> Said {
        let mut command = place.command(&place.rootfs(), &reference, words);
        command.env("DOCKER_HOST", "unix:///nowhere.sock").stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
        child.wait_with_output().unwrap().into()
    };
    let login = ["--username", USER, "--password-stdin"];
    let untrusted = with(&login, PASSWORD);
    assert!(untrusted.code == Some(7) && untrusted.out.contains("certificate"), "{untrusted:?}");
    let trusting = [&["--ca", &ca], &login[..]].concat();
    let wrong = with(&trusting, "wrong");
    assert!(wrong.code == Some(7) && wrong.out.contains("does not accept the login"), "{wrong:?}");
    assert_eq!(pushed(&with(&trusting, PASSWORD).done()).1, 3);
}

#[test]
fn a_base_of_the_engine_makes_the_same_image_each_time() {
    let (place, registry) = (Place::new(), Registry::with(OPEN));
    let published = |name: &str, state: &str| {
        let mut command = place.command("stager-rootfs:cflinuxfs4", &format!("{}/{name}", registry.address), &[]);
        command.env("XDG_STATE_HOME", place.path(state));
        pushed(&Said::from(command.output().unwrap()).done())
    };
    let (image, sent, _) = published("team/app:1", "state");
    assert!(sent >= 3, "{sent}");
    // Who remembers nothing compresses it anew.
    assert_eq!(published("other/app:1", "elsewhere").0, image);
}
