//! Sends a file to cc-uploader: raw body, Content-Length (it answers 411 without), Content-MD5 (Cloud Controller checks
//! it), several tries. Which files, and what a failure means, is for others.

mod answer;
mod cargo;
mod post;

#[cfg(test)]
mod tests;

use crate::fetch::{Http, TransferError, Trouble, with_retries};
use crate::scope::{Scope, Stopped};
use cargo::Cargo;
use shared_model::event::Event;
use shared_model::safe_url::SafeUrl;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;
use thiserror::Error;

/// One file to send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parcel<'a> {
    /// What it is, for people: `droplet`; may be empty.
    pub(crate) name: &'a str,
    /// The file; a regular one with at least one byte.
    pub(crate) file: &'a Path,
    /// Where to.
    pub(crate) to: &'a SafeUrl,
}

/// What was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// The file's size.
    pub(crate) bytes: u64,
}

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
    /// It is a directory, a symbolic link, a device, or the like.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// Which.
        path: PathBuf,
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

/// Uploads `parcel`. Emits `Uploading`, `Retrying` and `Uploaded`; notices within about a second when `scope` is stopped.
///
/// # Errors
/// See [`UploadError`].
pub(crate) fn upload(http: &Http, parcel: &Parcel, scope: &Scope) -> Result<Sent, UploadError> {
    let &Parcel { name, file, to } = parcel;
    let cargo = Cargo::open(file)?;
    let bytes = cargo.bytes;
    let from = file.display().to_string();
    scope.emit(Event::Uploading { name: name.to_owned(), from, to: to.to_string(), bytes });
    let started = Instant::now();

    let md5 = cargo.content_md5(file, scope);
    let sent =
        md5.and_then(|md5| with_retries(to, http.patience(), scope, |tries| post::post(http, &cargo, &md5, to, tries)));
    sent.map_err(|trouble| match trouble {
        Trouble::Stopped(why) => UploadError::Stopped { path: file.to_owned(), to: to.clone(), why },
        Trouble::Transfer(cause) => UploadError::Transfer { path: file.to_owned(), to: to.clone(), cause },
        Trouble::Final(error) => error,
    })?;

    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    scope.emit(Event::Uploaded { name: name.to_owned(), bytes, ms });
    Ok(Sent { bytes })
}
