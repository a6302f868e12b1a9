//! What a zip is going to make, known and judged before anything is written.
//!
//! Two readers of one zip may see two archives: one goes by the directory at the end, another by the headers in front
//! of the entries, and of two entries with one name one takes the first, another the last. A checker and an unpacker
//! that differ in this are a hole. So here the headers must agree, no byte may belong to two entries, and of two
//! entries with one name the later one in the directory counts, as if it had been unpacked over the first.
//!
//! An entry takes about 150 bytes here; `--max-entries` bounds how many there are.

use super::checked::{Headers, damaged};
use super::contents::ZipContents;
use super::record::{self, ZipEntryKind};
use super::spool::Spool;
use crate::session::scope::Scope;
use crate::unpack::entry_name::{EntryName, long_target, shown};
use crate::unpack::error::UnpackError;
use crate::unpack::limits::Budget;
use crate::unpack::unpacked::{Unpacked, unless_stopped};
use rawzip::{ErrorKind, MAX_CENTRAL_DIRECTORY_RECORD_SIZE, ReaderAt, ZipArchive, ZipFileHeaderRecord, ZipLocator};
use std::cmp::Ordering;

/// How a script begins.
const SCRIPT: &[u8] = b"#!";

/// All entries of a zip that are to be made, judged.
pub(super) struct ZipPlan {
    /// Sorted by name, a directory before what is in it; no name twice.
    entries: Vec<ZipEntry>,
    /// Whether a name had `\` where `/` belongs.
    backslashes: bool,
}

/// An entry that is to be made.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ZipEntry {
    pub(super) name: EntryName,
    pub(super) kind: ZipEntryKind,
    /// Permissions, as the archive has them; 0 where they mean nothing.
    pub(super) mode: u32,
    /// A file's contents, a symbolic link's target.
    pub(super) contents: ZipContents,
}

impl ZipPlan {
    /// Reads and judges the directory of the zip in `spool`, and charges all that will come out of it to `budget`.
    ///
    /// # Errors
    /// See [`UnpackError`]; all but [`UnpackError::Disk`] are possible.
    pub(super) fn new(spool: &Spool, budget: &Budget, scope: &Scope) -> Result<Self, UnpackError> {
        let mut buffer = vec![0; MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
        let located = ZipLocator::new().locate_in_reader(spool.read_ahead(), &mut buffer, spool.length);
        let archive = located.map_err(|(_, error)| match error.kind() {
            ErrorKind::MissingEndOfCentralDirectory if spool.begins_with(SCRIPT) => {
                UnpackError::NotAnArchive { looks_like: "a script".to_owned() }
            }
            _ => damaged(None, error),
        })?;
        if spool.begins_with(SCRIPT) {
            one_directory(spool, &archive)?;
        }
        let mut plan = Self { entries: Vec::new(), backslashes: false };
        plan.read(&archive, &mut buffer, budget, scope)?;
        no_byte_twice(&plan.entries, archive.directory_offset())?;
        plan.one_of_a_name();
        plan.only_directories_have_entries()?;
        Ok(plan)
    }

    /// All that is to be made, a directory before what is in it.
    pub(super) fn entries(&self) -> &[ZipEntry] {
        &self.entries
    }

    /// What unpacking tells in the end.
    pub(super) fn summary(&self) -> Unpacked {
        let mut pipes = self.entries.iter().filter(|entry| entry.kind == ZipEntryKind::Pipe);
        let first = pipes.next().map(|entry| entry.name.shown());
        let pipes = first.map(|first| (1 + pipes.count() as u64, first));
        let entries = self.entries.len() as u64 - pipes.as_ref().map_or(0, |(count, _)| *count);
        Unpacked { entries, backslashes: self.backslashes, pipes, contents: None }
    }

    fn read(
        &mut self,
        archive: &ZipArchive<impl ReaderAt>,
        buffer: &mut [u8],
        budget: &Budget,
        scope: &Scope,
    ) -> Result<(), UnpackError> {
        let mut headers = Headers::new(archive);
        let mut records = archive.entries(buffer);
        let mut count = 0_u64;
        while let Some(record) = records.next_entry().map_err(|error| damaged(None, error))? {
            unless_stopped(scope)?;
            budget.entry()?;
            count += 1;
            let entry = self.judge(&record, &mut headers, budget)?;
            self.entries.push(entry);
        }
        // The count has 16 bits, and zips that are older than zip64 let it run over.
        if (count ^ archive.entries_hint()) & 0xffff != 0 {
            return Err(UnpackError::damaged(None, "its directory has another number of entries than it says"));
        }
        Ok(())
    }

    fn judge<R: ReaderAt>(
        &mut self,
        record: &ZipFileHeaderRecord,
        headers: &mut Headers<R>,
        budget: &Budget,
    ) -> Result<ZipEntry, UnpackError> {
        let system = record.version_made_by().creator_system();
        let (raw, backslashes) = record::name(record.file_path().as_bytes(), record.extra_fields(), system);
        self.backslashes |= backslashes;
        if record::has_drive(&raw, system) {
            return Err(UnpackError::Escapes { entry: shown(&raw), how: "an absolute path with a drive letter" });
        }
        let name = EntryName::parse(&raw, budget.limits)?;
        let forbidden = |what| UnpackError::Forbidden { entry: shown(&raw), what };
        let (kind, mode) = record::kind_and_mode(&raw, system, record.external_attributes()).map_err(forbidden)?;
        let contents = headers.agreed(record, &raw)?;
        match kind {
            ZipEntryKind::File | ZipEntryKind::Symlink if name.split().is_none() => {
                return Err(forbidden("wants to replace the directory itself"));
            }
            ZipEntryKind::Symlink if contents.size > budget.limits.name => {
                return Err(long_target(Some(&raw), budget.limits));
            }
            ZipEntryKind::File | ZipEntryKind::Symlink => budget.bytes(contents.size)?,
            ZipEntryKind::Directory | ZipEntryKind::Pipe => {}
        }
        Ok(ZipEntry { name, kind, mode, contents })
    }

    /// Sorts the entries and leaves the last one of each name.
    fn one_of_a_name(&mut self) {
        self.entries.reverse();
        self.entries.sort_by(|one, other| by_parts(one.name.as_bytes(), other.name.as_bytes()));
        self.entries.dedup_by(|later, kept| later.name == kept.name);
        self.entries.shrink_to_fit();
    }

    /// In the order by parts, what is in something follows it at once.
    fn only_directories_have_entries(&self) -> Result<(), UnpackError> {
        for pair in self.entries.windows(2) {
            let [above, below] = pair else { continue };
            if above.kind == ZipEntryKind::Directory || !is_in(below.name.as_bytes(), above.name.as_bytes()) {
                continue;
            }
            return Err(match above.kind {
                ZipEntryKind::Symlink => {
                    UnpackError::Escapes { entry: below.name.shown(), how: "through a symbolic link" }
                }
                _ => UnpackError::Forbidden {
                    entry: above.name.shown(),
                    what: "is no directory, but another entry lies in it",
                },
            });
        }
        Ok(())
    }
}

/// Refuses a zip with something in front whose directory does not stand right before its end. Its offsets may count from
/// either beginning, and where both lead to a directory, one reader takes this one and another that.
fn one_directory(spool: &Spool, archive: &ZipArchive<impl ReaderAt>) -> Result<(), UnpackError> {
    const SIZE_IN_END: u64 = 12;
    const IN_ZIP64: u32 = u32::MAX;
    let (end, mut size) = (archive.eocd_offset(), [0; 4]);
    let read = spool.read_exact_at(&mut size, end + SIZE_IN_END);
    read.map_err(|cause| UnpackError::Corrupt { entry: None, cause })?;
    let size = u32::from_le_bytes(size);
    if size != IN_ZIP64 && archive.directory_offset() + u64::from(size) != end {
        return Err(UnpackError::damaged(None, "its directory is not where it should be"));
    }
    Ok(())
}

/// Refuses entries that share bytes: the way to make petabytes of a few kilobytes, or an archive that holds itself. An
/// entry that stands in the directory twice is one.
fn no_byte_twice(entries: &[ZipEntry], directory: u64) -> Result<(), UnpackError> {
    let mut by_place: Vec<&ZipEntry> = entries.iter().collect();
    by_place.sort_unstable_by_key(|entry| entry.contents.header);
    by_place.dedup();
    for (place, entry) in by_place.iter().enumerate() {
        let next = by_place.get(place + 1).map_or(directory, |next| next.contents.header);
        if entry.contents.end > next {
            return Err(UnpackError::damaged(Some(entry.name.shown()), "it overlaps with what follows it"));
        }
    }
    Ok(())
}

/// Names in the order in which a tree is walked: by the bytes of their parts, so that nothing stands between a
/// directory and what is in it.
fn by_parts(one: &[u8], other: &[u8]) -> Ordering {
    let at = one.iter().zip(other).position(|(one, other)| one != other);
    let Some(at) = at else { return one.len().cmp(&other.len()) };
    let rank = |byte: u8| if byte == b'/' { 0 } else { u16::from(byte) + 1 };
    rank(one[at]).cmp(&rank(other[at]))
}

fn is_in(name: &[u8], directory: &[u8]) -> bool {
    name.strip_prefix(directory).is_some_and(|rest| rest.starts_with(b"/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_order_by_parts_is_that_of_the_lists_of_parts(one in "[a/\\-!]{0,6}", other in "[a/\\-!]{0,6}") {
            let parts = |name: &str| name.split('/').map(str::to_owned).collect::<Vec<_>>();
            prop_assert_eq!(by_parts(one.as_bytes(), other.as_bytes()), parts(&one).cmp(&parts(&other)));
        }
    }
}
