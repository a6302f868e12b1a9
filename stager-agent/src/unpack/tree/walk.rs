//! The way from a tree's root to where an entry belongs, part by part and never through a symbolic link.

use super::{Tree, unlawful};
use crate::disk_budget::on_disk;
use crate::unpack::entry_name::EntryName;
use crate::unpack::error::UnpackError;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;

/// Directories that no entry speaks of.
const IMPLICIT: u32 = 0o755;

/// How a directory is opened that is only passed through.
pub(super) const OPEN_DIRECTORY: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Whether missing parents are made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Make,
    Fail,
}

impl Tree {
    /// Makes the parent of `name` the place that [`Tree::here`] gives.
    pub(super) fn walk(&mut self, name: &EntryName, missing: Missing) -> Result<(), UnpackError> {
        let Some((parts, _)) = name.split() else { return Ok(()) };
        let mut depth = 0;
        for part in parts {
            if self.open.get(depth).is_some_and(|(known, _)| known == part) {
                depth += 1;
                continue;
            }
            self.open.truncate(depth);
            let next = self.enter(name, part, missing)?;
            self.open.push((part.to_owned(), next));
            depth += 1;
        }
        self.open.truncate(depth);
        Ok(())
    }

    /// Opens the directory `part` of [`Tree::here`].
    fn enter(&self, name: &EntryName, part: &OsStr, missing: Missing) -> Result<OwnedFd, UnpackError> {
        let open = || rustix::fs::openat(self.here(), part, OPEN_DIRECTORY, Mode::empty());
        match open() {
            Err(Errno::NOENT) if missing == Missing::Make => {
                match rustix::fs::mkdirat(self.here(), part, Mode::from_raw_mode(IMPLICIT)) {
                    Ok(()) => {
                        self.take(on_disk(1))?;
                        self.give_away(name, part)?;
                    }
                    Err(Errno::EXIST) => {} // somebody was faster
                    Err(error) => return Err(self.disk(name, error)),
                }
                open().map_err(|error| self.disk(name, error))
            }
            Err(Errno::NOTDIR | Errno::LOOP) if self.kind_of(part) == Some(FileType::Symlink) => {
                Err(UnpackError::Escapes { entry: name.shown(), how: "through a symbolic link" })
            }
            Err(Errno::NOTDIR) => Err(unlawful(name, "lies in what is no directory")),
            opened => opened.map_err(|error| self.disk(name, error)),
        }
    }

    /// The directory that [`Tree::walk`] came to.
    pub(super) fn here(&self) -> BorrowedFd<'_> {
        self.open.last().map_or(self.root.as_fd(), |(_, directory)| directory.as_fd())
    }
}
