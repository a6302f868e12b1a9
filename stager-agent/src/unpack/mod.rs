//! Unpacks a tar, tgz or zip, whichever the bytes say it is, into a [`Tree`]. Names, content types and media types of
//! requests are not asked: they lie. The work is in the files beside; this one decides which.

mod entry_name;
mod error;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzed;
mod limits;
mod sniff;
mod tar;
mod tree;
mod unpacked;
mod zip;

pub(crate) use error::{Bound, UnpackError};
pub(crate) use limits::Limits;
pub(crate) use tree::{Owner, Tree};
pub(crate) use unpacked::Unpacked;

use crate::session::scope::Scope;
use limits::Budget;
use sniff::{ArchiveKind, Sniffed};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use tarball::gzip::Inflated;

/// Bytes read at a time from the transfer.
const BUFFER: usize = 64 * 1024;

/// Unpacks `archive` into `tree` as far as `limits` allow; notices at every entry and every block when `scope` is
/// stopped, and then ends with any error. May leave bytes of `archive` unread. `copy`, where there is one, is a file
/// that has all of `archive` once it was read; a zip is then unpacked from it.
///
/// # Errors
/// See [`UnpackError`]; also when reading `archive` failed, which the caller has to tell apart.
pub(crate) fn unpack(
    archive: &mut dyn Read,
    copy: Option<&File>,
    tree: &mut Tree,
    limits: &Limits,
    scope: &Scope,
) -> Result<Unpacked, UnpackError> {
    let budget = &Budget::new(limits);
    let outer = Sniffed::new(Charged { inner: archive, charge: |count| budget.packed(count) })
        .map_err(|cause| UnpackError::from_reading(None, cause))?;
    let mut unpacked = match outer.kind() {
        ArchiveKind::Empty => return Err(UnpackError::Empty),
        ArchiveKind::Zip | ArchiveKind::Script => {
            zip::unpack(zip::Inflaters::shared(), &mut outer.whole(), copy, tree, budget, scope)?
        }
        ArchiveKind::Tar => tar::unpack(unpacking(outer.whole(), budget), tree, budget, scope)?,
        ArchiveKind::Gzip => inflate(BufReader::with_capacity(BUFFER, outer.whole()), tree, budget, scope)?,
        ArchiveKind::Other(looks_like) => return Err(UnpackError::NotAnArchive { looks_like }),
    };
    tree.finish()?;
    unpacked.contents = tree.contents();
    Ok(unpacked)
}

fn inflate(compressed: impl BufRead, tree: &mut Tree, budget: &Budget, scope: &Scope) -> Result<Unpacked, UnpackError> {
    let mut inflated = unpacking(Inflated::new(compressed), budget);
    let inner = Sniffed::new(&mut inflated).map_err(|cause| UnpackError::from_reading(None, cause))?;
    let unpacked = match inner.kind() {
        ArchiveKind::Tar => tar::unpack(inner.whole(), tree, budget, scope)?,
        other => return Err(UnpackError::NotAnArchive { looks_like: gzip_with(other) }),
    };
    // gzip's own checksum comes last.
    io::copy(&mut inflated, &mut io::sink()).map_err(|cause| UnpackError::from_reading(None, cause))?;
    Ok(unpacked)
}

/// What a gzip file is whose contents are no tar.
fn gzip_with(inside: ArchiveKind) -> String {
    match inside {
        ArchiveKind::Gzip => "a gzip file in a gzip file".to_owned(),
        ArchiveKind::Empty => "a gzip file with nothing in it".to_owned(),
        ArchiveKind::Zip => "a gzip file with a zip in it".to_owned(),
        ArchiveKind::Tar => "a gzip file with a tar in it".to_owned(),
        ArchiveKind::Script => "a gzip file with a script in it".to_owned(),
        ArchiveKind::Other(inside) => format!("a gzip file with {inside} in it"),
    }
}

/// A tar that comes out of an archive, charged to the budget: also what is no entry of it, for a bomb need not be one.
fn unpacking(tar: impl Read, budget: &Budget) -> impl Read {
    Charged { inner: tar, charge: |count| budget.bytes(count) }
}

/// A stream whose bytes are charged as they come.
struct Charged<R, C> {
    inner: R,
    charge: C,
}

impl<R: Read, C: Fn(u64) -> Result<(), UnpackError>> Read for Charged<R, C> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        (self.charge)(count as u64).map_err(io::Error::other)?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
