//! What is sent, and what comes back.

use crate::address::Address;
use crate::watched_transport::ConnectionHandle;
use std::time::Duration;
use ureq::http::{HeaderName, Method, Response};
use ureq::{Body, SendBody};

/// One request.
pub struct Request<'a, 'b> {
    /// `GET`, `POST` and the like.
    pub method: Method,
    /// Where to; a password in it is shown.
    pub address: &'a Address,
    /// Besides those that every request has.
    pub headers: Vec<(HeaderName, String)>,
    /// Without a Content-Length among the headers it goes in chunks.
    pub body: SendBody<'b>,
    /// How long the other side may think after the last byte was sent; `None`: as long as it may pause otherwise.
    pub answer_within: Option<Duration>,
}

impl<'a> Request<'a, 'static> {
    /// A request without a body.
    #[must_use]
    pub fn new(method: Method, address: &'a Address) -> Self {
        Self { method, address, headers: Vec::new(), body: SendBody::none(), answer_within: None }
    }
}

impl<'a> Request<'a, '_> {
    /// The same with these headers too.
    #[must_use]
    pub fn with_headers(mut self, headers: impl IntoIterator<Item = (HeaderName, String)>) -> Self {
        self.headers.extend(headers);
        self
    }

    /// The same with this body, which whoever receives it may think over so long.
    #[must_use]
    pub fn with_body(self, body: SendBody<'_>, answer_within: Duration) -> Request<'a, '_> {
        let Self { method, address, headers, .. } = self;
        Request { method, address, headers, body, answer_within: Some(answer_within) }
    }
}

/// An answer to a request, whatever its status.
pub struct Answer {
    /// Status, headers and body, as they came.
    pub http: Response<Body>,
    /// What is known of the connection that it came over.
    pub connection: ConnectionHandle,
}
