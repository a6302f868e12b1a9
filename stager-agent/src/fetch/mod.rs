//! Gets an archive into a directory: HTTP, checksum, unpacking, several tries. Start with [`fetch`].
//!
//! Nothing is written down on the way except what is unpacked: the body runs from the socket through the checksum
//! and the inflater to the disk (only a zip needs a spool file). Which archives, where to, and what a failure means
//! for the staging, is for others.

mod anyone;
mod archive;
mod body;
mod cached_copy;
mod checksum;
mod classify;
mod client;
mod download;
mod error;
mod get;
mod hashed;
mod own_certificate;
mod probe;
mod proxy;
mod refusal;
mod retry;
mod tally;
mod target_dir;
mod timeouts;
mod tls_connector;
mod transfer_error;
mod trust;
mod validators;
mod watched_transport;

#[cfg(test)]
pub(crate) mod loopback;
#[cfg(test)]
mod tests;

pub(crate) use archive::{Archive, Fetched};
pub(crate) use cached_copy::{CachedCopy, unpack_cached_copy};
pub(crate) use checksum::{Checksum, ChecksumError};
pub(crate) use client::{ClientError, Http};
pub(crate) use download::fetch;
pub(crate) use error::FetchError;
pub(crate) use hashed::{Hashed, hashed};
pub(crate) use own_certificate::OwnCertificate;
#[cfg(test)]
pub(crate) use own_certificate::OwnCertificateError;
pub(crate) use probe::{Probed, probe};
#[cfg(test)]
pub(crate) use proxy::ProxyError;
pub(crate) use retry::{AttemptError, Retries, retry_after, with_retries};
pub(crate) use timeouts::{Timeouts, duration};
pub(crate) use transfer_error::{TransferError, status_text};
pub(crate) use trust::{Trust, TrustError, Verify};
pub(crate) use validators::{Known, Validators};
