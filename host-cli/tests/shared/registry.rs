//! Debian's `docker-registry` as a process.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::{Value, json};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Who may push to a [`Registry`] that asks.
pub(crate) const USER: &str = "pusher";
pub(crate) const PASSWORD: &str = "s3cret-of-the-push-tests?>~";
/// `pusher:` and that password, hashed by bcrypt.
const HTPASSWD: &str = include_str!("htpasswd");

/// A real registry; it ends with its test.
pub(crate) struct Registry {
    process: Child,
    /// `HOST:PORT`.
    pub(crate) address: String,
    /// The CA that signed its certificate, in PEM; empty without TLS.
    pub(crate) ca: String,
    _folder: tempfile::TempDir,
}

/// How a registry is to be.
#[derive(Clone, Copy)]
pub(crate) struct Recipe<'a> {
    pub(crate) host: &'a str,
    pub(crate) asks_who: bool,
    pub(crate) tls: bool,
}

impl Registry {
    /// One on loopback that asks who pushes, without TLS.
    pub(crate) fn new() -> Self {
        Self::with(Recipe { host: "127.0.0.1", asks_who: true, tls: false })
    }

    pub(crate) fn with(recipe: Recipe<'_>) -> Self {
        Self::changed(recipe, |_| {})
    }

    /// One whose configuration is changed before it starts.
    pub(crate) fn changed(recipe: Recipe<'_>, change: impl FnOnce(&mut Value)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let address = TcpListener::bind((recipe.host, 0)).unwrap().local_addr().unwrap().to_string();
        // Its YAML may be JSON.
        let mut config = json!({
            "version": 0.1,
            "log": { "level": "error", "accesslog": { "disabled": true } },
            "storage": { "filesystem": { "rootdirectory": path("data") } },
            "http": { "addr": address, "secret": "x" },
        });
        if recipe.asks_who {
            fs::write(path("htpasswd"), HTPASSWD).unwrap();
            config["auth"] = json!({ "htpasswd": { "realm": "tests", "path": path("htpasswd") } });
        }
        let mut ca = String::new();
        if recipe.tls {
            let (authority, certificate, key) = certificate_for(recipe.host);
            fs::write(path("cert.pem"), certificate).unwrap();
            fs::write(path("key.pem"), key).unwrap();
            config["http"]["tls"] = json!({ "certificate": path("cert.pem"), "key": path("key.pem") });
            ca = authority;
        }
        change(&mut config);
        fs::write(path("config.yml"), config.to_string()).unwrap();
        let mut command = Command::new("docker-registry");
        command.args(["serve", &path("config.yml")]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().expect("these tests need Debian's docker-registry; ci/setup installs it");
        let mut registry = Self { process, address, ca, _folder: folder };
        registry.wait();
        registry
    }

    fn wait(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(&self.address).is_err() {
            assert_eq!(self.process.try_wait().unwrap(), None, "docker-registry ended at once");
            assert!(Instant::now() < deadline, "docker-registry does not listen at {}", self.address);
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A CA of its own, and a certificate of it with its key.
pub(crate) fn certificate_for(host: &str) -> (String, String, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "a CA that nobody knows");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec![host.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    (authority.pem(), own.pem(), key.serialize_pem())
}
