//! Fetches one archive: asks, hashes and unpacks what comes, and tries again.

use super::archive::{Archive, Arrival, Fetched};
use super::body::Body;
use super::checksum::{Authority, Mismatch};
use super::error::FetchError;
use super::head::Question;
use super::http::Http;
use super::place::Place;
use super::retry::{Tries, Trouble, with_retries};
use super::tally::{Tally, Told};
use super::transfer_error::TransferError;
use crate::scope::Scope;
use crate::unpack::{self, Bound, UnpackError, Unpacked};
use shared_model::event::Event;
use std::fs::File;
use std::io::Seek as _;
use std::time::Instant;

/// Bytes that are read after an archive was refused, so that its checksum can tell whether it was the right one.
const LISTEN_AFTER_FAILURE: u64 = 64 << 20;

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
