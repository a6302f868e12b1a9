//! What can go wrong between a URL and a directory. The words for people (what to try) are made of these elsewhere;
//! no text here holds a secret: URLs redact themselves, and the HTTP library's own texts, which quote URLs and
//! headers, are not used.

use crate::scope::Stopped;
use shared_model::safe_url::SafeUrl;
use shared_model::size;
use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// An archive is not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// It did not arrive.
    #[error("cannot download {from}")]
    Transfer {
        /// Where from.
        from: SafeUrl,
        /// Why.
        #[source]
        cause: TransferError,
    },
    /// It arrived, and is another.
    #[error("{from} is not what the request asks for: its {algorithm} is {found}, not {wanted}")]
    Checksum {
        /// Where from.
        from: SafeUrl,
        /// `sha256`.
        algorithm: &'static str,
        /// Hex, of the request.
        wanted: String,
        /// Hex, of the body.
        found: String,
    },
    /// It arrived, and cannot be unpacked.
    #[error("cannot unpack {from} into {}", to.display())]
    Unpack {
        /// Where from.
        from: SafeUrl,
        /// Where to.
        to: PathBuf,
        /// Why.
        #[source]
        cause: UnpackError,
    },
    /// The copy of it, which was asked for, cannot be written.
    #[error("cannot keep a copy of {from}")]
    Copy {
        /// Where from.
        from: SafeUrl,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// Ended before its end.
    #[error("the download of {from} was stopped")]
    Stopped {
        /// Where from.
        from: SafeUrl,
        /// By what.
        why: Stopped,
    },
}

/// A transfer over HTTP failed, in either direction.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransferError {
    /// The URL cannot be used.
    #[error("this is not an http or https URL")]
    BadUrl,
    /// 403 or 410: the blobstore's answers to a signature that is wrong or out of date.
    #[error("the server answered {}", status_text(*status))]
    Refused {
        /// 403 or 410.
        status: u16,
        /// The URL's `expires`, in seconds since 1970; `None` where it has none.
        expires: Option<i64>,
    },
    /// 404.
    #[error("the server answered {}", status_text(404))]
    NotFound,
    /// Any other status that is not the one hoped for.
    #[error("the server answered {}{}", status_text(*status), said(text))]
    Status {
        /// The status.
        status: u16,
        /// What the server said about it: one line, without URLs; empty where it said nothing.
        text: String,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// No address for the name.
    #[error("cannot resolve the host name {host:?}")]
    UnknownHost {
        /// The name.
        host: String,
    },
    /// Nobody answers at the address.
    #[error("cannot connect to {host:?}")]
    Connect {
        /// The name.
        host: String,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The server's certificate is signed by nobody we trust.
    #[error("the certificate of {host:?} is signed by an authority that is not trusted here")]
    UnknownAuthority {
        /// The name.
        host: String,
    },
    /// The server's certificate is another's.
    #[error("the certificate of the server is not for {host:?}")]
    WrongHost {
        /// The name asked for.
        host: String,
    },
    /// TLS failed otherwise.
    #[error("no TLS connection to {host:?}: {reason}")]
    Tls {
        /// The name.
        host: String,
        /// In words.
        reason: String,
    },
    /// The connection ended before the body did.
    #[error("the connection was cut off{}", so_far(*received, *expected))]
    CutOff {
        /// Bytes received; 0 when not even an answer came, and always 0 for an upload.
        received: u64,
        /// Bytes expected; `None` where the server did not say.
        expected: Option<u64>,
    },
    /// The body is another than its ETag, an MD5, says.
    #[error("it arrived damaged: its md5 is {found}, but its ETag is {announced}")]
    Damaged {
        /// Hex, of the ETag.
        announced: String,
        /// Hex, of the body.
        found: String,
    },
    /// Nothing moved for too long.
    #[error("nothing moved for {}", size::go_duration(*after))]
    Idle {
        /// How long.
        after: Duration,
    },
    /// What came is no HTTP, or HTTP of a kind that cannot be followed.
    #[error("the server's answer cannot be understood: {reason}")]
    Protocol {
        /// In words.
        reason: &'static str,
    },
}

/// An archive cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnpackError {
    /// The body has no bytes.
    #[error("the archive is empty (0 bytes)")]
    Empty,
    /// Neither tar, tgz nor zip.
    #[error("this is not a tar, tgz or zip archive: it looks like {looks_like}")]
    NotAnArchive {
        /// In words: `an HTML page`, `bytes 42 5a 68 …`.
        looks_like: String,
    },
    /// The archive is damaged.
    #[error("the archive is damaged{}", at(entry.as_ref()))]
    Corrupt {
        /// The entry where this showed; `None` where it is the archive as a whole.
        entry: Option<String>,
        /// How.
        #[source]
        cause: io::Error,
    },
    /// An entry wants out of its directory.
    #[error("the entry {entry:?} would leave its directory ({how})")]
    Escapes {
        /// Its name in the archive.
        entry: String,
        /// `..`, an absolute path, through a symbolic link, a hard link's target.
        how: &'static str,
    },
    /// An entry that has no business in an archive, or that we do not know how to unpack.
    #[error("the entry {entry:?} {what}")]
    Unlawful {
        /// Its name in the archive.
        entry: String,
        /// `is a device`, `is encrypted`, …
        what: &'static str,
    },
    /// It asks for more than an archive may.
    #[error("{}", too_much(*bound, *limit, entry.as_ref()))]
    Beyond {
        /// Of what.
        bound: Bound,
        /// How much is allowed.
        limit: u64,
        /// The entry; `None` where it is the archive as a whole.
        entry: Option<String>,
    },
    /// The disk does not take it.
    #[error("cannot write {}", path.display())]
    Disk {
        /// What was to be written.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// What is bounded in an archive. See `unpack/limits.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// Bytes that come out.
    Bytes,
    /// Entries.
    Entries,
    /// Bytes that come out for each that went in.
    Ratio,
    /// Parts of a path.
    Depth,
    /// Bytes of a path.
    Name,
    /// Bytes of a link's target.
    Target,
}

impl Bound {
    /// The option of the agent that sets it.
    pub(crate) fn option(self) -> &'static str {
        match self {
            Self::Bytes => "--max-unpacked",
            Self::Entries => "--max-entries",
            Self::Ratio => "--max-ratio",
            Self::Depth => "--max-depth",
            Self::Name | Self::Target => "--max-name",
        }
    }
}

impl UnpackError {
    /// What an error on reading an archive means: a bound that the reader keeps carries itself; all else is damage.
    pub(crate) fn of_reading(entry: Option<String>, cause: io::Error) -> Self {
        cause.downcast().unwrap_or_else(|cause| Self::Corrupt { entry, cause })
    }
}

impl TransferError {
    /// Whether another try may go better: the network's moods, and servers that are busy or broken.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::UnknownHost { .. }
            | Self::Connect { .. }
            | Self::CutOff { .. }
            | Self::Damaged { .. }
            | Self::Idle { .. } => true,
            Self::Status { status, .. } => *status >= 500 || *status == 429,
            Self::BadUrl
            | Self::Refused { .. }
            | Self::NotFound
            | Self::UnknownAuthority { .. }
            | Self::WrongHost { .. }
            | Self::Tls { .. }
            | Self::Protocol { .. } => false,
        }
    }

    /// How long the server asks to wait before the next try.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// An error with its causes in one line: `cannot connect to "api": Connection refused (os error 111)`.
pub(crate) fn in_full(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
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

fn too_much(bound: Bound, limit: u64, entry: Option<&String>) -> String {
    let of = entry.map_or("the archive".to_owned(), |entry| format!("the entry {entry:?}"));
    match bound {
        Bound::Bytes => format!("{of} unpacks to more than {}", size::bytes(limit)),
        Bound::Entries => format!("{of} has more than {limit} entries"),
        Bound::Ratio => format!("{of} unpacks to more than {limit} times its size"),
        Bound::Depth => format!("{of} lies deeper than {limit} directories"),
        Bound::Name => format!("{of} has a name of more than {limit} bytes"),
        Bound::Target => format!("{of} is a link to a name of more than {limit} bytes"),
    }
}

fn at(entry: Option<&String>) -> String {
    entry.map_or(String::new(), |entry| format!(" at {entry:?}"))
}

/// `404 Not Found`; the number alone where it has no name.
pub(crate) fn status_text(status: u16) -> String {
    let name = ureq::http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    name.map_or(status.to_string(), |name| format!("{status} {name}"))
}
