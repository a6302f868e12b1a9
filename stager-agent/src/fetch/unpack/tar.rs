//! Unpacks a tar stream: POSIX, GNU and older, with their long names, links and sparse files.

use super::entry_name::{EntryName, link_target, shown};
use super::limits::Budget;
use super::tree::Tree;
use super::{Unpacked, unless_stopped};
use crate::fetch::error::UnpackError;
use crate::scope::Scope;
use std::io::{self, Read};
use tar::{Archive, Entry, EntryType};

/// What a header without a readable mode gets.
const MODE_UNKNOWN: u32 = 0o644;

/// Unpacks `archive` into `tree`.
///
/// # Errors
/// See [`UnpackError`].
pub(super) fn unpack(
    archive: impl Read,
    tree: &mut Tree,
    budget: &Budget,
    scope: &Scope,
) -> Result<Unpacked, UnpackError> {
    let corrupt = |cause: io::Error| UnpackError::of_reading(None, cause);
    let mut archive = Archive::new(archive);
    let mut unpacked = Unpacked::default();
    let mut last = None;
    for entry in archive.entries().map_err(corrupt)? {
        unless_stopped(scope)?;
        // A header that cannot be read has no name; the one before it says where in the archive we are.
        let mut entry = entry.map_err(|cause| UnpackError::of_reading(last.take(), cause))?;
        budget.entry()?;
        let raw = entry.path_bytes().into_owned();
        unpack_entry(&mut entry, &raw, tree, budget, scope, &mut unpacked)?;
        last = Some(format!("what follows {}", shown(&raw)));
    }
    Ok(unpacked)
}

fn unpack_entry<R: Read>(
    entry: &mut Entry<R>,
    raw: &[u8],
    tree: &mut Tree,
    budget: &Budget,
    scope: &Scope,
    unpacked: &mut Unpacked,
) -> Result<(), UnpackError> {
    let unlawful = |what| Err(UnpackError::Unlawful { entry: shown(raw), what });
    let named = |raw: &[u8]| EntryName::parse(raw, budget.limits());
    let mode = entry.header().mode().unwrap_or(MODE_UNKNOWN);
    match entry.header().entry_type() {
        EntryType::XGlobalHeader => return Ok(()), // git archive writes one; it is about no file
        EntryType::Directory => tree.directory(&named(raw)?, mode)?,
        EntryType::Symlink => {
            let target = entry.link_name_bytes().unwrap_or_default();
            tree.symlink(&named(raw)?, link_target(raw, &target, budget.limits())?)?;
        }
        EntryType::Link => {
            let target = entry.link_name_bytes().unwrap_or_default();
            if target.is_empty() {
                return unlawful("is a hard link to nothing");
            }
            let target = named(&target)
                .map_err(|_| UnpackError::Escapes { entry: shown(raw), how: "as a hard link to a file outside" })?;
            tree.hard_link(&named(raw)?, &target)?;
        }
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse if raw.ends_with(b"/") => {
            tree.directory(&named(raw)?, mode)?; // how tar older than POSIX says it
        }
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            if is_pax_sparse(entry) {
                return unlawful("is a sparse file in pax form, which is not understood");
            }
            let mut contents = Whole { left: entry.size(), entry };
            tree.file(&named(raw)?, mode, &mut contents, &|| unless_stopped(scope))?;
        }
        EntryType::Fifo => {
            // Diego's tar makes it; nobody reads it, and whoever opens it hangs.
            named(raw)?;
            unpacked.pipes.get_or_insert_with(|| (0, shown(raw))).0 += 1;
            return Ok(());
        }
        EntryType::Char | EntryType::Block => return unlawful("is a device"),
        _ => return unlawful("is of a kind that is not understood"),
    }
    unpacked.entries += 1;
    Ok(())
}

/// Newer GNU tar can say with pax headers that a file has holes; read without them it would be another file.
fn is_pax_sparse<R: Read>(entry: &mut Entry<R>) -> bool {
    let extensions = entry.pax_extensions().ok().flatten();
    extensions.is_some_and(|mut all| all.any(|one| one.is_ok_and(|one| one.key_bytes().starts_with(b"GNU.sparse."))))
}

/// An entry's contents. Where the archive ends in the middle of them, the tar library just stops.
struct Whole<'e, 'a, R: Read> {
    entry: &'e mut Entry<'a, R>,
    left: u64,
}

impl<R: Read> Read for Whole<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.entry.read(buffer)?;
        self.left = self.left.saturating_sub(count as u64);
        if count == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends in the middle of it"));
        }
        Ok(count)
    }
}
