//! An engine that goes wrong at a chosen point: it passes everything on to the real one, but for one kind of request.

use std::fs;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// What becomes of the request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// It is answered so, status line and JSON, by nobody who has understood it.
    Answers(&'static str, &'static str),
    /// The engine takes so many bytes of it, and is gone.
    Dies { after: usize },
    /// Nobody reads or answers it.
    Hangs,
    /// It reaches the real engine as through a thin wire.
    Crawls,
    /// None: it is only counted how many bytes go by.
    None,
}

/// Bytes that go through the thin wire at once, and how long one lot takes: some megabytes a second.
const LOT: usize = 64 << 10;
const TAKES: Duration = Duration::from_millis(20);

/// See the module's text.
pub(crate) struct Faulty {
    folder: TempDir,
    reached: Receiver<()>,
    sent: Arc<AtomicUsize>,
}

impl Faulty {
    /// A request whose line holds one of `what` meets the fault.
    pub(crate) fn at(what: &'static [&'static str], fault: Fault) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("engine")).unwrap();
        let (tells, reached) = mpsc::channel();
        let sent = Arc::<AtomicUsize>::default();
        let counter = Arc::clone(&sent);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), tells, counter) = (client, tells.clone(), Arc::clone(&counter)) else { return };
                // Whoever is cut off in the middle is not this engine's trouble.
                thread::spawn(move || serve(client, what, fault, &tells, &counter));
            }
        });
        Self { folder, reached, sent }
    }

    /// For `DOCKER_HOST`.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.folder.path().join("engine").display())
    }

    /// Bytes of requests that crawled, or met no fault.
    pub(crate) fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }

    /// Waits until the fault is met, and some of the request has come.
    pub(crate) fn wait(&self) {
        self.reached.recv_timeout(Duration::from_secs(60)).expect("nobody asked for it");
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.folder.path().join("engine"));
    }
}

fn real() -> PathBuf {
    let named = std::env::var("DOCKER_HOST").ok();
    let path = named.as_deref().and_then(|host| host.strip_prefix("unix://")).unwrap_or("/var/run/docker.sock");
    PathBuf::from(path)
}

fn serve(
    mut client: UnixStream,
    what: &[&str],
    fault: Fault,
    tells: &Sender<()>,
    counter: &AtomicUsize,
) -> io::Result<()> {
    let head = head(&mut client)?;
    let line = head.lines().next().unwrap_or_default();
    let fault = what.iter().any(|what| line.contains(what)).then_some(fault);
    match fault {
        None => return pass_on(&head, client, |from, to| io::copy(from, to).map(drop)),
        Some(Fault::Crawls | Fault::None) => {
            return pass_on(&head, client, |from, to| {
                let mut lot = vec![0; LOT];
                loop {
                    let length = from.read(&mut lot)?;
                    if length == 0 {
                        return Ok(());
                    }
                    to.write_all(&lot[..length])?;
                    counter.fetch_add(length, Ordering::SeqCst);
                    let _ = tells.send(());
                    if matches!(fault, Some(Fault::Crawls)) {
                        thread::sleep(TAKES);
                    }
                }
            });
        }
        Some(Fault::Answers(status, body)) => {
            let length = body.len();
            write!(
                client,
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
            )?;
            io::copy(&mut client, &mut io::sink())?;
        }
        Some(Fault::Dies { after }) => {
            io::copy(&mut Read::take(&client, after as u64), &mut io::sink())?;
        }
        Some(Fault::Hangs) => {
            let _ = tells.send(());
            thread::sleep(Duration::from_secs(600));
        }
    }
    Ok(())
}

/// The head of a request, to its empty line and not further.
fn head(client: &mut UnixStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// One request a connection, so that each is looked at.
fn pass_on(
    head: &str,
    client: UnixStream,
    send: impl FnOnce(&mut UnixStream, &mut UnixStream) -> io::Result<()> + Send,
) -> io::Result<()> {
    let engine = UnixStream::connect(real())?;
    let (mut from_client, mut to_engine) = (client.try_clone()?, engine.try_clone()?);
    let (mut from_engine, mut to_client) = (engine, client);
    write!(to_engine, "{}Connection: close\r\n\r\n", head.trim_end_matches("\r\n").to_owned() + "\r\n")?;
    thread::scope(|threads| {
        threads.spawn(move || {
            let outcome = send(&mut from_client, &mut to_engine);
            // A client that has gone ends the engine's work too.
            let _ = to_engine.shutdown(if outcome.is_ok() { Shutdown::Write } else { Shutdown::Both });
        });
        let _ = io::copy(&mut from_engine, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Both);
    });
    Ok(())
}
