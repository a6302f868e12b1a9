//! Why there is no cache to work with. A damaged entry is no error: it is fetched again.

use crate::session::scope::Stopped;
use rustix::io::Errno;
use shared_model::plain_line::escape_control;
use shared_model::size;
use std::io;
use std::path::PathBuf;

/// The cache cannot be used, or not for this.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CacheError {
    /// The agent is not root, or the file system does not let root own files: entries could be changed by the builder.
    #[error("{} cannot keep a cache: {why}", root.display())]
    NotOurs {
        root: PathBuf,
        /// `the agent is user 2000, not root`.
        why: String,
    },
    /// The directory cannot be trusted, or is no cache.
    #[error("{} cannot be used as a cache: {why}", path.display())]
    Unusable {
        /// The directory, or what is in it.
        path: PathBuf,
        /// `others may write to it (mode 0777)`.
        why: String,
    },
    #[error("{} holds a cache of format {format}, and this stager knows format {known}", root.display())]
    TooNew {
        root: PathBuf,
        /// What its format file says.
        format: u32,
        /// The newest that is known here.
        known: u32,
    },
    /// An entry that takes more than all of them together may.
    #[error("it is too large for the cache: it takes {}, and the cache's limit is {}", size::bytes(*bytes), size::bytes(*limit))]
    TooLarge {
        /// As [`super::Record::bytes`] counts.
        bytes: u64,
        limit: u64,
    },
    /// What was typed is no key in the cache, nor the start of one.
    #[error("no cache entry has the key {:?}", escape_control(key))]
    NoSuchKey { key: String },
    /// It is the start of several.
    #[error("{} keys begin with {:?}: {}", keys.len(), escape_control(key), escape_control(&keys.join(", ")))]
    AmbiguousKey { key: String, keys: Vec<String> },
    #[error("cannot {action} {}", path.display())]
    Io {
        /// `read`, `lock`, …
        action: &'static str,
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    /// The staging, or its patience, ended while it waited for another that fetches the same.
    #[error("no longer waiting for another staging that fetches the same")]
    Stopped(Stopped),
}

impl CacheError {
    /// Makes an error of a system call's.
    pub(super) fn io<E: Into<io::Error>>(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(E) -> Self {
        let path = path.into();
        move |cause| Self::Io { action, path, cause: cause.into() }
    }
}

/// Whether an error says that a file is not what it was; else it says something of us, such as too many open files.
pub(super) fn is_damage(error: &io::Error) -> bool {
    const EUCLEAN: i32 = 117; // "structure needs cleaning", which rustix does not name
    let of_disk =
        [Errno::NOENT, Errno::NOTDIR, Errno::ISDIR, Errno::LOOP, Errno::IO, Errno::BADMSG].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|code| of_disk.contains(&code) || code == EUCLEAN)
}
