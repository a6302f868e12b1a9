//! Gets an archive into a directory: HTTP, checksum, unpacking, several tries. Start with [`fetch`].
//!
//! Nothing is written down on the way except what is unpacked: the body runs from the socket through the checksum
//! and the inflater to the disk (only a zip needs a spool file). Which archives, where to, and what a failure means
//! for the staging, is for others.

mod archive;
mod ask;
mod blame;
mod body;
mod checksum;
mod download;
mod error;
mod hashed;
mod head;
mod http;
mod kept;
mod line;
mod own_certificate;
mod patience;
mod pem;
mod place;
mod proxy;
mod retry;
mod tally;
mod transfer_error;
mod trust;
mod validators;

#[cfg(test)]
pub(crate) mod loopback;
#[cfg(test)]
mod tests;

pub(crate) use archive::{Archive, Arrival, Fetched};
pub(crate) use ask::{Asked, ask};
pub(crate) use checksum::{Checksum, ChecksumError};
pub(crate) use download::fetch;
pub(crate) use error::FetchError;
pub(crate) use hashed::{Hashed, hashed};
pub(crate) use http::{ClientError, Http};
pub(crate) use kept::{Kept, unpack_kept};
pub(crate) use own_certificate::OwnCertificate;
#[cfg(test)]
pub(crate) use own_certificate::OwnCertificateError;
pub(crate) use patience::{Patience, duration};
#[cfg(test)]
pub(crate) use proxy::ProxyError;
pub(crate) use retry::{Tries, Trouble, retry_after, with_retries};
pub(crate) use transfer_error::{TransferError, status_text};
pub(crate) use trust::{Trust, TrustError, Verify};
pub(crate) use validators::{Known, Validators};
