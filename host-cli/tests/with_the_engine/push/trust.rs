//! Registries whose certificate is looked at: an engine does so everywhere but on loopback, host-cli there too. A network of the test's
//! own has an address of this machine that is not loopback.

use super::commands::said;
use super::images::{Image, ROOTFS, docker};
use crate::registry::{Recipe, Registry};
use std::fs;
use std::path::PathBuf;

/// A network that goes with its test, and a container on it: Podman takes an address there only while it is in use.
struct Network(String);

impl Network {
    fn new(name: &str) -> Self {
        let name = format!("stager-push-{}-{name}", std::process::id());
        let label = ["--label", "stager.kind=test"];
        docker(&[&["network", "create"], &label[..], &[&name]].concat());
        docker(&[&["run", "-d", "--name", &name, "--network", &name], &label[..], &[ROOTFS, "sleep", "600"]].concat());
        Self(name)
    }

    /// This machine's address on it.
    fn gateway(&self) -> String {
        docker(&["network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", &self.0])
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        docker(&["rm", "-f", &self.0]);
        docker(&["network", "rm", &self.0]);
    }
}

/// Where the engine looks for CAs, by the advice; elsewhere where the engine has a root file system of its own.
fn certs() -> PathBuf {
    PathBuf::from(std::env::var("STAGER_TEST_CERTS").unwrap_or_else(|_| "/etc/docker/certs.d".to_owned()))
}

/// What the advice asks for; it goes with its test.
struct TrustedCa(PathBuf);

impl TrustedCa {
    fn of(registry: &Registry) -> Self {
        let folder = certs().join(&registry.address);
        fs::create_dir_all(&folder).expect("this test tells the engine of a CA, which takes root");
        fs::write(folder.join("ca.crt"), &registry.ca).unwrap();
        Self(folder)
    }
}

impl Drop for TrustedCa {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
        // The folder above stays where others have put something into it.
        let _ = fs::remove_dir(certs());
    }
}

#[test]
fn a_ca_that_the_engine_does_not_know_is_told_with_the_place_where_it_wants_it_and_then_is_known() {
    let (network, image) = (Network::new("ca"), Image::small());
    let registry = Registry::with(Recipe { host: &network.gateway(), asks_who: false, tls: true });
    let reference = format!("{}/app:1", registry.address);
    let place = format!("/etc/docker/certs.d/{}/ca.crt", registry.address);
    let refused = said(&["push", "--by", "engine", &image.name, &reference], None);
    refused.failed(7, &["Docker does not trust the authority of ", "x509: ", &place]);
    let words = [
        "host-cli does not trust the authority of ",
        &place,
        "or leave it to the Docker Engine: `host-cli push --by engine`",
    ];
    said(&["push", &image.name, &reference], None).failed(7, &words);
    image.assert_named_as_before();
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    fs::write(&ca, &registry.ca).unwrap();
    said(&["push", "--ca", ca.to_str().unwrap(), &image.name, &reference], None).done();

    let _trusted = TrustedCa::of(&registry);
    said(&["push", "--by", "engine", &image.name, &reference], None).done();
}

#[test]
fn a_registry_without_tls_is_told_with_the_engines_own_setting_for_it() {
    let (network, image) = (Network::new("plain"), Image::small());
    let registry = Registry::with(Recipe { host: &network.gateway(), asks_who: false, tls: false });
    let reference = format!("{}/app:1", registry.address);
    let refused = said(&["push", "--by", "engine", &image.name, &reference], None);
    refused.failed(7, &["does not use TLS, and Docker requires it", "insecure-registries"]);
    let refused = said(&["push", &image.name, &reference], None);
    refused.failed(7, &["does not use TLS, and host-cli requires it", "`host-cli push --by engine`"]);
    image.assert_named_as_before();
}
