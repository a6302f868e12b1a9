//! Registries: Debian's `docker-registry` as a process, and a server that answers what a test wants.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::json;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
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
fn certificate_for(host: &str) -> (String, String, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "a CA that nobody knows");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec![host.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    (authority.pem(), own.pem(), key.serialize_pem())
}

/// What a request is answered with: a status line's end, headers and a body.
pub(crate) type Answer = (&'static str, String);

/// A server that answers as it is told, by method and path; `/v2/` is always fine. A layer that is sent it swallows, so slowly
/// that it takes minutes.
pub(crate) struct Answering {
    pub(crate) address: String,
    /// The requests so far: `GET /v2/`.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
    /// Hears of each layer that the engine has stopped sending.
    pub(crate) given_up: Receiver<()>,
}

impl Answering {
    pub(crate) fn with(answer: impl Fn(&str, &str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (tells, given_up) = mpsc::channel();
        let (answer, heard) = (Arc::new(answer), Arc::clone(&asked));
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (answer, heard, tells) = (Arc::clone(&answer), Arc::clone(&heard), tells.clone());
                thread::spawn(move || {
                    let mut connection = BufReader::new(connection.unwrap());
                    while let Some((method, path)) = request(&mut connection) {
                        heard.lock().unwrap().push(format!("{method} {path}"));
                        if method == "PATCH" {
                            swallow_slowly(&mut connection);
                            let _ = tells.send(());
                            return;
                        }
                        let (status, body) =
                            if path == "/v2/" { ("200 OK", "{}".to_owned()) } else { answer(&method, &path) };
                        let (headers, body) = body.split_once("\n\n").unwrap_or(("", &body));
                        let shown = if method == "HEAD" { "" } else { body };
                        let headers = if headers.is_empty() { String::new() } else { format!("{headers}\r\n") };
                        let text = format!(
                            "HTTP/1.1 {status}\r\nDocker-Distribution-Api-Version: registry/2.0\r\n{headers}Content-Length: {}\r\n\r\n{shown}",
                            body.len()
                        );
                        if connection.get_mut().write_all(text.as_bytes()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, asked, given_up }
    }
}

fn swallow_slowly(connection: &mut BufReader<TcpStream>) {
    while connection.read(&mut [0; 8 << 10]).is_ok_and(|length| length > 0) {
        thread::sleep(Duration::from_millis(50));
    }
}

/// The next request's method and path; its body is read and forgotten.
fn request(connection: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let mut first = String::new();
    connection.read_line(&mut first).ok().filter(|length| *length > 0)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).ok()?;
        let line = line.trim().to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    connection.read_exact(&mut vec![0; length]).ok()?;
    let mut words = first.split(' ');
    Some((words.next()?.to_owned(), words.next()?.to_owned()))
}
