//! A small HTTP server: answers what it is told to, and remembers what it was asked.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// Runs until the test ends.
#[derive(Clone)]
pub(crate) struct Server {
    scheme: &'static str,
    host: &'static str,
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    answers: Mutex<HashMap<String, (u16, Vec<u8>)>>,
    /// What is said of a path's body; of all others an ETag that changes with it.
    headers: Mutex<HashMap<String, String>>,
    requests: Mutex<Vec<Request>>,
    stalled: Mutex<Option<Stall>>,
}

/// A path whose answer waits for a test's word.
#[derive(Clone)]
pub(crate) struct Stall {
    path: String,
    turn: Arc<(Mutex<(bool, bool)>, Condvar)>,
}

impl Stall {
    /// Waits until somebody asks for it.
    pub(crate) fn wait_until_asked(&self) {
        let (turn, changed) = &*self.turn;
        drop(changed.wait_while(turn.lock().unwrap(), |(asked, _)| !*asked).unwrap());
    }

    /// Lets it be answered.
    pub(crate) fn go_on(&self) {
        let (turn, changed) = &*self.turn;
        turn.lock().unwrap().1 = true;
        changed.notify_all();
    }

    fn wait(&self) {
        let (turn, changed) = &*self.turn;
        let mut turn = turn.lock().unwrap();
        turn.0 = true;
        changed.notify_all();
        drop(changed.wait_while(turn, |(_, go_on)| !*go_on).unwrap());
    }
}

/// What somebody asked for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::serve("http", "127.0.0.1", State::answer)
    }

    /// Speaks TLS as `localhost`, with a certificate of an authority that nobody knows: its certificate in PEM form.
    pub(crate) fn start_tls() -> (Self, String) {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = Arc::new(config.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], key).unwrap());
        let server = Self::serve("https", "localhost", move |state, connection| {
            let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
            state.answer(StreamOwned::new(tls, connection))
        });
        (server, authority.pem())
    }

    fn serve(
        scheme: &'static str,
        host: &'static str,
        answer: impl Fn(&State, std::net::TcpStream) -> Option<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = Self { scheme, host, address, state: Arc::default() };
        let (state, answer) = (Arc::clone(&server.state), Arc::new(answer));
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (state, answer) = (Arc::clone(&state), Arc::clone(&answer));
                thread::spawn(move || answer(&state, connection));
            }
        });
        server
    }

    pub(crate) fn url(&self, target: &str) -> String {
        format!("{}://{}:{}{target}", self.scheme, self.host, self.address.port())
    }

    /// From now on `path` (without query) gets this answer; everything else gets 404.
    pub(crate) fn answers(&self, path: &str, status: u16, body: &[u8]) {
        self.state.answers.lock().unwrap().insert(path.to_owned(), (status, body.to_vec()));
    }

    /// From now on these header lines, each with its line end, tell of the body that `path` (without query) has; whoever
    /// gives one of their values back as a condition hears that nothing has changed.
    pub(crate) fn tells(&self, path: &str, headers: &str) {
        self.state.headers.lock().unwrap().insert(path.to_owned(), headers.to_owned());
    }

    /// Host and port.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// What `path` answers with.
    pub(crate) fn body(&self, path: &str) -> Vec<u8> {
        self.state.answers.lock().unwrap()[path].1.clone()
    }

    /// From now on `path` is answered when the test says so.
    pub(crate) fn stalls(&self, path: &str) -> Stall {
        let stall = Stall { path: path.to_owned(), turn: Arc::default() };
        *self.state.stalled.lock().unwrap() = Some(stall.clone());
        stall
    }

    /// What was asked with this method, in the order of arrival.
    pub(crate) fn asked(&self, method: &str) -> Vec<Request> {
        self.state.requests.lock().unwrap().iter().filter(|request| request.method == method).cloned().collect()
    }
}

impl State {
    fn answer(&self, mut connection: impl Read + Write) -> Option<()> {
        let request = read(&mut BufReader::new(&mut connection))?;
        let path = request.target.split('?').next()?.to_owned();
        let (status, body) =
            self.answers.lock().unwrap().get(&path).cloned().unwrap_or((404, b"nothing here".to_vec()));
        self.requests.lock().unwrap().push(request.clone());
        let stall = self.stalled.lock().unwrap().clone();
        if let Some(stall) = stall.filter(|stall| stall.path == path) {
            stall.wait();
        }
        let told = self.headers.lock().unwrap().get(&path).cloned();
        let told = told.unwrap_or_else(|| format!("ETag: {}\r\n", etag(&body)));
        let known = ["if-none-match", "if-modified-since"].iter().any(|name| {
            request.headers.get(*name).is_some_and(|value| told.lines().any(|line| line.ends_with(value.as_str())))
        });
        match status {
            200 if known => write(connection, 304, "", b"").ok(),
            200 => write(connection, 200, &told, &body).ok(),
            status => write(connection, status, "", &body).ok(),
        }
    }
}

fn read(from: &mut impl BufRead) -> Option<Request> {
    let mut lines = from.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let first = lines.next()?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let header = |line: String| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    let headers: HashMap<String, String> = lines.filter_map(header).collect();
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = Vec::new();
    from.take(length).read_to_end(&mut body).ok()?;
    Some(Request { method, target, headers, body })
}

/// As nginx makes them, of anything that differs.
fn etag(body: &[u8]) -> String {
    let sum: u32 = body.iter().fold(0, |sum: u32, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
    format!("\"{sum:x}-{:x}\"", body.len())
}

fn write(mut to: impl Write, status: u16, headers: &str, body: &[u8]) -> io::Result<()> {
    let length = body.len();
    write!(to, "HTTP/1.1 {status} Words\r\nContent-Length: {length}\r\n{headers}Connection: close\r\n\r\n")?;
    to.write_all(body)?;
    to.flush()
}
