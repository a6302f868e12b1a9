//! Sends a file to cc-uploader: raw body, Content-Length (it answers 411 without), Content-MD5 and Content-Digest (Cloud
//! Controller checks them), several tries. Which files, and what a failure means, is for others.

mod body;
mod error;
mod post;
mod response;

#[cfg(test)]
mod tests;

pub(crate) use error::UploadError;

use crate::build::user::User;
use crate::fetch::{AttemptError, Http, Retries, with_retries};
use crate::session::scope::Scope;
use crate::session::steps::milliseconds_since;
use crate::untrusted_file::{self, UntrustedFile, UntrustedFileError};
use body::UploadDigests;
use shared_model::event::Event;
use shared_model::safe_url::SafeUrl;
use std::path::Path;
use std::time::Instant;

/// The largest file that is taken. Cloud Controller's own limit is far below.
const LARGEST: u64 = 16 << 30;

/// One file to send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Upload<'a> {
    /// What it is, for people: `droplet`; may be empty.
    pub(crate) name: &'a str,
    /// The file's name, for people.
    pub(crate) path: &'a Path,
    /// The file, as [`open`] gave it.
    pub(crate) file: &'a UntrustedFile,
    pub(crate) to: &'a SafeUrl,
}

/// Opens a file to send: see [`untrusted_file::open`]. It has at least one byte.
///
/// # Errors
/// [`UploadError::File`], [`UploadError::Empty`], [`UploadError::NotTaken`].
pub(crate) fn open(path: &Path, owners: &[User]) -> Result<UntrustedFile, UploadError> {
    match untrusted_file::open(path, owners, LARGEST) {
        Ok(UntrustedFile { bytes: 0, .. }) => Err(UploadError::Empty { path: path.to_owned() }),
        Ok(file) => Ok(file),
        Err(UntrustedFileError::Unreadable(cause)) => Err(UploadError::File { path: path.to_owned(), cause }),
        Err(cause) => Err(UploadError::NotTaken { path: path.to_owned(), cause }),
    }
}

/// The sha256 of a file that is not sent, in hexadecimal digits.
///
/// # Errors
/// [`UploadError::File`], [`UploadError::Stopped`].
pub(crate) fn sha256(upload: &Upload, scope: &Scope) -> Result<String, UploadError> {
    let digests = UploadDigests::read(upload.file, upload.path, scope);
    Ok(digests.map_err(|error| upload_error(upload, error))?.sha256)
}

/// Uploads `upload`, and gives the sha256 of what was sent. Emits `Uploading`, `Retrying` and `Uploaded`; notices within
/// about a second when `scope` is stopped.
pub(crate) fn upload(http: &Http, upload: &Upload, scope: &Scope) -> Result<String, UploadError> {
    let &Upload { name, path, file, to } = upload;
    let (bytes, from) = (file.bytes, path.display().to_string());
    scope.emit(Event::Uploading { name: name.to_owned(), from, to: to.to_string(), bytes });
    let started = Instant::now();

    let sent = UploadDigests::read(file, path, scope).and_then(|digests| {
        let post = |retries: &Retries| post::post(http, file, &digests, to, retries);
        with_retries(to, http.timeouts(), scope, post).map(|()| digests.sha256)
    });
    let sha256 = sent.map_err(|error| upload_error(upload, error))?;

    let ms = milliseconds_since(started);
    scope.emit(Event::Uploaded { name: name.to_owned(), bytes, ms });
    Ok(sha256)
}

fn upload_error(upload: &Upload, error: AttemptError<UploadError>) -> UploadError {
    let (path, to) = (upload.path.to_owned(), upload.to.clone());
    match error {
        AttemptError::Stopped(why) => UploadError::Stopped { path, to, why },
        AttemptError::Transfer(cause) => UploadError::Transfer { path, to, cause },
        AttemptError::Final(error) => error,
    }
}
