//! The archive on the disk, in a file that has no name: it is gone with its descriptor, whatever ends the process.
//!
//! It is read at given places and never mapped: a map would count as this process's memory, all of it.

use crate::disk_budget::Draw;
use crate::unpack::error::UnpackError;
use crate::unpack::tree::Tree;
use rawzip::ReaderAt;
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Bytes spooled at a time.
const BLOCK: usize = 64 * 1024;
/// Bytes read around a header: with it come its name, its extra fields and, of small entries, the next headers.
const AHEAD: usize = 4096;

/// A zip in a file without a name, or in the copy that is kept of it.
pub(super) struct Spool {
    file: File,
    /// Bytes of the archive.
    pub(super) length: u64,
    /// What pays for the room that it takes; `None` where it takes none of its own, or nobody asks.
    draw: Option<Arc<Draw>>,
}

impl Drop for Spool {
    fn drop(&mut self) {
        if let Some(draw) = &self.draw {
            draw.give_back(self.length);
        }
    }
}

impl Spool {
    /// Reads `archive` to its end into a file on the disk of `tree`, which pays for it. Where `copy` is a file that has all of
    /// it once it was read, nothing is written a second time.
    ///
    /// # Errors
    /// [`UnpackError::Disk`] and [`UnpackError::DiskFull`]; [`UnpackError::Corrupt`] where reading failed.
    pub(super) fn new(archive: &mut dyn Read, copy: Option<&File>, tree: &Tree) -> Result<Self, UnpackError> {
        let disk = |cause| UnpackError::Disk { path: tree.path().to_owned(), cause };
        let (file, copied) = match copy {
            Some(copy) => (copy.try_clone().map_err(disk)?, true),
            None => (tempfile::tempfile_in(tree.path()).map_err(disk)?, false),
        };
        let draw = tree.draw().filter(|_| !copied).cloned();
        let mut spool = Self { file, length: 0, draw };
        let mut block = vec![0; BLOCK];
        loop {
            match archive.read(&mut block) {
                Ok(0) => return Ok(spool),
                Ok(count) => {
                    spool.length += count as u64;
                    if let Some(draw) = &spool.draw {
                        draw.take(count as u64)?;
                    }
                    if !copied {
                        spool.file.write_all(&block[..count]).map_err(disk)?;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(UnpackError::from_reading(None, cause)),
            }
        }
    }

    /// Fills `buffer` with what stands at `at`.
    pub(super) fn read_exact_at(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, at)
    }

    /// Whether its first bytes are these.
    pub(super) fn begins_with(&self, start: &[u8]) -> bool {
        let mut first = vec![0; start.len()];
        self.read_exact_at(&mut first, 0).is_ok_and(|()| first == start)
    }

    /// What stands from `at` to `end`.
    pub(super) fn part(&self, at: u64, end: u64) -> impl Read {
        Part { file: &self.file, at, end }
    }

    /// For many short reads at places that lie close together.
    pub(super) fn read_ahead(&self) -> impl ReaderAt {
        ReadAhead { file: &self.file, window: RefCell::new(Window { at: 0, bytes: Vec::with_capacity(AHEAD) }) }
    }
}

struct Part<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let wanted = left.min(buffer.len());
        let count = self.file.read_at(&mut buffer[..wanted], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

struct ReadAhead<'a> {
    file: &'a File,
    window: RefCell<Window>,
}

/// What was read last.
struct Window {
    at: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// What it holds of the place `at`; empty: nothing.
    fn from(&self, at: u64) -> &[u8] {
        let skipped = at.checked_sub(self.at).and_then(|skipped| usize::try_from(skipped).ok());
        skipped.and_then(|skipped| self.bytes.get(skipped..)).unwrap_or_default()
    }

    fn fill(&mut self, file: &File, at: u64) -> io::Result<()> {
        self.bytes.resize(AHEAD, 0);
        let read = file.read_at(&mut self.bytes, at);
        self.bytes.truncate(*read.as_ref().unwrap_or(&0));
        self.at = at;
        read.map(drop)
    }
}

impl ReaderAt for ReadAhead<'_> {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        if buffer.len() >= AHEAD {
            return self.file.read_at(buffer, at);
        }
        let mut window = self.window.borrow_mut();
        if window.from(at).len() < buffer.len() {
            window.fill(self.file, at)?;
        }
        let mut there = window.from(at);
        there.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tempfile::TempDir;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn reading_ahead_changes_nothing(reads in prop::collection::vec((0..12_000_u64, 0..6000_usize), 1..40)) {
            let whole: Vec<u8> = (0..10_000_u32).map(|number| number.to_le_bytes()[number as usize % 2]).collect();
            let folder = TempDir::new().unwrap();
            let spool = Spool::new(&mut &whole[..], None, &Tree::open(folder.path(), None).unwrap()).unwrap();
            let ahead = spool.read_ahead();
            for (at, length) in reads {
                let from = usize::try_from(at).unwrap().min(whole.len());
                let expected = &whole[from..whole.len().min(from + length)];
                let mut buffer = vec![0; length];
                let mut filled = 0;
                while filled < length {
                    match ahead.read_at(&mut buffer[filled..], at + filled as u64).unwrap() {
                        0 => break,
                        count => filled += count,
                    }
                }
                prop_assert_eq!(&buffer[..filled], expected);
                let mut part = Vec::new();
                spool.part(at, at + length as u64).read_to_end(&mut part).unwrap();
                prop_assert_eq!(&part[..], expected);
            }
        }
    }

    #[test]
    fn a_spool_has_no_name() {
        let folder = TempDir::new().unwrap();
        let spool = Spool::new(&mut &b"zip"[..], None, &Tree::open(folder.path(), None).unwrap()).unwrap();
        assert_eq!(spool.length, 3);
        #[expect(clippy::disallowed_methods, reason = "the test looks at a real directory")]
        let names = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 0);
    }
}
