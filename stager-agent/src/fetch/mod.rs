//! Gets an archive into a directory: HTTP, checksum, unpacking, several tries. Start with [`fetch`].
//!
//! Nothing is written down on the way except what is unpacked: the body runs from the socket through the checksum
//! and the inflater to the disk (only a zip needs a spool file). Which archives, where to, and what a failure means
//! for the staging, is for others.

mod archive;
mod body;
mod cached_copy;
mod checksum;
mod client;
mod download;
mod error;
mod get;
mod hashed;
mod probe;
mod refusal;
mod retry;
mod tally;
mod target_dir;
mod validators;

#[cfg(test)]
pub(crate) mod loopback;
#[cfg(test)]
mod tests;

pub(crate) use archive::{Archive, Fetched};
pub(crate) use cached_copy::{CachedCopy, unpack_cached_copy};
pub(crate) use checksum::{Checksum, ChecksumError};
pub(crate) use client::Http;
pub(crate) use download::fetch;
pub(crate) use error::FetchError;
pub(crate) use hashed::{Hashed, hashed};
pub(crate) use probe::{Probed, probe};
pub(crate) use retry::{AttemptError, Retries, with_retries};
pub(crate) use validators::{Known, Validators};
