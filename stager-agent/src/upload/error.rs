//! Why a file did not reach its receiver.

use crate::fetch::TransferError;
use crate::left_file::LeftFileError;
use crate::scope::Stopped;
use shared_model::safe_url::SafeUrl;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// A file did not reach its receiver.
#[derive(Debug, Error)]
pub(crate) enum UploadError {
    /// It does not exist, or cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// There is nothing in it. cc-uploader would answer 411.
    #[error("{} is empty", path.display())]
    Empty {
        /// Which.
        path: PathBuf,
    },
    /// It is a directory, a symbolic link, another's file, or the like.
    #[error("{} is not taken", path.display())]
    NotTaken {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: LeftFileError,
    },
    /// The receiver did not take it.
    #[error("cannot upload {} to {to}", path.display())]
    Transfer {
        /// The file.
        path: PathBuf,
        /// Where to.
        to: SafeUrl,
        /// Why.
        #[source]
        cause: TransferError,
    },
    /// Ended before its end.
    #[error("the upload of {} to {to} was stopped", path.display())]
    Stopped {
        /// The file.
        path: PathBuf,
        /// Where to.
        to: SafeUrl,
        /// By what.
        why: Stopped,
    },
}
