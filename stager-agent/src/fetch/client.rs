//! The HTTP client as the agent uses it: redirects, which may not leave TLS, and how many transfers are under way at once.

use super::get::{Get, Response};
use crate::session::semaphore::Semaphore;
use http_client::{Address, Answer, Client, ClientError, Request, Timeouts, TransferError, Trust, Verify};
use std::io::Read;
use std::time::Duration;
use ureq::http::{HeaderName, Method, header};
use ureq::{Body, SendBody, http};

/// As browsers have it, more or less; nobody in Cloud Foundry redirects more than twice.
const MOST_REDIRECTS: usize = 10;
/// Transfers at once, in both directions: enough to keep a line and two cores busy, and not more than a server bears.
/// Diego: 5 downloads and 5 uploads.
const AT_ONCE: usize = 6;

/// One client, built once. Cloning it is cheap, and the clone is the same client.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: Client,
    semaphore: Semaphore,
}

impl Http {
    /// Builds it, with the proxies of the environment.
    pub(crate) fn new(trust: &Trust, timeouts: Timeouts) -> Result<Self, ClientError> {
        Client::new(trust, timeouts).map(Self::from_client)
    }

    /// As the agent uses `client`.
    pub(super) fn from_client(client: Client) -> Self {
        Self { client, semaphore: Semaphore::new(AT_ONCE) }
    }

    /// How long it waits.
    pub(crate) fn timeouts(&self) -> Timeouts {
        self.client.timeouts()
    }

    /// Whether certificates are looked at.
    pub(crate) fn verify(&self) -> Verify {
        self.client.verify()
    }

    /// What bounds the transfers that are under way at once.
    pub(crate) fn semaphore(&self) -> &Semaphore {
        &self.semaphore
    }

    /// What `error`, met while an answer was read, means for a transfer from `host`.
    pub(super) fn broken(&self, error: std::io::Error, host: &str) -> TransferError {
        self.client.broken(error, host)
    }

    /// Asks for `address` what `get` says, and follows redirects; any status but a redirect is an answer.
    ///
    /// # Errors
    /// There was no answer, or it leads from https to http though certificates count.
    pub(super) fn get(&self, mut address: Address, get: &Get) -> Result<Response, TransferError> {
        let (origin, mut verified) = (address.origin().to_owned(), self.verify() == Verify::Yes);
        for _ in 0..=MOST_REDIRECTS {
            verified &= address.https;
            let mut request = Request::new(Method::GET, &address);
            if get.travels() || address.origin() == origin {
                request = request.with_headers(get.headers());
            }
            let Answer { http, connection } = self.client.send(request)?;
            match http.headers().get(header::LOCATION) {
                Some(location) if http.status().is_redirection() => {
                    let location = location.to_str().map_err(|_| TransferError::BadUrl)?;
                    let next = address.redirected(location)?;
                    if address.https && !next.https && self.verify() == Verify::Yes {
                        return Err(TransferError::Downgrade { host: next.host });
                    }
                    address = next;
                }
                _ => return Ok(Response { http, verified, connection }),
            }
        }
        Err(TransferError::Protocol { reason: "it redirects in a circle" })
    }

    /// Sends `body` to `address` with these headers (names in lower case), and waits at most `answer_within` for an answer. Redirects are an
    /// answer, too: nobody redirects an upload who means well.
    ///
    /// # Errors
    /// There was no answer.
    pub(crate) fn post(
        &self,
        address: &Address,
        headers: &[(&'static str, &str)],
        body: impl Read + 'static,
        answer_within: Duration,
    ) -> Result<http::Response<Body>, TransferError> {
        let headers = headers.iter().map(|(name, value)| (HeaderName::from_static(name), (*value).to_owned()));
        let request = Request::new(Method::POST, address).with_headers(headers);
        Ok(self.client.send(request.with_body(SendBody::from_owned_reader(body), answer_within))?.http)
    }
}
