//! The one HTTP client of the agent: its roots, its proxies, its patience. Blocking; who must be able to stop runs it
//! in a thread of its own.

#![expect(clippy::disallowed_methods, reason = "this is the leaf that asks the environment for proxies")]

use super::address::Address;
use super::blame::blame;
use super::head::Question;
use super::patience::Patience;
use super::transfer_error::TransferError;
use super::trust::{Trust, TrustError, Verify};
use std::env;
use std::io::Read;
use ureq::config::Config;
use ureq::http::{Response, header};
use ureq::tls::TlsConfig;
use ureq::{Agent, Body, Error, Proxy, SendBody, Timeout};

/// As browsers have it, more or less; nobody in Cloud Foundry redirects more than twice.
const MOST_REDIRECTS: usize = 10;

/// One client, built once. Cloning it is cheap, and the clone is the same client.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    // Two, since a client has one proxy and http and https may have two.
    plain: Agent,
    tls: Agent,
    patience: Patience,
    verify: Verify,
}

/// An answer to a question.
pub(super) struct Answer {
    /// As it came.
    pub(super) response: Response<Body>,
    /// Whether it and every redirect on the way to it came over TLS with a verified certificate.
    pub(super) verified: bool,
}

impl Http {
    /// Builds it.
    ///
    /// # Errors
    /// A certificate file that was asked for cannot be used.
    pub(crate) fn new(trust: &Trust, patience: Patience) -> Result<Self, TrustError> {
        let tls = trust.tls()?;
        let plain = Agent::new_with_config(configuration(&tls, patience, proxy(&["http_proxy", "HTTP_PROXY"])));
        let tls = Agent::new_with_config(configuration(&tls, patience, proxy(&["https_proxy", "HTTPS_PROXY"])));
        Ok(Self { plain, tls, patience, verify: trust.verify })
    }

    /// How long it waits.
    pub(crate) fn patience(&self) -> Patience {
        self.patience
    }

    /// Whether certificates are looked at.
    pub(crate) fn verify(&self) -> Verify {
        self.verify
    }

    /// Asks for `address` what `question` says, and follows redirects; any status but a redirect is an answer.
    ///
    /// # Errors
    /// There was no answer.
    pub(super) fn get(&self, mut address: Address, question: &Question) -> Result<Answer, TransferError> {
        let (origin, mut verified) = (address.origin().to_owned(), self.verify == Verify::Yes);
        for _ in 0..=MOST_REDIRECTS {
            verified &= address.https;
            let mut request = self.agent(&address).get(&address.url);
            if let Some(authorization) = &address.authorization {
                request = request.header(header::AUTHORIZATION, authorization);
            }
            if question.travels() || address.origin() == origin {
                for (name, value) in question.headers() {
                    request = request.header(name, value);
                }
            }
            let response = request.call().map_err(|error| blame(error, &address.host, self.patience))?;
            match response.headers().get(header::LOCATION) {
                Some(location) if response.status().is_redirection() => {
                    let location = location.to_str().map_err(|_| TransferError::BadUrl)?;
                    address = address.redirected(location)?;
                }
                _ => return Ok(Answer { response, verified }),
            }
        }
        Err(TransferError::Protocol { reason: "it redirects in a circle" })
    }

    /// Sends `length` bytes of `body` to `address` with these headers. Redirects are an answer, too: nobody redirects
    /// an upload who means well.
    ///
    /// # Errors
    /// There was no answer.
    pub(crate) fn post(
        &self,
        address: &Address,
        headers: &[(&str, &str)],
        body: impl Read + 'static,
    ) -> Result<Response<Body>, TransferError> {
        let mut request = self.agent(address).post(&address.url);
        for (name, value) in
            headers.iter().copied().chain(address.authorization.as_deref().map(|a| ("authorization", a)))
        {
            request = request.header(name, value);
        }
        // After the body, the first read waits for the answer.
        let request = request.config().timeout_per_read(Some(self.patience.answer)).build();
        request.send(SendBody::from_owned_reader(body)).map_err(|error| match error {
            Error::Timeout(Timeout::PerRead) => TransferError::Idle { after: self.patience.answer },
            error => blame(error, &address.host, self.patience),
        })
    }

    fn agent(&self, address: &Address) -> &Agent {
        if address.https { &self.tls } else { &self.plain }
    }
}

fn configuration(tls: &TlsConfig, patience: Patience, proxy: Option<Proxy>) -> Config {
    Config::builder()
        .tls_config(tls.clone())
        .proxy(proxy)
        .http_status_as_error(false)
        .max_redirects(0)
        .user_agent(concat!("stager/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .timeout_resolve(Some(patience.connect))
        .timeout_connect(Some(patience.connect))
        .timeout_per_read(Some(patience.idle))
        .timeout_per_write(Some(patience.idle))
        // A kept connection may be dead when it is used again; we save little and would have to tell the two apart.
        .max_idle_connections(0)
        .build()
}

/// The proxy that the first of these variables names. The HTTP library's own way takes any of them for every scheme.
fn proxy(variables: &[&str]) -> Option<Proxy> {
    let url = variables.iter().find_map(|name| env::var(name).ok().filter(|url| !url.is_empty()))?;
    let plain = Proxy::new(&url).ok()?;
    let exceptions = ["no_proxy", "NO_PROXY"].iter().find_map(|name| env::var(name).ok()).unwrap_or_default();
    let mut proxy = Proxy::builder(plain.protocol()).host(plain.host()).port(plain.port());
    for (set, value) in [(true, plain.username()), (false, plain.password())] {
        proxy = match value {
            Some(value) if set => proxy.username(value),
            Some(value) => proxy.password(value),
            None => proxy,
        };
    }
    exceptions
        .split(',')
        .filter(|name| !name.is_empty())
        .fold(proxy, |proxy, name| proxy.no_proxy(name.trim()))
        .build()
        .ok()
}
