//! The one HTTP client: its roots, its proxies, its timeouts. Blocking; who must be able to stop runs it in a thread of its own.

#![expect(clippy::disallowed_methods, reason = "this is the leaf that asks the environment for proxies")]

use crate::address::Address;
use crate::classify::{classify, classify_proxied};
use crate::pace::Pace;
use crate::proxy::{NearProxy, Proxies, Proxy, ProxyError};
use crate::request::{Answer, Request};
use crate::timeouts::Timeouts;
use crate::transfer_error::TransferError;
use crate::trust::{Trust, TrustError, Verify};
use crate::watched_transport::{ConnectionHandle, SharedConnector, WatchedConnector};
use std::env;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use ureq::config::Config;
use ureq::http::{self, StatusCode, header};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::{Agent, Body, Error, Timeout};

/// One client, built once. Cloning it is cheap, and the clone is the same client.
#[derive(Clone, Debug)]
pub struct Client {
    connector: SharedConnector,
    proxies: Arc<Proxies>,
    timeouts: Timeouts,
    verify: Verify,
    /// Whether there is a certificate to show to servers that ask.
    has_own: bool,
}

/// What the client was to be made of cannot be used.
#[derive(Debug, Error)]
pub enum ClientError {
    /// A certificate or a key.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// A variable of the environment.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
}

impl Client {
    /// Builds it, with the proxies of the environment.
    ///
    /// # Errors
    /// A certificate file that was asked for, or a variable that names a proxy, cannot be used.
    pub fn new(trust: &Trust, timeouts: Timeouts) -> Result<Self, ClientError> {
        Ok(Self::through(Proxies::from_env(|name| env::var(name).ok())?, trust, timeouts)?)
    }

    /// Builds it, with these proxies.
    ///
    /// # Errors
    /// A certificate file that was asked for cannot be used.
    pub fn through(proxies: Proxies, trust: &Trust, timeouts: Timeouts) -> Result<Self, TrustError> {
        let (connector, proxies) = (SharedConnector::new(trust.tls()?), Arc::new(proxies));
        Ok(Self { connector, proxies, timeouts, verify: trust.verify, has_own: trust.own.is_some() })
    }

    /// How long it waits.
    #[must_use]
    pub fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// Whether certificates are looked at.
    #[must_use]
    pub fn verify(&self) -> Verify {
        self.verify
    }

    /// Sends a request and waits for the answer. Any status is one, a redirect too: what it means is for the caller.
    ///
    /// # Errors
    /// There was no answer.
    pub fn send(&self, request: Request<'_, '_>) -> Result<Answer, TransferError> {
        let Request { method, address, headers, body, answer_within } = request;
        // After the body, the first read waits for the answer.
        let (agent, connection) = self.agent(address, answer_within.unwrap_or(self.timeouts.idle));
        let mut builder = http::Request::builder().method(method).uri(&address.url);
        for (name, value) in self.credentials(address) {
            builder = builder.header(name, value);
        }
        for (name, value) in headers {
            builder = builder.header(name, value);
        }
        let request = builder.body(body).map_err(|_| TransferError::BadUrl)?;
        let http = match (agent.run(request), answer_within) {
            (Err(Error::Timeout(Timeout::PerRead)), Some(after)) => return Err(TransferError::Idle { after }),
            (answered, _) => self.understood(address, answered)?,
        };
        Ok(Answer { http, connection })
    }

    /// What `error`, met while an answer was read, means for a transfer to or from `host`.
    #[must_use]
    pub fn broken(&self, error: std::io::Error, host: &str) -> TransferError {
        classify(error.into(), host, self.timeouts)
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
            pace: self.timeouts.lowest_rate.map(Pace::new),
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
        let has_own = self.has_own;
        match (answered, proxy) {
            (Ok(answer), Some(proxy)) if answer.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                Err(proxy.refusal(answer.status().as_u16()))
            }
            (Ok(answer), _) => Ok(answer),
            (Err(error), None) => Err(classify(error, &address.host, self.timeouts).with_own_certificate(has_own)),
            (Err(error), Some(proxy)) => Err(classify_proxied(error, proxy, &address.host, self.timeouts)),
        }
    }
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
