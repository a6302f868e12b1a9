//! What a look at a tree tells without reading a byte of its files: enough to notice that something is missing, was
//! added, cut short or opened up to others, and quick enough to be done before every use.
//!
//! Taken in: name, kind, mode, owner and group of all; size and whole seconds of the time of a file (an image layer
//! keeps no more); a link's target. Not taken in: what differs from one file system to the next, such as the size of
//! a directory.

use super::digest::Digest;
use super::walk::{Item, walk};
use rustix::fs::FileType;
use std::collections::HashSet;
use std::io;
use std::path::Path;

/// What a file takes on a disk is a multiple of this. The disk's own count (`st_blocks`) is not asked: some file
/// systems know it only seconds later.
const DISK_BLOCK: u64 = 4096;

/// What a look at a tree has found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Structure {
    /// Of all that is taken in.
    pub(crate) digest: Digest,
    /// What it takes on a disk: about what `du` says.
    pub(crate) bytes: u64,
}

impl Structure {
    /// Looks at the tree or file `path`.
    ///
    /// # Errors
    /// It is not there, or cannot be looked at.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let mut all = Self::default();
        let mut seen = HashSet::new();
        walk(path, &mut |item| all.take_in(item, &mut seen))?;
        Ok(all)
    }

    fn take_in(&mut self, item: &Item, seen: &mut HashSet<u64>) -> io::Result<()> {
        let status = item.status;
        let (mode, uid, gid) = (status.st_mode.into(), status.st_uid.into(), status.st_gid.into());
        let size = status.st_size.cast_unsigned();
        match item.kind() {
            FileType::RegularFile => {
                self.digest.add(&[mode, uid, gid, size, status.st_mtime.cast_unsigned()], item.path, b"");
            }
            FileType::Symlink => self.digest.add(&[mode, uid, gid], item.path, item.target()?.to_bytes()),
            _ => self.digest.add(&[mode, uid, gid], item.path, b""),
        }
        // A file with several names is one file.
        if item.kind() == FileType::Directory || status.st_nlink == 1 || seen.insert(status.st_ino) {
            self.bytes += size.div_ceil(DISK_BLOCK) * DISK_BLOCK;
        }
        Ok(())
    }
}
