//! Sends a file to cc-uploader: raw body, Content-Length (it answers 411 without), Content-MD5 (Cloud Controller checks
//! it), several tries. Which files, and what a failure means, is for others.

mod answer;
mod cargo;
mod error;
mod post;

#[cfg(test)]
mod tests;

pub(crate) use error::UploadError;

use crate::build::user::User;
use crate::fetch::{Http, Tries, Trouble, with_retries};
use crate::left_file::{self, LeftFile, LeftFileError};
use crate::scope::Scope;
use cargo::Cargo;
use shared_model::event::Event;
use shared_model::safe_url::SafeUrl;
use std::path::Path;
use std::time::Instant;

/// The largest file that is taken. Cloud Controller's own limit is far below.
const LARGEST: u64 = 16 << 30;

/// One file to send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parcel<'a> {
    /// What it is, for people: `droplet`; may be empty.
    pub(crate) name: &'a str,
    /// The file's name, for people.
    pub(crate) path: &'a Path,
    /// The file, as [`open`] gave it.
    pub(crate) file: &'a LeftFile,
    /// Where to.
    pub(crate) to: &'a SafeUrl,
}

/// What was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// The file's size.
    pub(crate) bytes: u64,
    /// The file's sha256, in hexadecimal digits.
    pub(crate) sha256: String,
}

/// Opens a file to send: see [`left_file::open`]. It has at least one byte.
///
/// # Errors
/// [`UploadError::File`], [`UploadError::Empty`], [`UploadError::NotTaken`].
pub(crate) fn open(path: &Path, owners: &[User]) -> Result<LeftFile, UploadError> {
    match left_file::open(path, owners, LARGEST) {
        Ok(LeftFile { bytes: 0, .. }) => Err(UploadError::Empty { path: path.to_owned() }),
        Ok(file) => Ok(file),
        Err(LeftFileError::Unreadable(cause)) => Err(UploadError::File { path: path.to_owned(), cause }),
        Err(cause) => Err(UploadError::NotTaken { path: path.to_owned(), cause }),
    }
}

/// The sha256 of a file that is not sent, as [`Sent`] would have it.
///
/// # Errors
/// [`UploadError::File`], [`UploadError::Stopped`].
pub(crate) fn sha256(parcel: &Parcel, scope: &Scope) -> Result<String, UploadError> {
    let digests = Cargo::of(parcel.file).digests(parcel.path, scope);
    Ok(digests.map_err(|trouble| told(parcel, trouble))?.sha256)
}

/// Uploads `parcel`. Emits `Uploading`, `Retrying` and `Uploaded`; notices within about a second when `scope` is stopped.
///
/// # Errors
/// See [`UploadError`].
pub(crate) fn upload(http: &Http, parcel: &Parcel, scope: &Scope) -> Result<Sent, UploadError> {
    let &Parcel { name, path, file, to } = parcel;
    let cargo = Cargo::of(file);
    let bytes = cargo.bytes;
    let from = path.display().to_string();
    scope.emit(Event::Uploading { name: name.to_owned(), from, to: to.to_string(), bytes });
    let started = Instant::now();

    let sent = cargo.digests(path, scope).and_then(|digests| {
        let post = |tries: &Tries| post::post(http, &cargo, &digests.content_md5, to, tries);
        with_retries(to, http.patience(), scope, post).map(|()| digests.sha256)
    });
    let sha256 = sent.map_err(|trouble| told(parcel, trouble))?;

    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    scope.emit(Event::Uploaded { name: name.to_owned(), bytes, ms });
    Ok(Sent { bytes, sha256 })
}

fn told(parcel: &Parcel, trouble: Trouble<UploadError>) -> UploadError {
    let (path, to) = (parcel.path.to_owned(), parcel.to.clone());
    match trouble {
        Trouble::Stopped(why) => UploadError::Stopped { path, to, why },
        Trouble::Transfer(cause) => UploadError::Transfer { path, to, cause },
        Trouble::Final(error) => error,
    }
}
