//! What can go wrong between a URL and a directory. The words for people (what to try) are made of these elsewhere;
//! no text here holds a secret: URLs redact themselves, and the HTTP library's own texts, which quote URLs and
//! headers, are not used.

use super::retry::Trouble;
use super::transfer_error::TransferError;
use crate::scope::Stopped;
use crate::unpack::UnpackError;
use shared_model::safe_url::SafeUrl;
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
