//! Whose certificates are believed.

use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// Where trust comes from, besides the system's own bundle.
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    /// PEM files with certificates, each of which must be readable.
    pub(crate) files: Vec<PathBuf>,
    /// A directory whose `*.crt` and `*.pem` are added; one that does not exist adds nothing.
    pub(crate) folder: Option<PathBuf>,
    /// Whether certificates are looked at.
    pub(crate) verify: Verify,
}

/// Whether certificates are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verify {
    /// As usual.
    Yes,
    /// Any certificate will do. Whoever asks for this warns the user.
    Skip,
}

/// A certificate file cannot be used.
#[derive(Debug, Error)]
pub(crate) enum TrustError {
    /// It cannot be read.
    #[error("cannot read the certificates in {}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// There is no certificate in it, or none that can be parsed.
    #[error("{} holds no certificate in PEM form", path.display())]
    NoCertificate {
        /// Which.
        path: PathBuf,
    },
}
