//! What can go wrong between two ends of an HTTP connection, in either direction. No text here holds a secret: hosts
//! are shown, URLs are not, and the HTTP library's own texts, which quote URLs and headers, are not used.

use crate::address::NotHttp;
use shared_model::size;
use std::io;
use std::time::Duration;

/// A transfer over HTTP failed, in either direction.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the text beside each says what it is, and names its fields")]
pub enum TransferError {
    #[error("{}", NotHttp)]
    BadUrl,
    /// The signature is wrong or out of date: 403 or 410; any 4xx to a URL past its end; 400 that says `ExpiredToken`.
    #[error("the server answered {}", status_text(*status))]
    Refused {
        /// 4xx.
        status: u16,
        /// The URL's end, in seconds since 1970; `None` where it says none.
        expires: Option<i64>,
        /// Whether the server itself says that it is out of date, whatever the URL says.
        token_expired: bool,
    },
    #[error("the server answered {}", status_text(404))]
    NotFound,
    /// Any other status that is not the one hoped for.
    #[error("the server answered {}{}", status_text(*status), said(text))]
    Status {
        status: u16,
        /// What the server said about it: one line, without URLs; empty where it said nothing.
        text: String,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    #[error("cannot resolve the host name {host:?}")]
    UnknownHost { host: String },
    #[error("cannot connect to {host:?}")]
    Connect {
        host: String,
        #[source]
        cause: io::Error,
    },
    #[error("the proxy {proxy} refuses the connection: {reason}")]
    Proxy {
        /// Its URL, redacted, and the variable that names it.
        proxy: String,
        /// What it answered; `None`: nothing.
        status: Option<u16>,
        reason: String,
    },
    /// A redirect from https to http, where nobody can tell who answers.
    #[error("the server redirects from https to http ({host:?}), which is not safe")]
    Downgrade { host: String },
    #[error("the certificate of {host:?} is signed by an authority that is not trusted here")]
    UnknownAuthority { host: String },
    #[error("the certificate of the server is not for {host:?}")]
    WrongHost { host: String },
    /// The server wants to know who we are, and does not.
    #[error("{host:?} {how}")]
    OwnCertificate {
        host: String,
        /// `asks for a client certificate`.
        how: &'static str,
    },
    #[error("the certificate of {host:?} has expired")]
    CertificateExpired { host: String },
    #[error("no TLS connection to {host:?}: {reason}")]
    Tls { host: String, reason: String },
    /// The connection ended before the body did.
    #[error("the connection was cut off{}", so_far(*received, *expected))]
    CutOff {
        /// Bytes received; 0 when not even an answer came, and always 0 for an upload.
        received: u64,
        /// Bytes expected; `None` where the server did not say.
        expected: Option<u64>,
    },
    /// What was left of a body that broke off could not be had: it has changed on the server, or cannot be had in parts.
    #[error("the connection was cut off after {from} bytes, and the server cannot send only the rest")]
    NotResumed {
        /// Bytes received until then.
        from: u64,
    },
    #[error("the server sent more than {}", announced(*expected))]
    Surplus {
        /// Bytes announced; `None`: in chunks, which had ended.
        expected: Option<u64>,
    },
    #[error("the server encoded the file (Content-Encoding: {coding}), though it was asked for as it is")]
    Encoded {
        /// The server's word: `gzip`.
        coding: String,
    },
    #[error("it arrived damaged: its md5 is {found}, but its ETag is {announced}")]
    Damaged {
        /// Hex, of the ETag.
        announced: String,
        /// Hex, of the body.
        found: String,
    },
    #[error("nothing moved for {}", size::go_duration(*after))]
    Idle { after: Duration },
    /// It never paused for long, and moved next to nothing.
    #[error("too little moved in {}", size::go_duration(*within))]
    TooSlow { within: Duration },
    /// It moved, but not fast enough.
    #[error("it took longer than {}", size::go_duration(*after))]
    TooLong { after: Duration },
    /// What came is no HTTP, or HTTP of a kind that cannot be followed.
    #[error("the server's answer cannot be understood: {reason}")]
    Protocol { reason: &'static str },
}

impl TransferError {
    /// Whether another try may go better: the network's moods, and servers that are busy or broken.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::UnknownHost { .. }
            | Self::Connect { .. }
            | Self::CutOff { .. }
            | Self::NotResumed { .. }
            | Self::Surplus { .. }
            | Self::Damaged { .. }
            | Self::Idle { .. }
            | Self::TooSlow { .. } => true,
            Self::Proxy { status, .. } => status.is_none_or(|status| status >= 500),
            Self::Status { status, .. } => *status >= 500 || [408, 425, 429].contains(status),
            Self::BadUrl
            | Self::Refused { .. }
            | Self::NotFound
            | Self::UnknownAuthority { .. }
            | Self::WrongHost { .. }
            | Self::CertificateExpired { .. }
            | Self::Tls { .. }
            | Self::TooLong { .. }
            | Self::Encoded { .. }
            | Self::Downgrade { .. }
            | Self::OwnCertificate { .. }
            | Self::Protocol { .. } => false,
        }
    }

    /// Whether the server does not take the URL's signature. What it gave before may still be used.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }

    /// Whether a server that is there does not give it: to nobody, or to nobody with this URL.
    #[must_use]
    pub fn withholds(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::NotFound | Self::Status { status: 401, .. })
    }

    /// Whether it is the server that cannot be spoken to, whatever is wanted from it.
    #[must_use]
    pub fn is_about_the_server(&self) -> bool {
        matches!(
            self,
            Self::UnknownHost { .. }
                | Self::Connect { .. }
                | Self::Proxy { .. }
                | Self::UnknownAuthority { .. }
                | Self::WrongHost { .. }
                | Self::CertificateExpired { .. }
                | Self::OwnCertificate { .. }
                | Self::Tls { .. }
        )
    }

    /// Whether a body that it ended may go on where it was: what had come until then was right.
    #[must_use]
    pub fn breaks_off(&self) -> bool {
        self.is_transient() && !matches!(self, Self::NotResumed { .. } | Self::Surplus { .. } | Self::Damaged { .. })
    }

    /// How long the server asks to wait before the next try.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        if let Self::Status { retry_after, .. } = self { *retry_after } else { None }
    }
}

impl From<NotHttp> for TransferError {
    fn from(NotHttp: NotHttp) -> Self {
        Self::BadUrl
    }
}

fn so_far(received: u64, expected: Option<u64>) -> String {
    match (received, expected) {
        (0, None) => " before there was an answer".to_owned(),
        (received, None) => format!(" after {received} bytes"),
        (received, Some(expected)) => format!(" after {received} of {expected} bytes"),
    }
}

fn said(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

fn announced(expected: Option<u64>) -> String {
    expected
        .map_or("the chunks that it announced".to_owned(), |expected| format!("the {expected} bytes that it announced"))
}

/// `404 Not Found`; the number alone where it has no name.
#[must_use]
pub fn status_text(status: u16) -> String {
    let name = ureq::http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    name.map_or(status.to_string(), |name| format!("{status} {name}"))
}
