//! Why a file did not reach its receiver.

use crate::session::scope::Stopped;
use crate::untrusted_file::UntrustedFileError;
use http_client::TransferError;
use shared_model::safe_url::SafeUrl;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// A file did not reach its receiver.
#[derive(Debug, Error)]
pub(crate) enum UploadError {
    #[error("cannot read {}", path.display())]
    File {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    /// There is nothing in it. cc-uploader would answer 411.
    #[error("{} is empty", path.display())]
    Empty { path: PathBuf },
    /// It is a directory, a symbolic link, another's file, or the like.
    #[error("{} is not taken", path.display())]
    NotTaken {
        path: PathBuf,
        #[source]
        cause: UntrustedFileError,
    },
    #[error("cannot upload {} to {to}", path.display())]
    Transfer {
        path: PathBuf,
        to: SafeUrl,
        #[source]
        cause: TransferError,
    },
    #[error("the upload of {} to {to} was stopped", path.display())]
    Stopped { path: PathBuf, to: SafeUrl, why: Stopped },
}
