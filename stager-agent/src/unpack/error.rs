//! Why an archive cannot be unpacked. The words for people (what to try) are made of these elsewhere.

use crate::disk_budget::DiskFull;
use shared_model::size;
use std::io;
use std::path::PathBuf;

/// An archive cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnpackError {
    /// The body has no bytes.
    #[error("the archive is empty (0 bytes)")]
    Empty,
    #[error("this is not a tar, tgz or zip archive: it looks like {looks_like}")]
    NotAnArchive {
        /// In words: `an HTML page`, `bytes 42 5a 68 …`.
        looks_like: String,
    },
    #[error("the archive is damaged{}", at(entry.as_ref()))]
    Corrupt {
        /// The entry where this showed; `None` where it is the archive as a whole.
        entry: Option<String>,
        #[source]
        cause: io::Error,
    },
    #[error("the entry {entry:?} would leave its directory ({how})")]
    Escapes {
        /// Its name in the archive.
        entry: String,
        /// `..`, an absolute path, through a symbolic link, a hard link's target.
        how: &'static str,
    },
    /// An entry that has no business in an archive, or that we do not know how to unpack.
    #[error("the entry {entry:?} {what}")]
    Forbidden {
        /// Its name in the archive.
        entry: String,
        /// `is a device`, `is encrypted`, …
        what: &'static str,
    },
    /// It asks for more than an archive may.
    #[error("{}", too_much(*bound, *limit, entry.as_ref()))]
    LimitExceeded {
        bound: Bound,
        /// How much is allowed.
        limit: u64,
        /// The entry; `None` where it is the archive as a whole.
        entry: Option<String>,
    },
    /// The request's `disk_mb` has no room for it.
    #[error(transparent)]
    DiskFull(#[from] DiskFull),
    #[error("cannot write {}", path.display())]
    Disk {
        path: PathBuf,
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
    pub(crate) fn from_reading(entry: Option<String>, cause: io::Error) -> Self {
        cause.downcast().unwrap_or_else(|cause| Self::Corrupt { entry, cause })
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
        Bound::Target if entry.is_none() => format!("{of} has a link to a name of more than {limit} bytes"),
        Bound::Target => format!("{of} is a link to a name of more than {limit} bytes"),
    }
}

fn at(entry: Option<&String>) -> String {
    entry.map_or(String::new(), |entry| format!(" at {entry:?}"))
}
