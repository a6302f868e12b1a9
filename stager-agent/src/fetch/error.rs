//! What can go wrong between a URL and a directory. The words for people (what to try) are made of these elsewhere;
//! no text here holds a secret: URLs redact themselves, and the HTTP library's own texts, which quote URLs and
//! headers, are not used.

use super::retry::AttemptError;
use crate::session::scope::Stopped;
use crate::unpack::UnpackError;
use http_client::TransferError;
use shared_model::safe_url::SafeUrl;
use std::io;
use std::path::PathBuf;

/// An archive is not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("cannot download {from}")]
    Transfer {
        from: SafeUrl,
        #[source]
        cause: TransferError,
    },
    /// It arrived, and is another.
    #[error("{from} is not what the request asks for: its {algorithm} is {found}, not {wanted}")]
    Checksum {
        from: SafeUrl,
        /// `sha256`.
        algorithm: &'static str,
        /// Hex, of the request.
        wanted: String,
        /// Hex, of the body.
        found: String,
    },
    #[error("cannot unpack {from} into {}", to.display())]
    Unpack {
        from: SafeUrl,
        to: PathBuf,
        #[source]
        cause: UnpackError,
    },
    #[error("cannot keep a copy of {from}")]
    Copy {
        from: SafeUrl,
        #[source]
        cause: io::Error,
    },
    #[error("the download of {from} was stopped")]
    Stopped { from: SafeUrl, why: Stopped },
}

impl FetchError {
    /// Why the tries to fetch `from` came to nothing.
    pub(super) fn from_attempt(error: AttemptError<Self>, from: &SafeUrl) -> Self {
        let from = from.clone();
        match error {
            AttemptError::Stopped(why) => Self::Stopped { from, why },
            AttemptError::Transfer(cause) => Self::Transfer { from, cause },
            AttemptError::Final(error) => error,
        }
    }

    /// Whether the bytes that came are not what they should be.
    pub(super) fn is_of_contents(&self) -> bool {
        use UnpackError::{Corrupt, NotAnArchive};
        matches!(self, Self::Checksum { .. } | Self::Unpack { cause: NotAnArchive { .. } | Corrupt { .. }, .. })
    }
}
