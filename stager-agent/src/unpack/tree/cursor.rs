//! Where in a tree an entry belongs: the way there from the tree's root, part by part and never through a symbolic link,
//! and what can be done at its end. The descriptors of the last entry's parents stay open.

use crate::disk_budget::{Draw, on_disk};
use crate::unpack::entry_name::EntryName;
use crate::unpack::error::UnpackError;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Directories that no entry speaks of.
const IMPLICIT: u32 = 0o755;

/// How a directory is opened that is only passed through.
const OPEN_DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A user and a group by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Whether missing parents are made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum MissingParents {
    Make,
    Fail,
}

/// A place in a tree: its root, or the parent of the last entry.
pub(super) struct Cursor {
    /// The tree's directory.
    pub(super) path: PathBuf,
    root: OwnedFd,
    /// Whom what is made belongs to; `None`: whoever we are.
    pub(super) owner: Option<(Uid, Gid)>,
    /// From the root down to the parent of the last entry.
    open: Vec<(OsString, OwnedFd)>,
    /// What pays for the room that all of it takes; `None`: nobody asks.
    pub(super) draw: Option<Arc<Draw>>,
}

impl Cursor {
    /// At the root of the tree `path`, which exists. What is made will belong to `owner` where we may give it away.
    ///
    /// # Errors
    /// [`UnpackError::Disk`].
    pub(super) fn open(path: &Path, owner: Option<Owner>) -> Result<Self, UnpackError> {
        // The directory itself may be reached by links: those of the container, not of an archive.
        let flags = OPEN_DIRECTORY.difference(OFlags::NOFOLLOW);
        let root = rustix::fs::openat(CWD, path, flags, Mode::empty());
        let root = root.map_err(|cause| UnpackError::Disk { path: path.to_owned(), cause: cause.into() })?;
        let owner = owner.filter(|_| rustix::process::geteuid().is_root());
        let owner = owner.map(|Owner { uid, gid }| (Uid::from_raw(uid), Gid::from_raw(gid)));
        Ok(Self { path: path.to_owned(), root, owner, open: Vec::new(), draw: None })
    }

    /// At the root of the same tree, for another thread.
    ///
    /// # Errors
    /// No descriptor was left.
    pub(super) fn for_another_thread(&self) -> Result<Self, UnpackError> {
        let root = self.root.try_clone();
        let root = root.map_err(|cause| UnpackError::Disk { path: self.path.clone(), cause })?;
        Ok(Self { path: self.path.clone(), root, owner: self.owner, open: Vec::new(), draw: self.draw.clone() })
    }

    /// Makes the parent of `name` the place that [`Cursor::here`] gives.
    pub(super) fn walk(&mut self, name: &EntryName, missing: MissingParents) -> Result<(), UnpackError> {
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

    /// Opens the directory `part` of [`Cursor::here`].
    fn enter(&self, name: &EntryName, part: &OsStr, missing: MissingParents) -> Result<OwnedFd, UnpackError> {
        let open = || rustix::fs::openat(self.here(), part, OPEN_DIRECTORY, Mode::empty());
        match open() {
            Err(Errno::NOENT) if missing == MissingParents::Make => {
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
            Err(Errno::NOTDIR) => Err(forbidden(name, "lies in what is no directory")),
            opened => opened.map_err(|error| self.disk(name, error)),
        }
    }

    /// The directory that [`Cursor::walk`] came to.
    pub(super) fn here(&self) -> BorrowedFd<'_> {
        self.open.last().map_or(self.root.as_fd(), |(_, directory)| directory.as_fd())
    }

    /// Pays for that many bytes.
    ///
    /// # Errors
    /// [`UnpackError::DiskFull`].
    pub(super) fn take(&self, bytes: u64) -> Result<(), UnpackError> {
        self.draw.as_ref().map_or(Ok(()), |draw| Ok(draw.take(bytes)?))
    }

    /// Removes `last` of [`Cursor::here`], where it is no directory that holds something.
    pub(super) fn remove(&self, name: &EntryName, last: &OsStr) -> Result<(), UnpackError> {
        let removed = match rustix::fs::unlinkat(self.here(), last, AtFlags::empty()) {
            // Like tar: an empty directory gives way, a full one does not.
            Err(Errno::ISDIR | Errno::PERM) => rustix::fs::unlinkat(self.here(), last, AtFlags::REMOVEDIR),
            removed => removed,
        };
        removed.map_err(|error| match error {
            Errno::NOTEMPTY | Errno::EXIST => forbidden(name, "wants the place of a directory that is not empty"),
            error => self.disk(name, error),
        })
    }

    /// What `last` of [`Cursor::here`] is; `None`: it is not there, or cannot be looked at.
    pub(super) fn kind_of(&self, last: &OsStr) -> Option<FileType> {
        let status = rustix::fs::statat(self.here(), last, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some(FileType::from_raw_mode(status.st_mode))
    }

    /// Sets the mode of the directory `last` of [`Cursor::here`].
    pub(super) fn set_mode(&self, last: &OsStr, mode: Mode) -> Result<(), Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(self.here(), last, flags, Mode::empty())?;
        rustix::fs::fchmod(&directory, mode)
    }

    /// Gives `last` of [`Cursor::here`] to the owner.
    pub(super) fn give_away(&self, name: &EntryName, last: &OsStr) -> Result<(), UnpackError> {
        let Some((uid, gid)) = self.owner else { return Ok(()) };
        rustix::fs::chownat(self.here(), last, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| self.disk(name, error))
    }

    /// `name` cannot be written because of `cause`.
    pub(super) fn disk(&self, name: &EntryName, cause: impl Into<io::Error>) -> UnpackError {
        UnpackError::Disk { path: self.path.join(name.path()), cause: cause.into() }
    }
}

/// `name` has no business in an archive, or not there.
pub(super) fn forbidden(name: &EntryName, what: &'static str) -> UnpackError {
    UnpackError::Forbidden { entry: name.shown(), what }
}
