//! TLS to an engine, for two libraries that cannot speak it with rustls: they connect to a socket of ours, and what goes
//! over it is copied to a TLS connection of its own, each direction to its end.
//!
//! The libraries' own way, OpenSSL, was measured against it: see "Decisions" in docs/architecture.md. The socket has a random name in
//! the abstract name space and serves this process only, so that nothing lies in the file system and nothing stays behind.

use super::endpoint::{TlsFiles, host_of};
use super::tls_error;
use crate::engine::EngineError;
use crate::engine::connect_error::{ConnectError, TlsError};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use shared_model::hex::hex;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener as BlockingListener};
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long a connection may take to be made, handshake included.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes that are copied at once: as many as a few TLS records hold.
const PIECE: usize = 64 << 10;
/// Before the next try to accept a connection, when this process has too many files open.
const POLL: Duration = Duration::from_millis(50);

/// What went wrong on the other side of the tunnel last: the near side only sees that it was hung up on.
#[derive(Clone, Debug, Default)]
pub(super) struct LastError(Arc<Mutex<Option<EngineError>>>);

impl LastError {
    /// Gives away what went wrong since the last call.
    pub(super) fn take(&self) -> Option<EngineError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, error: EngineError) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }
}

/// The far end of the tunnel.
struct FarEnd {
    /// `host:port`.
    authority: String,
    /// The address, for people.
    shown: String,
    name: ServerName<'static>,
    connector: TlsConnector,
    files: TlsFiles,
    patience: Duration,
    last_error: LastError,
    /// Whether it has ever answered, which it does only to those whose certificate it takes.
    answers: AtomicBool,
}

/// Opens the tunnel on the current runtime, which it lives as long as. Gives the socket's path, and where to ask what went
/// wrong. `authority` is `host:port`, `shown` the address for people.
pub(super) fn open(
    authority: &str,
    shown: &str,
    files: TlsFiles,
    patience: Duration,
) -> Result<(PathBuf, LastError), ConnectError> {
    let name = ServerName::try_from(host_of(authority).to_owned()).map_err(|_| ConnectError::Tls {
        address: shown.to_owned(),
        wrong: TlsError::Other { reason: "no certificate can be for such a host name".to_owned() },
    })?;
    let config: ClientConfig = files.load()?;
    let (path, listener) = listen().map_err(|cause| ConnectError::Tunnel { cause })?;
    let last_error = LastError::default();
    let far = FarEnd {
        authority: authority.to_owned(),
        shown: shown.to_owned(),
        name,
        connector: TlsConnector::from(Arc::new(config)),
        files,
        patience,
        last_error: last_error.clone(),
        answers: AtomicBool::new(false),
    };
    tokio::spawn(serve(listener, Arc::new(far)));
    Ok((path, last_error))
}

fn listen() -> io::Result<(PathBuf, UnixListener)> {
    let mut random = [0; 16];
    rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
    let name = format!("host-cli-{}", hex(&random));
    let listener = BlockingListener::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
    listener.set_nonblocking(true)?;
    Ok((format!("\0{name}").into(), UnixListener::from_std(listener)?))
}

async fn serve(listener: UnixListener, far: Arc<FarEnd>) {
    loop {
        let Ok((near, _)) = listener.accept().await else {
            tokio::time::sleep(POLL).await;
            continue;
        };
        // The abstract name space is open to all users of the machine; the key that is used here is ours alone.
        let ours =
            near.peer_cred().ok().and_then(|who| who.pid()).is_some_and(|pid| pid.unsigned_abs() == process::id());
        if ours {
            let far = Arc::clone(&far);
            tokio::spawn(async move { far.forward(near).await });
        }
    }
}

impl FarEnd {
    async fn forward(&self, near: UnixStream) {
        let reached = tokio::time::timeout(self.patience, self.connect()).await;
        match reached.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut))) {
            Ok(connection) => self.copy(near, connection).await,
            Err(error) => self.last_error.put(self.explain(&error)),
        }
    }

    async fn connect(&self) -> io::Result<TlsStream<TcpStream>> {
        let socket = TcpStream::connect(&self.authority).await?;
        socket.set_nodelay(true)?;
        self.connector.connect(self.name.clone(), socket).await
    }

    /// Copies both ways until the engine has said its last word. The end of what we send is passed on and ends nothing: a
    /// container reads its input to that end and answers after it.
    async fn copy(&self, near: UnixStream, far: TlsStream<TcpStream>) {
        let (from_us, mut to_us) = near.into_split();
        let (mut from_engine, to_engine) = tokio::io::split(far);
        let mut sent = tokio::spawn(copy_to_end(from_us, to_engine));
        let mut buffer = vec![0; PIECE];
        let end = loop {
            match from_engine.read(&mut buffer).await {
                Ok(0) => break None,
                Ok(length) => {
                    self.answers.store(true, Ordering::Relaxed);
                    if to_us.write_all(&buffer[..length]).await.is_err() {
                        break None; // Nobody reads it any more.
                    }
                }
                Err(error) => break Some(error),
            }
        };
        match end {
            Some(error) if tls_error::cause(&error).is_some() => self.last_error.put(self.explain(&error)),
            // With TLS 1.3 the handshake is over before the engine looks at our certificate.
            _ if !self.answers.load(Ordering::Relaxed) && !sent.is_finished() => {
                self.last_error.put(self.tls(TlsError::HungUp { shown: self.files.shown().map(Into::into) }));
            }
            _ => {}
        }
        sent.abort();
        let _ = (&mut sent).await; // Its half must be gone before the near side is told.
    }

    fn explain(&self, error: &io::Error) -> EngineError {
        match tls_error::cause(error) {
            Some(tls) => self.tls(tls_error::explain(tls, &self.files)),
            None if error.kind() == io::ErrorKind::UnexpectedEof => self.tls(TlsError::Plain),
            None => EngineError::Unreachable { address: self.shown.clone(), reason: error.to_string() },
        }
    }

    fn tls(&self, wrong: TlsError) -> EngineError {
        EngineError::Connect(ConnectError::Tls { address: self.shown.clone(), wrong })
    }
}

/// Copies to the end and passes the end on.
async fn copy_to_end(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
    let mut buffer = vec![0; PIECE];
    while let Ok(length) = from.read(&mut buffer).await {
        if length == 0 {
            let _ = to.shutdown().await; // The engine's own word, or the lack of it, tells the near side.
            return;
        }
        if to.write_all(&buffer[..length]).await.is_err() || to.flush().await.is_err() {
            break;
        }
    }
    // The engine takes no more, and its answer says why.
    std::future::pending::<()>().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::docker::endpoint;
    use crate::engine::docker::tls_engine::{Behind, Recipe, TlsEngine};
    use std::os::unix::ffi::OsStrExt;
    use std::process::Command;
    use tokio::runtime::Runtime;

    const SHORT: Duration = Duration::from_millis(50);

    /// A tunnel to an engine that accepts and says nothing.
    fn opened(patience: Duration) -> (Runtime, PathBuf, LastError, TlsEngine) {
        let engine = TlsEngine::new(&Recipe { behind: Behind::Silence, ..Recipe::default() });
        let files = endpoint::choose(&engine.environment()).unwrap().tls.unwrap();
        let runtime = Runtime::new().unwrap();
        let (path, last_error) =
            runtime.block_on(async { open(&engine.authority, "tcp://engine", files, patience) }).unwrap();
        (runtime, path, last_error, engine)
    }

    #[test]
    fn an_engine_that_never_answers_is_given_up_on_and_named() {
        let (runtime, path, last_error, _engine) = opened(SHORT);
        runtime.block_on(async {
            let mut near = UnixStream::connect(path).await.unwrap();
            assert_eq!(near.read(&mut [0]).await.unwrap(), 0);
        });
        assert_eq!(
            last_error.take().unwrap().to_string(),
            "cannot connect to the Docker Engine at tcp://engine: timed out"
        );
        assert!(last_error.take().is_none());
    }

    #[test]
    fn another_process_is_hung_up_on_at_once() {
        let (_runtime, path, last_error, _engine) = opened(PATIENCE);
        let name = String::from_utf8(path.as_os_str().as_bytes()[1..].to_vec()).unwrap();
        let script =
            "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect('\\0' + sys.argv[1]); print(s.recv(1))";
        let said = Command::new("python3").args(["-c", script, &name]).output().unwrap();
        assert_eq!(String::from_utf8(said.stdout).unwrap(), "b''\n", "{}", String::from_utf8_lossy(&said.stderr));
        assert!(last_error.take().is_none());
    }
}
