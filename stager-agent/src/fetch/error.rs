//! What can go wrong between a URL and a directory. The words for people (what to try) are made of these elsewhere;
//! no text here holds a secret: URLs redact themselves, and the HTTP library's own texts, which quote URLs and
//! headers, are not used.

use super::retry::Trouble;
use super::transfer_error::TransferError;
use crate::disk_budget::DiskFull;
use crate::scope::Stopped;
use shared_model::safe_url::SafeUrl;
use shared_model::size;
use std::io;
use std::path::PathBuf;

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
    /// The request's `disk_mb` has no room for it.
    #[error(transparent)]
    DiskFull(#[from] DiskFull),
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
    /// Bytes of the archive itself.
    Packed,
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
            Self::Bytes | Self::Packed => "--max-unpacked",
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

impl FetchError {
    /// Why the tries to fetch `from` came to nothing.
    pub(super) fn of(trouble: Trouble<Self>, from: &SafeUrl) -> Self {
        let from = from.clone();
        match trouble {
            Trouble::Stopped(why) => Self::Stopped { from, why },
            Trouble::Transfer(cause) => Self::Transfer { from, cause },
            Trouble::Final(error) => error,
        }
    }

    /// Whether the bytes that came are not what they should be.
    pub(super) fn is_of_contents(&self) -> bool {
        match self {
            Self::Checksum { .. } => true,
            Self::Unpack { cause, .. } => {
                matches!(cause, UnpackError::NotAnArchive { .. } | UnpackError::Corrupt { .. })
            }
            Self::Transfer { .. } | Self::Copy { .. } | Self::Stopped { .. } => false,
        }
    }
}

fn too_much(bound: Bound, limit: u64, entry: Option<&String>) -> String {
    let of = entry.map_or("the archive".to_owned(), |entry| format!("the entry {entry:?}"));
    match bound {
        Bound::Bytes => format!("{of} unpacks to more than {}", size::bytes(limit)),
        Bound::Packed => format!("{of} is larger than {}", size::bytes(limit)),
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
