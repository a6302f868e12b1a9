//! The connection under a request, watched for what the HTTP library does not do: tell who is at its other end, see
//! whether more came than a body that was read to its end, hear an answer that comes before a body is sent whole, leave
//! who moves too little, and name the whole URL to a proxy that passes plain HTTP on.

use crate::pace::{Pace, WINDOW};
use crate::tls_connector;
use rustls::ClientConfig;
use std::fmt::Debug;
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};
use ureq::{Error, Timeout};

/// How it is told that too little moved: we set no time of this kind, so nobody else says so.
pub(crate) const TOO_SLOW: Timeout = Timeout::Global;

/// Makes the connection of one request.
#[derive(Debug)]
pub(crate) struct WatchedConnector {
    /// Makes the connection itself.
    pub(crate) connector: SharedConnector,
    /// Is told of the connection.
    pub(crate) connection: ConnectionHandle,
    /// How fast it is to be; `None`: that is all one.
    pub(crate) pace: Option<Pace>,
    /// `http://host:port`, which a proxy finds in front of the path; `None`: it is not asked through a proxy, or
    /// through a tunnel.
    pub(crate) whole_url: Option<String>,
}

/// What all requests share: it keeps what all TLS connections need.
#[derive(Clone, Debug)]
pub(crate) struct SharedConnector(Arc<dyn Connector<(), Out = Box<dyn Transport>>>);

impl SharedConnector {
    /// One that speaks TLS like this.
    pub(crate) fn new(tls: Arc<ClientConfig>) -> Self {
        Self(Arc::new(Boxed(tls_connector::connector(tls))))
    }
}

/// Forgets which kind of connection it makes.
#[derive(Debug)]
struct Boxed<C>(C);

impl<C: Connector<()>> Connector<()> for Boxed<C> {
    type Out = Box<dyn Transport>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<()>) -> Result<Option<Self::Out>, Error> {
        Ok(self.0.connect(details, chained)?.map(|transport| -> Box<dyn Transport> { Box::new(transport) }))
    }
}

/// What is known of a connection: who is at its other end, and once the library is done with it, whether more came than
/// was read. Clones are of the same connection.
#[derive(Clone, Debug, Default)]
pub struct ConnectionHandle(Arc<ConnectionState>);

#[derive(Debug, Default)]
struct ConnectionState {
    peer: OnceLock<SocketAddr>,
    has_more: OnceLock<bool>,
}

/// A connection that is watched.
#[derive(Debug)]
pub(crate) struct WatchedTransport {
    inner: Box<dyn Transport>,
    connection: ConnectionHandle,
    whole_url: Option<String>,
    pace: Option<Pace>,
    head_is_sent: bool,
    deaf: bool,
    /// Whether nothing came since something was sent: the other side may think about that, as long as a pause may be.
    thinks: bool,
}

impl Connector<()> for WatchedConnector {
    type Out = WatchedTransport;

    fn connect(&self, details: &ConnectionDetails, chained: Option<()>) -> Result<Option<WatchedTransport>, Error> {
        let inner = self.connector.0.connect(details, chained)?;
        if let Some(peer) = inner.as_ref().and_then(peer) {
            let _ = self.connection.0.peer.set(peer); // through a tunnel the second time: the same
        }
        let (connection, whole_url, pace) = (self.connection.clone(), self.whole_url.clone(), self.pace);
        let (head_is_sent, deaf, thinks) = (false, false, false);
        Ok(inner.map(|inner| WatchedTransport { inner, connection, whole_url, pace, head_is_sent, deaf, thinks }))
    }
}

impl Transport for WatchedTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, mut amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if let Some(url) = self.whole_url.take() {
            amount = insert(self.inner.buffers().output(), amount, &url)?;
        }
        if self.deaf {
            return Ok(());
        }
        self.thinks = true;
        let began = Instant::now();
        match self.inner.transmit_output(amount, timeout) {
            // It hung up before it had heard all. Its reason, such as 503 or 413, may have come before that: let the
            // library read it.
            Err(Error::Io(error)) if self.head_is_sent && hung_up(&error) => self.deaf = true,
            sent => sent?,
        }
        self.head_is_sent = true;
        self.moved(began, amount)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let Some(pace) = &mut self.pace else { return self.inner.await_input(timeout) };
        let (began, had) = (Instant::now(), self.inner.buffers().input().len());
        let came = self.inner.await_input(sooner(timeout))?;
        if mem::take(&mut self.thinks) {
            pace.turn();
        } else {
            let has = self.inner.buffers().input().len();
            self.moved(began, has.saturating_sub(had))?;
        }
        Ok(came)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

impl WatchedTransport {
    /// After a wait since `began` so many bytes moved.
    fn moved(&mut self, began: Instant, bytes: usize) -> Result<(), Error> {
        let is_kept = self.pace.as_mut().is_none_or(|pace| pace.is_kept(began.elapsed(), bytes as u64));
        if is_kept { Ok(()) } else { Err(Error::Timeout(TOO_SLOW)) }
    }
}

/// Pauses are bounded one by one, and a record of TLS may come in thousands of parts: so all of it is bounded, too.
fn sooner(timeout: NextTimeout) -> NextTimeout {
    match timeout.per_read.map(|pause| pause.saturating_add(WINDOW).into()) {
        Some(most) if most < timeout.after => NextTimeout { after: most, reason: TOO_SLOW, ..timeout },
        _ => timeout,
    }
}

impl Drop for WatchedTransport {
    fn drop(&mut self) {
        // A connection through a tunnel holds another of its kind, which is dropped later and does not count.
        let _ = self.connection.0.has_more.set(!self.inner.buffers().input().is_empty());
    }
}

impl ConnectionHandle {
    /// Who is at the other end, or the proxy before it; `None` before there was a connection.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        self.0.peer.get().copied()
    }

    /// Whether more came with the end of the body that was read; false before its end. What comes later is not waited for.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.0.has_more.get().copied().unwrap_or_default()
    }
}

/// Who is at the other end of `transport`. Its `Debug` alone tells (`addr: Some(10.0.0.2:80)`), through TLS and tunnels
/// too; the name's addresses are no answer, for Docker gives one name to several containers.
fn peer(transport: &impl Debug) -> Option<SocketAddr> {
    let shown = format!("{transport:?}");
    let (_, address) = shown.split_once("addr: Some(")?;
    address.split_once(')')?.0.parse().ok()
}

fn hung_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted
    )
}

/// Makes `GET /path` into `GET http://host/path` at the start of `output`, of which `amount` bytes are used. Gives how
/// many are used then.
fn insert(output: &mut [u8], amount: usize, url: &str) -> Result<usize, Error> {
    let longer = amount + url.len();
    let path = output[..amount].iter().position(|byte| *byte == b' ').map(|space| space + 1);
    let Some(path) = path.filter(|_| longer <= output.len()) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the URL is too long for a proxy").into());
    };
    output.copy_within(path..amount, path + url.len());
    output[path..path + url.len()].copy_from_slice(url.as_bytes());
    Ok(longer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_proxy_finds_the_whole_url_in_the_first_line() {
        let mut output = [0; 64];
        let request = b"GET /a b=c HTTP/1.1\r\n";
        output[..request.len()].copy_from_slice(request);
        let used = insert(&mut output, request.len(), "http://h:1").unwrap();
        assert_eq!(&output[..used], b"GET http://h:1/a b=c HTTP/1.1\r\n");
        assert!(insert(&mut output, used, &"x".repeat(60)).is_err());
    }

    #[test]
    fn what_comes_in_many_parts_is_bounded_as_a_whole_and_no_time_becomes_longer() {
        let pause = Duration::from_secs(300);
        let patient = NextTimeout { per_read: Some(pause.into()), ..NextTimeout::default() };
        let bounded = sooner(patient);
        assert_eq!((bounded.after, bounded.reason), ((pause + WINDOW).into(), TOO_SLOW));
        assert_eq!(bounded.per_read, patient.per_read, "a pause is told as one");
        let hurried = NextTimeout { after: Duration::from_secs(5).into(), reason: Timeout::Connect, ..patient };
        for timeout in [hurried, NextTimeout::default()] {
            assert_eq!(sooner(timeout), timeout);
        }
    }
}
