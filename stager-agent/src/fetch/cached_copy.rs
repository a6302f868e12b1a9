//! Unpacks the copy of an archive that was kept earlier, as if it came from the network.

use super::archive::Archive;
use super::checksum::Digests;
use super::error::FetchError;
use super::target_dir::TargetDir;
use crate::session::scope::Scope;
use crate::unpack::{self, UnpackError};
use std::fs::File;
use std::io::{self, Read as _, Seek as _};

/// Bytes read at a time.
const GULP: usize = 128 * 1024;

/// What a kept copy was good for.
#[derive(Debug)]
pub(crate) enum CachedCopy {
    /// It is unpacked.
    Unpacked,
    /// It is not what was kept: its bytes hash to something else, or cannot be read.
    Damaged,
    /// It is whole, but the request asks for another.
    Another,
}

/// Unpacks `file`, which is `archive` as it came with this `sha256` (lower-case hex). Nothing is written before all of
/// it was hashed and compared. Says nothing.
///
/// # Errors
/// [`FetchError::Unpack`], and then the directory is as [`super::fetch`] leaves it; [`FetchError::Stopped`].
pub(crate) fn unpack_cached_copy(
    archive: &Archive,
    file: &File,
    sha256: &str,
    scope: &Scope,
) -> Result<CachedCopy, FetchError> {
    let mut kept = file;
    let failed = |cause| FetchError::Unpack { from: archive.from.clone(), to: archive.to.to_owned(), cause };
    let mut digests = Digests::compared_with(archive.checksum.clone(), None);
    let mut buffer = vec![0; GULP];
    loop {
        unless_stopped(archive, scope)?;
        match kept.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => digests.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Ok(CachedCopy::Damaged),
        }
    }
    match digests.compare() {
        Ok(found) if found == sha256 => {}
        Ok(_) => return Ok(CachedCopy::Damaged),
        Err(_) => return Ok(CachedCopy::Another),
    }
    kept.rewind().map_err(|cause| failed(UnpackError::Disk { path: archive.to.to_owned(), cause }))?;
    let target = TargetDir::create(archive).map_err(failed)?;
    let unpacked =
        target.tree().and_then(|mut tree| unpack::unpack(&mut kept, Some(file), &mut tree, archive.limits, scope));
    let Err(cause) = unpacked else { return Ok(CachedCopy::Unpacked) };
    target.clear().map_err(failed)?;
    unless_stopped(archive, scope)?;
    Err(failed(cause))
}

fn unless_stopped(archive: &Archive, scope: &Scope) -> Result<(), FetchError> {
    scope.go_on().map_err(|why| FetchError::Stopped { from: archive.from.clone(), why })
}
