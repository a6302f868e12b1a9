//! Gets an archive into a directory: HTTP, checksum, unpacking, three tries. Start with [`fetch`].
//!
//! Nothing is written down on the way except what is unpacked: the body runs from the socket through the checksum
//! and the inflater to the disk (only a zip needs a spool file). Which archives, where to, and what a failure means
//! for the staging, is for others.

mod address;
mod blame;
mod body;
mod checksum;
mod error;
mod http;
mod patience;
mod place;
mod retry;
mod tally;
mod trust;
mod unpack;

#[cfg(test)]
pub(crate) mod loopback;
#[cfg(test)]
mod tests;

pub(crate) use address::Address;
pub(crate) use checksum::{Checksum, ChecksumError};
pub(crate) use error::{FetchError, TransferError, UnpackError, status_text};
pub(crate) use http::Http;
pub(crate) use patience::Patience;
pub(crate) use retry::{Trouble, with_retries};
pub(crate) use trust::{Trust, TrustError, Verify};

use crate::scope::Scope;
use body::Body;
use place::Before;
use shared_model::event::Event;
use shared_model::safe_url::SafeUrl;
use std::path::Path;
use std::time::Instant;
use tally::Tally;
use unpack::{Tree, Unpacked};

/// One archive to fetch.
#[derive(Clone, Debug)]
pub(crate) struct Archive<'a> {
    /// What it is, for people: `nodejs_buildpack`; may be empty.
    pub(crate) name: &'a str,
    /// Where from. Userinfo becomes basic authentication.
    pub(crate) from: &'a SafeUrl,
    /// The directory it is unpacked in; absolute. It and its parents are made where missing (0755).
    pub(crate) to: &'a Path,
    /// What the body must hash to; `None`: not checked.
    pub(crate) checksum: Option<Checksum>,
    /// Who shall own what is unpacked, and the directories made for it; only root can give things away.
    /// `None`: whoever we are.
    pub(crate) owner: Option<Owner>,
}

/// A user and a group by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// The user.
    pub(crate) uid: u32,
    /// The group.
    pub(crate) gid: u32,
}

/// What arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fetched {
    /// Bytes of the archive, compressed as it came.
    pub(crate) bytes: u64,
    /// Entries unpacked.
    pub(crate) entries: u64,
}

/// Fetches `archive` and unpacks it. Emits `Downloading`, `DownloadProgress`, `Retrying`, `Warning` and `Downloaded`;
/// notices within about a second when `scope` is stopped.
///
/// # Errors
/// See [`FetchError`]. A directory that was empty or missing before is empty afterwards, so that half an archive is
/// not taken for a whole one; in one that held something, some entries may have been replaced.
pub(crate) fn fetch(http: &Http, archive: &Archive, scope: &Scope) -> Result<Fetched, FetchError> {
    let (name, to, from) = (archive.name.to_owned(), archive.to.display().to_string(), archive.from.to_string());
    scope.emit(Event::Downloading { name: name.clone(), to: to.clone(), from });
    let started = Instant::now();

    let tried = with_retries(archive.from, http.patience(), scope, || attempt(http, archive, scope));
    let (bytes, unpacked) = tried.map_err(|trouble| {
        let from = archive.from.clone();
        match trouble {
            Trouble::Stopped(why) => FetchError::Stopped { from, why },
            Trouble::Transfer(cause) => FetchError::Transfer { from, cause },
            Trouble::Final(error) => error,
        }
    })?;

    for text in warnings(&unpacked, &to) {
        scope.emit(Event::Warning { text });
    }
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    scope.emit(Event::Downloaded { name, to, bytes, entries: unpacked.entries, ms });
    Ok(Fetched { bytes, entries: unpacked.entries })
}

fn attempt(http: &Http, archive: &Archive, scope: &Scope) -> Result<(u64, Unpacked), Trouble<FetchError>> {
    let body = Body::open(http, archive.from, scope)?;
    let to = archive.to.display().to_string();
    let mut body = Tally::new(body, archive.checksum.as_ref(), to, scope);
    let before = place::make(archive.to, archive.owner).map_err(|cause| failed(archive, cause))?;

    let unpacked = match receive(&mut body, archive, scope) {
        Ok(unpacked) => unpacked,
        Err(trouble) => {
            if before == Before::Nothing {
                place::empty(archive.to).map_err(|cause| failed(archive, cause))?;
            }
            return Err(trouble);
        }
    };
    Ok((body.bytes(), unpacked))
}

fn receive(body: &mut Tally, archive: &Archive, scope: &Scope) -> Result<Unpacked, Trouble<FetchError>> {
    let unpacked = Tree::open(archive.to, archive.owner).and_then(|mut tree| unpack::unpack(body, &mut tree, scope));
    // Also after a failure: a body with another checksum is not "damaged", it is another.
    let read = match &unpacked {
        Err(UnpackError::Disk { .. }) => Ok(()),
        _ => body.read_to_the_end(),
    };
    // Whatever unpacking complains about, these are the reasons behind it.
    if let Some(why) = scope.stopped() {
        return Err(Trouble::Stopped(why));
    }
    if let Some(cause) = body.failure() {
        return Err(Trouble::Transfer(cause));
    }
    if let Err(cause) = read {
        return Err(failed(archive, UnpackError::Corrupt { entry: None, cause }));
    }
    if !matches!(unpacked, Err(UnpackError::Disk { .. })) {
        body.compare(archive.checksum.as_ref()).map_err(|checksum::Mismatch { algorithm, wanted, found }| {
            Trouble::Final(FetchError::Checksum { from: archive.from.clone(), algorithm, wanted, found })
        })?;
    }
    unpacked.map_err(|cause| failed(archive, cause))
}

fn failed(archive: &Archive, cause: UnpackError) -> Trouble<FetchError> {
    Trouble::Final(FetchError::Unpack { from: archive.from.clone(), to: archive.to.to_owned(), cause })
}

fn warnings(unpacked: &Unpacked, to: &str) -> Vec<String> {
    let mut texts = Vec::new();
    if unpacked.backslashes {
        texts.push(format!("the archive for {to} appears to use backslashes as path separators"));
    }
    if let Some((count, first)) = &unpacked.pipes {
        texts.push(format!("the archive for {to} holds {count} named pipe(s), left out: {first}"));
    }
    texts
}
