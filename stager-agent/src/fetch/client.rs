//! The one HTTP client of the agent: its roots, its proxies, its timeouts. Blocking; who must be able to stop runs it
//! in a thread of its own.

#![expect(clippy::disallowed_methods, reason = "this is the leaf that asks the environment for proxies")]

use super::classify::classify;
use super::get::{Get, Response};
use super::proxy::{NearProxy, Proxies, Proxy};
use super::timeouts::Timeouts;
use super::transfer_error::TransferError;
use super::trust::{Trust, TrustError, Verify};
use super::watched_transport::{ConnectionHandle, SharedConnector, WatchedConnector};
use crate::http_url::Address;
use crate::session::semaphore::Semaphore;
use std::env;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use ureq::config::Config;
use ureq::http::{self, HeaderName, HeaderValue, StatusCode, header};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::{Agent, Body, Error, RequestBuilder, SendBody, Timeout};

/// As browsers have it, more or less; nobody in Cloud Foundry redirects more than twice.
const MOST_REDIRECTS: usize = 10;
/// Transfers at once, in both directions: enough to keep a line and two cores busy, and not more than a server bears.
/// Diego: 5 downloads and 5 uploads.
const AT_ONCE: usize = 6;

/// One client, built once. Cloning it is cheap, and the clone is the same client.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    connector: SharedConnector,
    proxies: Arc<Proxies>,
    timeouts: Timeouts,
    verify: Verify,
    semaphore: Semaphore,
}

/// What the client was to be made of cannot be used.
#[derive(Debug, Error)]
pub(crate) enum ClientError {
    /// A certificate or a key.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// A variable of the environment.
    #[error(transparent)]
    Proxy(#[from] super::proxy::ProxyError),
}

impl Http {
    /// Builds it, with the proxies of the environment.
    pub(crate) fn new(trust: &Trust, timeouts: Timeouts) -> Result<Self, ClientError> {
        Ok(Self::through(Proxies::from_env(|name| env::var(name).ok())?, trust, timeouts)?)
    }

    /// Builds it, with these proxies.
    ///
    /// # Errors
    /// A certificate file that was asked for cannot be used.
    pub(super) fn through(proxies: Proxies, trust: &Trust, timeouts: Timeouts) -> Result<Self, TrustError> {
        let (connector, proxies) = (SharedConnector::new(trust.tls()?), Arc::new(proxies));
        let (verify, semaphore) = (trust.verify, Semaphore::new(AT_ONCE));
        Ok(Self { connector, proxies, timeouts, verify, semaphore })
    }

    /// How long it waits.
    pub(crate) fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// Whether certificates are looked at.
    pub(crate) fn verify(&self) -> Verify {
        self.verify
    }

    /// What bounds the transfers that are under way at once.
    pub(crate) fn semaphore(&self) -> &Semaphore {
        &self.semaphore
    }

    /// Asks for `address` what `get` says, and follows redirects; any status but a redirect is an answer.
    ///
    /// # Errors
    /// There was no answer, or it leads from https to http though certificates count.
    pub(super) fn get(&self, mut address: Address, get: &Get) -> Result<Response, TransferError> {
        let (origin, mut verified) = (address.origin().to_owned(), self.verify == Verify::Yes);
        for _ in 0..=MOST_REDIRECTS {
            verified &= address.https;
            let (agent, connection) = self.agent(&address, self.timeouts.idle);
            let mut request = with_headers(agent.get(&address.url), self.credentials(&address));
            if get.travels() || address.origin() == origin {
                request = with_headers(request, get.headers());
            }
            let response = self.understood(&address, request.call())?;
            match response.headers().get(header::LOCATION) {
                Some(location) if response.status().is_redirection() => {
                    let location = location.to_str().map_err(|_| TransferError::BadUrl)?;
                    let next = address.redirected(location)?;
                    if address.https && !next.https && self.verify == Verify::Yes {
                        return Err(TransferError::Downgrade { host: next.host });
                    }
                    address = next;
                }
                _ => return Ok(Response { http: response, verified, connection }),
            }
        }
        Err(TransferError::Protocol { reason: "it redirects in a circle" })
    }

    /// Sends `body` to `address` with these headers, and waits at most `answer_within` for an answer. Redirects are an
    /// answer, too: nobody redirects an upload who means well.
    ///
    /// # Errors
    /// There was no answer.
    pub(crate) fn post(
        &self,
        address: &Address,
        headers: &[(&str, &str)],
        body: impl Read + 'static,
        answer_within: Duration,
    ) -> Result<http::Response<Body>, TransferError> {
        // After the body, the first read waits for the answer.
        let (agent, _) = self.agent(address, answer_within);
        let request = with_headers(agent.post(&address.url), self.credentials(address));
        match with_headers(request, headers.iter().copied()).send(SendBody::from_owned_reader(body)) {
            Err(Error::Timeout(Timeout::PerRead)) => Err(TransferError::Idle { after: answer_within }),
            answered => self.understood(address, answered),
        }
    }

    /// A client for one request, since each has its own way to its server. What is costly they share.
    fn agent(&self, address: &Address, per_read: Duration) -> (Agent, ConnectionHandle) {
        let (proxy, connection) = (self.proxies.for_address(address), ConnectionHandle::default());
        let tunnel = proxy.filter(|proxy| tunnels(proxy, address));
        let config = configuration(self.timeouts, per_read).proxy(tunnel.map(|proxy| proxy.tunnel.clone()));
        let forward = proxy.filter(|proxy| !tunnels(proxy, address));
        let watched = WatchedConnector {
            connector: self.connector.clone(),
            connection: connection.clone(),
            whole_url: forward.map(|_| address.origin().to_owned()),
        };
        let agent = match forward {
            None => Agent::with_parts(config.build(), watched, DefaultResolver::default()),
            Some(proxy) => Agent::with_parts(config.build(), watched, NearProxy(proxy.tunnel.uri().clone())),
        };
        (agent, connection)
    }

    /// The passwords of the URL and of a proxy that passes requests on; one that tunnels gets its own beforehand.
    fn credentials<'a>(&'a self, address: &'a Address) -> impl Iterator<Item = (header::HeaderName, &'a str)> {
        let forward = self.proxies.for_address(address).filter(|proxy| !tunnels(proxy, address));
        let of_proxy = forward.and_then(|proxy| Some((header::PROXY_AUTHORIZATION, proxy.authorization.as_deref()?)));
        let of_url = address.authorization.as_deref().map(|value| (header::AUTHORIZATION, value));
        [(header::CONNECTION, "close")].into_iter().chain(of_proxy).chain(of_url)
    }

    fn understood(
        &self,
        address: &Address,
        answered: Result<http::Response<Body>, Error>,
    ) -> Result<http::Response<Body>, TransferError> {
        let proxy = self.proxies.for_address(address);
        match (answered, proxy) {
            (Ok(answer), Some(proxy)) if answer.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                Err(proxy.refusal(answer.status().as_u16()))
            }
            (Ok(answer), _) => Ok(answer),
            (Err(error), None) => Err(classify(error, &address.host, self.timeouts)),
            (Err(error), Some(proxy)) => {
                Err(super::classify::classify_proxied(error, proxy, &address.host, self.timeouts))
            }
        }
    }
}

fn with_headers<B, N, V>(request: RequestBuilder<B>, headers: impl IntoIterator<Item = (N, V)>) -> RequestBuilder<B>
where
    HeaderName: TryFrom<N, Error: Into<http::Error>>,
    HeaderValue: TryFrom<V, Error: Into<http::Error>>,
{
    headers.into_iter().fold(request, |request, (name, value)| request.header(name, value))
}

/// Whether `proxy` is asked for a connection instead of for the answer: always for https, which it must not read.
fn tunnels(proxy: &Proxy, address: &Address) -> bool {
    address.https || proxy.https
}

fn configuration(timeouts: Timeouts, per_read: Duration) -> ureq::config::ConfigBuilder<ureq::typestate::AgentScope> {
    Config::builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .user_agent(concat!("stager/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .timeout_resolve(Some(timeouts.connect))
        .timeout_connect(Some(timeouts.connect))
        .timeout_per_read(Some(per_read))
        .timeout_per_write(Some(timeouts.idle))
        // A kept connection may be dead when it is used again; we save little and would have to tell the two apart.
        .max_idle_connections(0)
}
