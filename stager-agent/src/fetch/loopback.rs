//! For tests: an HTTP server on the loopback that behaves as badly as it is told to, with or without TLS, and an
//! audience that remembers events.

mod proxy;

pub(crate) use proxy::TestProxy;

use super::Http;
use http_client::{Client, Proxies, Timeouts, Trust, Verify};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use shared_model::event::{Event, EventSink};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What a client asked. Header names are in lower case.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// `GET`.
    pub(crate) method: String,
    /// With its query.
    pub(crate) path: String,
    /// Of several the last.
    pub(crate) headers: HashMap<String, String>,
}

/// A connection, encrypted or not.
pub(crate) trait Connection: Read + Write {}
impl<T: Read + Write> Connection for T {}

/// Answers: what was asked, which request of this server it is (from 0), and the connection to answer on. What the
/// client sends as body is still to be read.
pub(crate) trait Handler: Fn(&Received, usize, &mut dyn Connection) + Send + Sync + 'static {}
impl<T: Fn(&Received, usize, &mut dyn Connection) + Send + Sync + 'static> Handler for T {}

/// A server that lives as long as the test.
pub(crate) struct Server {
    /// `http://127.0.0.1:1234`, without a slash at its end.
    pub(crate) url: String,
    /// Everything asked so far.
    pub(crate) asked: Arc<Mutex<Vec<Received>>>,
}

impl Server {
    /// One that speaks plain HTTP.
    pub(crate) fn plain(answer: impl Handler) -> Self {
        Self::start("http://127.0.0.1", answer, |socket| Box::new(socket))
    }

    /// One that speaks TLS under the name `localhost`.
    pub(crate) fn tls(authority: &TestAuthority, answer: impl Handler) -> Self {
        Self::encrypted(authority.server_config(WebPkiClientVerifier::no_client_auth()), answer)
    }

    /// One that speaks TLS with those alone who show a certificate of `authority`.
    pub(crate) fn exclusive(authority: &TestAuthority, answer: impl Handler) -> Self {
        Self::encrypted(authority.server_config(authority.verifier()), answer)
    }

    fn encrypted(config: Arc<ServerConfig>, answer: impl Handler) -> Self {
        Self::start("https://localhost", answer, move |socket| {
            Box::new(StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), socket))
        })
    }

    fn start(
        base: &str,
        answer: impl Handler,
        wrap: impl Fn(TcpStream) -> Box<dyn Connection> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("{base}:{}", listener.local_addr().unwrap().port());
        let asked: Arc<Mutex<Vec<Received>>> = Arc::default();
        let (count, log) = (AtomicUsize::new(0), Arc::clone(&asked));
        let shared = Arc::new((answer, wrap, count, log));
        thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    let (answer, wrap, count, log) = &*shared;
                    let mut connection = wrap(socket);
                    let Some(asked) = read_head(&mut *connection) else { return };
                    log.lock().unwrap().push(asked.clone());
                    answer(&asked, count.fetch_add(1, Ordering::SeqCst), &mut *connection);
                });
            }
        });
        Self { url, asked }
    }

    /// How often it was asked.
    pub(crate) fn requests(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

fn read_head(connection: &mut dyn Connection) -> Option<Received> {
    // Byte by byte, so that the body stays unread.
    let mut lines = BufReader::with_capacity(1, connection).lines().map_while(Result::ok);
    let first = lines.next()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let headers = lines.take_while(|line| !line.is_empty());
    let headers = headers.filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_ascii_lowercase(), value.to_owned()))
    });
    Some(Received { method, path, headers: headers.collect() })
}

/// Answers with a status and a body of the right length.
pub(crate) fn answer(connection: &mut dyn Connection, status: u16, headers: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {status} Whatever\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    // In one piece: the second of two may still wait in the kernel when the connection is reset behind it.
    let _ = connection.write_all(&[head.as_bytes(), body].concat());
    let _ = connection.flush();
}

/// A self-made authority with a server certificate for `localhost`.
pub(crate) struct TestAuthority {
    /// Its own certificate as PEM.
    pub(crate) pem: String,
    issuer: CertifiedIssuer<'static, KeyPair>,
    server: (CertificateDer<'static>, Vec<u8>),
}

impl TestAuthority {
    /// Makes one whose server is called `name`.
    pub(crate) fn for_host(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, format!("authority of {name}"));
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        Self { pem: issuer.pem(), server: (server.der().clone(), key.serialize_der()), issuer }
    }

    /// One whose own certificate is that of the server `name`, as one `openssl req -x509` makes it.
    pub(crate) fn self_signed(name: &str) -> Self {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { pem: issuer.pem(), server: (issuer.der().clone(), issuer.key().serialize_der()), issuer }
    }

    /// A client's certificate with `key`, as PEM.
    pub(crate) fn certificate_of_client(&self, key: &KeyPair) -> String {
        CertificateParams::new(vec!["client".to_owned()]).unwrap().signed_by(key, &self.issuer).unwrap().pem()
    }

    fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap()
    }

    fn server_config(&self, verifier: Arc<dyn ClientCertVerifier>) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::try_from(self.server.1.clone()).unwrap();
        let builder = builder.with_client_cert_verifier(verifier);
        Arc::new(builder.with_single_cert(vec![self.server.0.clone()], key).unwrap())
    }
}

/// A client that trusts these files and is quick with its next try.
pub(crate) fn client(files: Vec<PathBuf>, verify: Verify) -> Http {
    through(Proxies::default(), files, verify)
}

/// A client that goes through these proxies.
pub(crate) fn through(proxies: Proxies, files: Vec<PathBuf>, verify: Verify) -> Http {
    let timeouts = Timeouts { back_off: Duration::from_millis(5), ..Timeouts::default() };
    Http::from_client(Client::through(proxies, &Trust { files, folder: None, verify, own: None }, timeouts).unwrap())
}

/// A client that gives up when nothing moves for so long.
pub(crate) fn impatient(idle: Duration) -> Http {
    let timeouts = Timeouts { back_off: Duration::from_millis(5), idle, ..Timeouts::default() };
    Http::from_client(
        Client::through(
            Proxies::default(),
            &Trust { files: Vec::new(), folder: None, verify: Verify::Skip, own: None },
            timeouts,
        )
        .unwrap(),
    )
}

/// Remembers what is said.
#[derive(Default)]
pub(crate) struct Audience(Mutex<Vec<Event>>);

impl EventSink for Audience {
    fn emit(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

impl Audience {
    /// Everything said, as JSON lines.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(Event::to_json_line).collect()
    }

    /// The events of a name: `retrying`.
    pub(crate) fn heard_of(&self, name: &str) -> Vec<String> {
        let wanted = format!("{{\"event\":\"{name}\"");
        self.heard().into_iter().filter(|line| line.starts_with(&wanted)).collect()
    }
}
