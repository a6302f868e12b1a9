//! One question to a registry and its answer: with what it wants to be shown, and shown to nobody else.

#![expect(clippy::disallowed_methods, reason = "a date to wait for is counted from now")]

use super::authorization::Authorization;
use super::challenge::challenge;
use super::said::{LONGEST_ANSWER, said};
use super::small_answer;
use super::trouble::Trouble;
use crate::registry::credentials::Login;
use crate::registry::refusal::Refusal;
use http_client::{Address, Answer, Client, Request, TransferError, retry_after};
use jiff::Timestamp;
use shared_model::safe_url::SafeUrl;
use shared_model::secret::Secret;
use std::io::Read;
use std::time::Duration;
use ureq::SendBody;
use ureq::http::{HeaderName, Method, Response, header};
use ureq::{Body, http};

/// Where blobs lie is often somebody else's business.
const MOST_REDIRECTS: usize = 5;
/// How long a registry may think about what it was sent: some move gigabytes then.
pub(super) const THINKS: Duration = Duration::from_secs(300);

/// The way to one registry, for one repository.
pub(super) struct Transport {
    pub(super) client: Client,
    /// For everybody else: whoever the registry points to is shown no certificate of ours.
    strangers: Client,
    /// The registry's own address.
    origin: Address,
    /// What a token must allow: `repository:team/app:pull,push`.
    scope: String,
    authorization: Authorization,
}

/// What is sent besides the head.
pub(super) enum Sent<'a> {
    /// Nothing, or little, which can be sent again.
    Bytes(&'a [u8]),
    /// What can be read once; with its length, if that is known.
    Stream(&'a mut dyn Read, Option<u64>),
}

impl Transport {
    /// To the registry at `origin`, by the first of the clients; whoever it points to is asked by the second.
    pub(super) fn new((client, strangers): (Client, Client), origin: Address, scope: String, login: Login) -> Self {
        let authorization = Authorization::new(login, origin.https);
        Self { client, strangers, origin, scope, authorization }
    }

    /// The address of a path of the registry: `/v2/team/app/…`.
    pub(super) fn at(&self, path: &str) -> Result<Address, Trouble> {
        Ok(Address::parse(&SafeUrl::new(format!("{}{path}", self.origin.origin()))).map_err(TransferError::from)?)
    }

    /// Asks, with what the registry wants to be shown: where a little thing was refused for want of it, once more with it. Any
    /// status is an answer then.
    pub(super) fn ask(
        &self,
        method: &Method,
        address: &Address,
        headers: &[(HeaderName, String)],
        mut sent: Sent<'_>,
    ) -> Result<Answer, Trouble> {
        // A token that was good until now, one that allows too little, and those whose time others have used up meanwhile.
        let mut left = 4;
        loop {
            let header =
                if self.is_ours(address) { self.authorization.header(&|at| self.client_for(at))? } else { None };
            let client = self.client_for(address);
            let mut request = Request::new(method.clone(), address).with_headers(headers.iter().cloned());
            let shown = header.as_ref().map(|header| (header::AUTHORIZATION, header.reveal().clone()));
            request = request.with_headers(shown);
            let (answer, again) = match &mut sent {
                Sent::Bytes(_) if *method == Method::GET || *method == Method::HEAD => (client.send(request)?, true),
                Sent::Bytes(bytes) => {
                    let mut reader: &[u8] = bytes;
                    let length = (header::CONTENT_LENGTH, bytes.len().to_string());
                    let request = request.with_headers([length]);
                    // An upload begins at once, or not.
                    let within = if *method == Method::POST { self.client.timeouts().idle } else { THINKS };
                    (client.send(request.with_body(SendBody::from_reader(&mut reader), within))?, true)
                }
                Sent::Stream(reader, length) => {
                    let length = length.map(|length| (header::CONTENT_LENGTH, length.to_string()));
                    let request = request.with_headers(length);
                    (client.send(request.with_body(SendBody::from_reader(*reader), THINKS))?, false)
                }
            };
            let may_show_more = answer.http.status() == http::StatusCode::UNAUTHORIZED && self.is_ours(address);
            if !may_show_more || left == 0 || !self.meet(&answer.http, header.as_ref())? || !again {
                return Ok(answer);
            }
            left -= 1;
        }
    }

    /// Asks (GET or HEAD) for what may lie elsewhere, and follows there; what is shown to the registry stays with it.
    pub(super) fn get(
        &self,
        method: &Method,
        address: &Address,
        headers: &[(HeaderName, String)],
    ) -> Result<Answer, Trouble> {
        let mut at = address.clone();
        for _ in 0..=MOST_REDIRECTS {
            let answer = self.ask(method, &at, headers, Sent::Bytes(&[]))?;
            let location =
                answer.http.headers().get(header::LOCATION).filter(|_| answer.http.status().is_redirection());
            let Some(location) = location else { return Ok(answer) };
            at = Self::next(&at, location.to_str().map_err(|_| TransferError::BadUrl)?)?;
        }
        Err(TransferError::Protocol { reason: "it redirects in a circle" }.into())
    }

    /// Where a registry points to: within itself, or elsewhere, but from TLS to nothing without.
    pub(super) fn next(from: &Address, location: &str) -> Result<Address, Trouble> {
        let nowhere = "it points to what is not an http or https URL";
        let next = from.redirected(location).map_err(|_| TransferError::Protocol { reason: nowhere })?;
        if from.https && !next.https {
            return Err(TransferError::Downgrade { host: next.host }.into());
        }
        Ok(next)
    }

    /// What an answer means that is not the one hoped for.
    pub(super) fn refused(&self, answer: Answer) -> Trouble {
        let status = answer.http.status().as_u16();
        let asked =
            answer.http.headers().get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let is_too_little = status == 401 && asked.into_iter().any(|asked| asked.contains("insufficient_scope"));
        let retry_after = retry_after(answer.http.headers(), Timestamp::now());
        // What cannot be read says nothing.
        let body = small_answer::read(answer, LONGEST_ANSWER, (&self.client, &self.origin.host)).unwrap_or_default();
        let secrets = self.authorization.secrets();
        let mut said = said(status, &body, &secrets.iter().collect::<Vec<_>>());
        if is_too_little {
            // Who asks is known, and may not.
            said.refusal = Refusal::Denied;
        }
        Trouble::Refused { status, said, retry_after, by_login_service: false }
    }

    fn is_ours(&self, address: &Address) -> bool {
        let Address { https, port, host, .. } = &self.origin;
        address.https == *https && address.port == *port && address.host.eq_ignore_ascii_case(host)
    }

    fn client_for(&self, address: &Address) -> &Client {
        if self.is_ours(address) { &self.client } else { &self.strangers }
    }

    fn meet(&self, answer: &Response<Body>, before: Option<&Secret<String>>) -> Result<bool, Trouble> {
        let asked = answer.headers().get_all(header::WWW_AUTHENTICATE);
        let Some(challenge) = challenge(asked.iter().filter_map(|value| value.to_str().ok())) else { return Ok(false) };
        self.authorization.meet(&challenge, &self.scope, before, &|at| self.client_for(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Address {
        Address::parse(&SafeUrl::new(url)).unwrap()
    }

    #[test]
    fn where_a_registry_points_to_is_followed_but_not_from_tls_to_none() {
        for (from, location, to) in [
            ("https://r.io/v2/a/x", "/v2/a/y?z=1", Some("https://r.io/v2/a/y?z=1")),
            ("https://r.io/v2/", "https://cdn.example/b", Some("https://cdn.example/b")),
            ("http://127.0.0.1:5/v2/", "http://127.0.0.2:6/b", Some("http://127.0.0.2:6/b")),
            ("http://127.0.0.1:5/v2/", "https://cdn.example/b", Some("https://cdn.example/b")),
            ("https://r.io/v2/", "http://r.io/b", None),
            ("https://r.io/v2/", "ftp://r.io/b", None),
            ("https://r.io/v2/", "file:///etc/passwd", None),
        ] {
            let next = Transport::next(&address(from), location).ok().map(|next| next.url);
            assert_eq!(next.as_deref(), to, "{location}");
        }
    }
}
