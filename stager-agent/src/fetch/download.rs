//! Fetches one archive: asks, hashes and unpacks what comes, and tries again.

use super::archive::{Archive, Fetched};
use super::body::Body;
use super::checksum::{ChecksumSource, Mismatch};
use super::client::Http;
use super::error::FetchError;
use super::get::{BodyInfo, Get};
use super::retry::{AttemptError, Retries, with_retries};
use super::tally::{BodySummary, Tally};
use super::target_dir::TargetDir;
use crate::session::scope::Scope;
use crate::session::steps::milliseconds_since;
use crate::unpack::{self, Bound, UnpackError, Unpacked};
use http_client::TransferError;
use shared_model::event::Event;
use std::fs::File;
use std::io::Seek as _;
use std::time::Instant;

/// Bytes that are read after an archive was refused, so that its checksum can tell whether it was the right one.
const LISTEN_AFTER_FAILURE: u64 = 64 << 20;

/// Fetches `archive` and unpacks it. `None`: the one that is known is still the right one (304), and nothing was
/// written. Emits `Downloading`, `DownloadProgress`, `Retrying`, `Warning` and `Downloaded`
/// (nothing for `None`); notices within about a second when `scope` is stopped.
///
/// # Errors
/// See [`FetchError`]. A directory that was empty or missing before is empty afterwards, so that half an archive is
/// not taken for a whole one; in one that held something, some entries may have been replaced.
pub(crate) fn fetch(http: &Http, archive: &Archive, scope: &Scope) -> Result<Option<Fetched>, FetchError> {
    let started = Instant::now();
    if archive.known.is_none() {
        announce(archive, scope);
    }
    let tried = with_retries(archive.from, http.timeouts(), scope, |retries| attempt(http, archive, retries, scope));
    let arrived = tried.map_err(|error| FetchError::from_attempt(error, archive.from))?;
    let Some((summary, unpacked)) = arrived else { return Ok(None) };

    let (name, to) = (archive.name.to_owned(), archive.to.display().to_string());
    for text in warnings(&unpacked, &to) {
        scope.emit(Event::Warning { text });
    }
    let BodySummary { bytes, sha256, info: BodyInfo { validators, verified, peer, .. } } = summary;
    let Unpacked { entries, contents, .. } = unpacked;
    let ms = milliseconds_since(started);
    scope.emit(Event::Downloaded { name, to, bytes, entries, ms });
    Ok(Some(Fetched { bytes, entries, sha256, validators, verified, peer, contents }))
}

fn announce(archive: &Archive, scope: &Scope) {
    let (name, to, from) = (archive.name.to_owned(), archive.to.display().to_string(), archive.from.to_string());
    scope.emit(Event::Downloading { name, to, from });
}

fn attempt(
    http: &Http,
    archive: &Archive,
    retries: &Retries,
    scope: &Scope,
) -> Result<Option<(BodySummary, Unpacked)>, AttemptError<FetchError>> {
    let get = archive.known.map_or(Get::Whole, |known| Get::Changed(known.clone()));
    let opened = Body::open(http, archive.from, get, retries);
    let body = match (opened, archive.known) {
        (Err(AttemptError::Transfer(cause)), Some(_)) => {
            return Err(AttemptError::Final(FetchError::Transfer { from: archive.from.clone(), cause }));
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
    let coding = body.info().coding.clone();
    let to = archive.to.display().to_string();
    let body = Tally::new(body, archive.checksum.clone(), archive.copy, Some(to), scope);
    let target = TargetDir::create(archive).map_err(|cause| failed(archive, cause))?;
    receive(body, archive, &target, scope).map(Some).or_else(|error| {
        target.clear().map_err(|cause| failed(archive, cause))?;
        Err(match (error, coding) {
            (AttemptError::Final(error), Some(coding)) if error.is_of_contents() => {
                AttemptError::Final(FetchError::Transfer {
                    from: archive.from.clone(),
                    cause: TransferError::Encoded { coding },
                })
            }
            (error, _) => error,
        })
    })
}

fn receive(
    mut body: Tally,
    archive: &Archive,
    target: &TargetDir,
    scope: &Scope,
) -> Result<(BodySummary, Unpacked), AttemptError<FetchError>> {
    let unpacked =
        target.tree().and_then(|mut tree| unpack::unpack(&mut body, archive.copy, &mut tree, archive.limits, scope));
    // Also after a failure: a body with another checksum is not "damaged", it is another. But nobody has to be listened
    // to for ever.
    let read = match &unpacked {
        Ok(_) => body.read_on(archive.limits.bytes),
        Err(UnpackError::Disk { .. } | UnpackError::DiskFull(_) | UnpackError::LimitExceeded { .. }) => Ok(false),
        Err(_) => body.read_on(LISTEN_AFTER_FAILURE),
    };
    // Whatever unpacking complains about, these are the reasons behind it.
    scope.go_on().map_err(AttemptError::Stopped)?;
    if let Some(cause) = body.failure() {
        return Err(AttemptError::Transfer(cause));
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
            Err(failed(archive, UnpackError::LimitExceeded { bound, limit, entry: None }))
        }
        unpacked => {
            let summary = body.tell().map_err(|mismatch| another(archive, mismatch))?;
            Ok((summary, unpacked.map_err(|cause| failed(archive, cause))?))
        }
    }
}

fn another(archive: &Archive, Mismatch { by, algorithm, wanted, found }: Mismatch) -> AttemptError<FetchError> {
    match by {
        ChecksumSource::Request => {
            AttemptError::Final(FetchError::Checksum { from: archive.from.clone(), algorithm, wanted, found })
        }
        ChecksumSource::Server => TransferError::Damaged { announced: wanted, found }.into(),
    }
}

fn start_over(mut copy: &File) -> std::io::Result<()> {
    copy.rewind()?;
    copy.set_len(0)
}

fn uncopied(archive: &Archive, cause: std::io::Error) -> AttemptError<FetchError> {
    AttemptError::Final(FetchError::Copy { from: archive.from.clone(), cause })
}

fn failed(archive: &Archive, cause: UnpackError) -> AttemptError<FetchError> {
    AttemptError::Final(FetchError::Unpack { from: archive.from.clone(), to: archive.to.to_owned(), cause })
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
