//! Gets an archive into a directory: HTTP, checksum, unpacking, several tries. Start with [`fetch`].
//!
//! Nothing is written down on the way except what is unpacked: the body runs from the socket through the checksum
//! and the inflater to the disk (only a zip needs a spool file). Which archives, where to, and what a failure means
//! for the staging, is for others.

mod address;
mod ask;
mod blame;
mod body;
mod checksum;
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

pub(crate) use address::Address;
pub(crate) use ask::{Asked, ask};
pub(crate) use checksum::{Checksum, ChecksumError};
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

use crate::disk_budget::DiskBudget;
use crate::scope::Scope;
use crate::tree_digest::Contents;
use crate::unpack::{self, Bound, Limits, Owner, UnpackError, Unpacked};
use body::Body;
use checksum::{Authority, Mismatch};
use head::Question;
use place::Place;
use shared_model::event::Event;
use shared_model::safe_url::SafeUrl;
use std::fs::File;
use std::io::Seek as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tally::{Tally, Told};

/// Bytes that are read after an archive was refused, so that its checksum can tell whether it was the right one.
const LISTEN_AFTER_FAILURE: u64 = 64 << 20;

/// One archive to fetch.
#[derive(Clone, Debug)]
pub(crate) struct Archive<'a> {
    /// What it is, for people: `nodejs_buildpack`; may be empty.
    pub(crate) name: &'a str,
    /// Where from. Userinfo becomes basic authentication.
    pub(crate) from: &'a SafeUrl,
    /// Where it appears, for people; absolute.
    pub(crate) to: &'a Path,
    /// The directory that it is unpacked in; absolute. `None`: `to`. It and its parents are made where missing (0755).
    pub(crate) into: Option<&'a Path>,
    /// What the body must hash to; `None`: only an ETag that is an MD5 is compared.
    pub(crate) checksum: Option<Checksum>,
    /// Who shall own what is unpacked, and the directories made for it; only root can give things away.
    /// `None`: whoever we are.
    pub(crate) owner: Option<Owner>,
    /// The validators of the one that is there already: the server is asked for another one only, and asked once, for
    /// whoever has one can do without an answer. They must be of the same origin. `None`: there is none.
    pub(crate) known: Option<&'a Validators>,
    /// A file, to be written and read, that gets the archive as it came; empty where nothing arrived. It is whole when
    /// the archive is [`Fetched`].
    pub(crate) copy: Option<&'a File>,
    /// What it may ask for.
    pub(crate) limits: &'a Limits,
    /// What its contents draw on, while they are there; `None`: on nobody's.
    pub(crate) disk: Option<&'a Arc<DiskBudget>>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It is unpacked.
    Fresh(Fetched),
    /// The one that is known is still the right one (304); nothing was written.
    Unchanged,
}

/// What arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fetched {
    /// Bytes of the archive, compressed as it came.
    pub(crate) bytes: u64,
    /// Entries unpacked.
    pub(crate) entries: u64,
    /// Of the archive as it came, in lower-case hex.
    pub(crate) sha256: String,
    /// What the server gave to ask for another one with.
    pub(crate) validators: Validators,
    /// Whether it came over TLS with verified certificates all the way. A checksum of the request is another matter.
    pub(crate) verified: bool,
    /// The address and port that it came from, the last one after redirects, or a proxy's; `None`: nobody can tell.
    pub(crate) peer: Option<SocketAddr>,
    /// A digest of all files unpacked, for the cache; `None` where it takes reading them to tell.
    pub(crate) contents: Option<Contents>,
}

/// Fetches `archive` and unpacks it. Emits `Downloading`, `DownloadProgress`, `Retrying`, `Warning` and `Downloaded`
/// (nothing for [`Arrival::Unchanged`]); notices within about a second when `scope` is stopped.
///
/// # Errors
/// See [`FetchError`]. A directory that was empty or missing before is empty afterwards, so that half an archive is
/// not taken for a whole one; in one that held something, some entries may have been replaced.
pub(crate) fn fetch(http: &Http, archive: &Archive, scope: &Scope) -> Result<Arrival, FetchError> {
    let started = Instant::now();
    if archive.known.is_none() {
        announce(archive, scope);
    }
    let tried = with_retries(archive.from, http.patience(), scope, |tries| attempt(http, archive, tries, scope));
    let arrived = tried.map_err(|trouble| FetchError::of(trouble, archive.from))?;
    let Some((told, unpacked)) = arrived else { return Ok(Arrival::Unchanged) };

    let (name, to) = (archive.name.to_owned(), archive.to.display().to_string());
    for text in warnings(&unpacked, &to) {
        scope.emit(Event::Warning { text });
    }
    let Told { bytes, sha256, validators, verified, peer } = told;
    let Unpacked { entries, contents, .. } = unpacked;
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    scope.emit(Event::Downloaded { name, to, bytes, entries, ms });
    Ok(Arrival::Fresh(Fetched { bytes, entries, sha256, validators, verified, peer, contents }))
}

fn announce(archive: &Archive, scope: &Scope) {
    let (name, to, from) = (archive.name.to_owned(), archive.to.display().to_string(), archive.from.to_string());
    scope.emit(Event::Downloading { name, to, from });
}

fn attempt(
    http: &Http,
    archive: &Archive,
    tries: &Tries,
    scope: &Scope,
) -> Result<Option<(Told, Unpacked)>, Trouble<FetchError>> {
    let question = archive.known.map_or(Question::Whole, |known| Question::Changed(known.clone()));
    let opened = Body::open(http, archive.from, question, tries);
    let body = match (opened, archive.known) {
        (Err(Trouble::Transfer(cause)), Some(_)) => {
            return Err(Trouble::Final(FetchError::Transfer { from: archive.from.clone(), cause }));
        }
        (opened, _) => match opened? {
            None => return Ok(None),
            Some(body) => body,
        },
    };
    if archive.known.is_some() {
        announce(archive, scope);
    }
    if let Some(copy) = archive.copy {
        start_over(copy).map_err(|cause| uncopied(archive, cause))?;
    }
    let coding = body.coding().map(str::to_owned);
    let to = archive.to.display().to_string();
    let body = Tally::new(body, archive.checksum.clone(), archive.copy, Some(to), scope);
    let place = Place::of(archive).map_err(|cause| failed(archive, cause))?;
    receive(body, archive, &place, scope).map(Some).or_else(|trouble| {
        place.clear().map_err(|cause| failed(archive, cause))?;
        Err(match (trouble, coding) {
            (Trouble::Final(error), Some(coding)) if error.is_of_contents() => Trouble::Final(FetchError::Transfer {
                from: archive.from.clone(),
                cause: TransferError::Encoded { coding },
            }),
            (trouble, _) => trouble,
        })
    })
}

fn receive(
    mut body: Tally,
    archive: &Archive,
    place: &Place,
    scope: &Scope,
) -> Result<(Told, Unpacked), Trouble<FetchError>> {
    let unpacked =
        place.tree().and_then(|mut tree| unpack::unpack(&mut body, archive.copy, &mut tree, archive.limits, scope));
    // Also after a failure: a body with another checksum is not "damaged", it is another. But nobody has to be listened
    // to for ever.
    let read = match &unpacked {
        Ok(_) => body.read_on(archive.limits.bytes),
        Err(UnpackError::Disk { .. } | UnpackError::DiskFull(_) | UnpackError::Beyond { .. }) => Ok(false),
        Err(_) => body.read_on(LISTEN_AFTER_FAILURE),
    };
    // Whatever unpacking complains about, these are the reasons behind it.
    if let Some(why) = scope.stopped() {
        return Err(Trouble::Stopped(why));
    }
    if let Some(cause) = body.failure() {
        return Err(Trouble::Transfer(cause));
    }
    if let Some(cause) = body.copy_failure() {
        return Err(uncopied(archive, cause));
    }
    let ended = read.map_err(|cause| failed(archive, UnpackError::Corrupt { entry: None, cause }))?;
    match unpacked {
        // Not read to its end, so it has no checksum.
        Err(cause) if !ended => Err(failed(archive, cause)),
        Ok(_) if !ended => {
            let (bound, limit) = (Bound::Packed, archive.limits.bytes);
            Err(failed(archive, UnpackError::Beyond { bound, limit, entry: None }))
        }
        unpacked => {
            let told = body.tell().map_err(|mismatch| another(archive, mismatch))?;
            Ok((told, unpacked.map_err(|cause| failed(archive, cause))?))
        }
    }
}

fn another(archive: &Archive, Mismatch { by, algorithm, wanted, found }: Mismatch) -> Trouble<FetchError> {
    match by {
        Authority::Request => {
            Trouble::Final(FetchError::Checksum { from: archive.from.clone(), algorithm, wanted, found })
        }
        Authority::Server => TransferError::Damaged { announced: wanted, found }.into(),
    }
}

fn start_over(mut copy: &File) -> std::io::Result<()> {
    copy.rewind()?;
    copy.set_len(0)
}

fn uncopied(archive: &Archive, cause: std::io::Error) -> Trouble<FetchError> {
    Trouble::Final(FetchError::Copy { from: archive.from.clone(), cause })
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
