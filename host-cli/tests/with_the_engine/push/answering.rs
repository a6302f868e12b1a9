//! A registry that answers what a test wants.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What a request is answered with: a status line's end, headers and a body.
pub(crate) type Answer = (&'static str, String);

const TLS_HANDSHAKE: u8 = 22;
const NO_TLS: &[u8] = b"HTTP/1.0 400 Bad Request\r\n\r\nThis server speaks no TLS.\n";

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
                    // Newer engines try TLS on loopback too, and go on without where they are answered as Go's servers do.
                    if connection.fill_buf().is_ok_and(|first| first.first() == Some(&TLS_HANDSHAKE)) {
                        let _ = connection.get_mut().write_all(NO_TLS);
                        return;
                    }
                    while let Some((method, path)) = request(&mut connection) {
                        heard.lock().unwrap().push(format!("{method} {path}"));
                        if is_upload(&method, &path) {
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

/// Whether a layer comes with it: Docker's own store sends one by PATCH, containerd's by PUT.
pub(crate) fn is_upload(method: &str, path: &str) -> bool {
    ["PATCH", "PUT"].contains(&method) && path.contains("/blobs/uploads/")
}

/// The next request's method and path; its body is read and forgotten, unless it is a layer.
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
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    if !is_upload(&method, &path) {
        connection.read_exact(&mut vec![0; length]).ok()?;
    }
    Some((method, path))
}
