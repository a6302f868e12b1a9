//! A directory that entries are unpacked into, and out of which none of them leads.
//!
//! Every path is walked from the directory's own descriptor, part by part, never through a symbolic link; so neither
//! an entry nor anybody who plays with links at the same time leads us out. The descriptors of the last entry's
//! parents stay open: the next entry mostly has the same.

mod walk;

use super::entry_name::EntryName;
use crate::disk_budget::{Draw, on_disk};
use crate::tree_digest::Contents;
use crate::unpack::error::UnpackError;
use crate::unpack::owner::Owner;
use crc32fast::Hasher;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use walk::{Missing, OPEN_DIRECTORY};

/// Bits of an archive's mode that count. Set-user-id and its kin do not, and group and others may never write: in
/// Diego's containers the umask is 022.
const LAWFUL: u32 = 0o755;
/// What we need ourselves in a directory until it is filled.
const OURS: u32 = 0o700;
/// Bytes of a link's target that most file systems have room for beside its name.
const SHORT_TARGET: usize = 60;
/// Bytes copied at a time.
const BLOCK: usize = 128 * 1024;

const NEW_FILE: OFlags =
    OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// See the module's text.
pub(crate) struct Tree {
    path: PathBuf,
    root: OwnedFd,
    owner: Option<(Uid, Gid)>,
    /// From the root down to the parent of the last entry.
    open: Vec<(OsString, OwnedFd)>,
    /// Directories that their owner may not write to or enter, once they are filled.
    narrow: BTreeMap<EntryName, Mode>,
    /// Of all files so far; `None` once it cannot be told without reading them: an entry replaced another one, or gave
    /// it one more name.
    contents: Option<Contents>,
    /// Empty until the first stream.
    block: Vec<u8>,
    /// What pays for the room that all of it takes; `None`: nobody asks.
    draw: Option<Arc<Draw>>,
}

/// What was written to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sum {
    /// Bytes.
    pub(super) size: u64,
    /// CRC-32 of them.
    pub(super) crc32: u32,
}

impl Tree {
    /// Opens the directory `path`, which exists. What is unpacked will belong to `owner` where we may give it away.
    pub(crate) fn open(path: &Path, owner: Option<Owner>) -> Result<Self, UnpackError> {
        // The directory itself may be reached by links: those of the container, not of an archive.
        let flags = OPEN_DIRECTORY.difference(OFlags::NOFOLLOW);
        let root = rustix::fs::openat(CWD, path, flags, Mode::empty());
        let root = root.map_err(|cause| UnpackError::Disk { path: path.to_owned(), cause: cause.into() })?;
        let owner = owner.filter(|_| rustix::process::geteuid().is_root());
        let owner = owner.map(|Owner { uid, gid }| (Uid::from_raw(uid), Gid::from_raw(gid)));
        Ok(Self::new(path.to_owned(), root, owner))
    }

    fn new(path: PathBuf, root: OwnedFd, owner: Option<(Uid, Gid)>) -> Self {
        let contents = Some(Contents::default());
        Self { path, root, owner, open: Vec::new(), narrow: BTreeMap::new(), contents, block: Vec::new(), draw: None }
    }

    /// The same directory, and `draw` pays for what comes into it.
    pub(crate) fn drawing_on(self, draw: Option<Arc<Draw>>) -> Self {
        Self { draw, ..self }
    }

    /// What pays for the room that all of it takes.
    pub(super) fn draw(&self) -> Option<&Arc<Draw>> {
        self.draw.as_ref()
    }

    fn take(&self, bytes: u64) -> Result<(), UnpackError> {
        self.draw.as_ref().map_or(Ok(()), |draw| Ok(draw.take(bytes)?))
    }

    /// The same directory for another thread; to be [joined](Tree::join) with this one in the end.
    ///
    /// # Errors
    /// No descriptor was left.
    pub(super) fn for_another_thread(&self) -> Result<Self, UnpackError> {
        let root = self.root.try_clone();
        let root = root.map_err(|cause| UnpackError::Disk { path: self.path.clone(), cause })?;
        Ok(Self::new(self.path.clone(), root, self.owner).drawing_on(self.draw.clone()))
    }

    /// Takes over what another thread has made, which did not make directories that this one made too.
    pub(super) fn join(&mut self, other: Self) {
        self.narrow.extend(other.narrow);
        self.contents = self.contents.zip(other.contents).map(|(mut all, others)| {
            all += others;
            all
        });
    }

    /// The directory.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a directory; one that exists gets the mode. The directory itself keeps its own: a droplet's `./` says
    /// 0700, which is about the place where it was packed.
    pub(super) fn directory(&mut self, name: &EntryName, mode: u32) -> Result<(), UnpackError> {
        let Some((_, last)) = name.split() else { return Ok(()) };
        let wanted = Mode::from_raw_mode(mode & LAWFUL);
        let until_filled = Mode::from_raw_mode(mode & LAWFUL | OURS);
        self.walk(name, Missing::Make)?;
        loop {
            match rustix::fs::mkdirat(self.here(), last, until_filled) {
                Ok(()) => {
                    self.take(on_disk(1))?;
                    break self.give_away(name, last)?;
                }
                Err(Errno::EXIST) if self.kind_of(last) == Some(FileType::Directory) => {
                    break self.set_mode(last, until_filled).map_err(|error| self.disk(name, error))?;
                }
                Err(Errno::EXIST) => {
                    self.contents = None;
                    self.remove(name, last)?;
                }
                Err(error) => return Err(self.disk(name, error)),
            }
        }
        if wanted == until_filled {
            self.narrow.remove(name); // the last entry of a name counts
        } else {
            self.narrow.insert(name.clone(), wanted);
        }
        Ok(())
    }

    /// Makes the directories above `name` that are missing.
    pub(super) fn parents(&mut self, name: &EntryName) -> Result<(), UnpackError> {
        self.walk(name, Missing::Make)
    }

    /// Makes a regular file that holds `contents`, whose CRC-32 is known; what is there goes first.
    pub(super) fn whole_file(
        &mut self,
        name: &EntryName,
        mode: u32,
        contents: &[u8],
        crc32: u32,
    ) -> Result<(), UnpackError> {
        self.take(on_disk(contents.len() as u64))?;
        let mut new = self.new_file(name, mode)?;
        new.write_all(contents).map_err(|error| self.disk(name, error))?;
        self.add(name, Sum { size: contents.len() as u64, crc32 });
        Ok(())
    }

    /// Makes a regular file of what `contents` gives; what is there goes first. `look_up` is asked between blocks
    /// whether to go on.
    pub(super) fn file(
        &mut self,
        name: &EntryName,
        mode: u32,
        contents: &mut dyn Read,
        look_up: &dyn Fn() -> Result<(), UnpackError>,
    ) -> Result<Sum, UnpackError> {
        let mut new = self.new_file(name, mode)?;
        let (mut checksum, mut size) = (Hasher::new(), 0);
        self.block.resize(BLOCK, 0);
        loop {
            let count = match contents.read(&mut self.block) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(cause) => return Err(UnpackError::of_reading(Some(name.shown()), cause)),
            };
            self.take(count as u64)?;
            new.write_all(&self.block[..count]).map_err(|error| self.disk(name, error))?;
            checksum.update(&self.block[..count]);
            size += count as u64;
            look_up()?;
        }
        self.take(on_disk(size) - size)?;
        let sum = Sum { size, crc32: checksum.finalize() };
        self.add(name, sum);
        Ok(sum)
    }

    fn add(&mut self, name: &EntryName, sum: Sum) {
        if let Some(all) = &mut self.contents {
            all.add(name.as_bytes(), sum.size, sum.crc32);
        }
    }

    /// Makes a symbolic link. Where it leads is data, nothing more: nobody here follows it.
    pub(super) fn symlink(&mut self, name: &EntryName, target: &OsStr) -> Result<(), UnpackError> {
        if target.len() >= SHORT_TARGET {
            self.take(on_disk(target.len() as u64))?;
        }
        let last = self.place(name)?;
        self.replacing(name, last, |here| rustix::fs::symlinkat(target, here, last))?;
        self.give_away(name, last)
    }

    /// Makes a hard link to an entry that is already there.
    pub(super) fn hard_link(&mut self, name: &EntryName, target: &EntryName) -> Result<(), UnpackError> {
        let missing = || UnpackError::Corrupt {
            entry: Some(name.shown()),
            cause: io::Error::other(format!("it is a hard link to {:?}, which is not there", target.shown())),
        };
        let Some((_, target_last)) = target.split() else { return Err(missing()) };
        match self.walk(target, Missing::Fail) {
            Err(UnpackError::Disk { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => return Err(missing()),
            walked => walked?,
        }
        let from = self.here().try_clone_to_owned().map_err(|error| self.disk(target, error))?;
        match self.kind_of(target_last) {
            None => return Err(missing()),
            Some(FileType::Directory) => return Err(unlawful(name, "is a hard link to a directory")),
            Some(_) => {}
        }
        if name == target {
            return Ok(());
        }
        let last = self.place(name)?;
        self.contents = None;
        self.replacing(name, last, |here| rustix::fs::linkat(&from, target_last, here, last, AtFlags::empty()))
    }

    /// Narrows the directories that had to be wide while they were filled. The last thing to call.
    pub(super) fn finish(&mut self) -> Result<(), UnpackError> {
        // What lies in a directory comes behind it in order, and has to be done before.
        while let Some((name, mode)) = self.narrow.pop_last() {
            let Some((_, last)) = name.split() else { continue };
            self.walk(&name, Missing::Fail)?;
            // A later entry may have put something else in its place.
            if self.kind_of(last) == Some(FileType::Directory) {
                self.set_mode(last, mode).map_err(|error| self.disk(&name, error))?;
            }
        }
        Ok(())
    }

    /// A digest of all files that were unpacked; `None` where it takes reading them to tell.
    pub(super) fn contents(&self) -> Option<Contents> {
        self.contents
    }

    fn new_file(&mut self, name: &EntryName, mode: u32) -> Result<File, UnpackError> {
        let last = self.place(name)?;
        let mode = Mode::from_raw_mode(mode & LAWFUL);
        let new = self.replacing(name, last, |here| rustix::fs::openat(here, last, NEW_FILE, mode))?;
        if let Some((uid, gid)) = self.owner {
            rustix::fs::fchown(&new, Some(uid), Some(gid)).map_err(|error| self.disk(name, error))?;
        }
        Ok(File::from(new))
    }

    /// Opens the parent of `name` and gives the last part of it.
    fn place<'n>(&mut self, name: &'n EntryName) -> Result<&'n OsStr, UnpackError> {
        let Some((_, last)) = name.split() else {
            let what = "wants to replace the directory itself";
            return Err(UnpackError::Unlawful { entry: ".".to_owned(), what });
        };
        self.walk(name, Missing::Make)?;
        Ok(last)
    }

    /// Does `make`; where something is in the way, that goes first.
    fn replacing<T>(
        &mut self,
        name: &EntryName,
        last: &OsStr,
        make: impl Fn(BorrowedFd) -> Result<T, Errno>,
    ) -> Result<T, UnpackError> {
        match make(self.here()) {
            Err(Errno::EXIST) => {
                self.contents = None;
                self.remove(name, last)?;
                make(self.here()).map_err(|error| self.disk(name, error))
            }
            result => result.map_err(|error| self.disk(name, error)),
        }
    }

    fn remove(&self, name: &EntryName, last: &OsStr) -> Result<(), UnpackError> {
        let removed = match rustix::fs::unlinkat(self.here(), last, AtFlags::empty()) {
            // Like tar: an empty directory gives way, a full one does not.
            Err(Errno::ISDIR | Errno::PERM) => rustix::fs::unlinkat(self.here(), last, AtFlags::REMOVEDIR),
            removed => removed,
        };
        removed.map_err(|error| match error {
            Errno::NOTEMPTY | Errno::EXIST => unlawful(name, "wants the place of a directory that is not empty"),
            error => self.disk(name, error),
        })
    }

    fn kind_of(&self, last: &OsStr) -> Option<FileType> {
        let status = rustix::fs::statat(self.here(), last, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some(FileType::from_raw_mode(status.st_mode))
    }

    fn set_mode(&self, last: &OsStr, mode: Mode) -> Result<(), Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(self.here(), last, flags, Mode::empty())?;
        rustix::fs::fchmod(&directory, mode)
    }

    fn give_away(&self, name: &EntryName, last: &OsStr) -> Result<(), UnpackError> {
        let Some((uid, gid)) = self.owner else { return Ok(()) };
        rustix::fs::chownat(self.here(), last, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| self.disk(name, error))
    }

    fn disk(&self, name: &EntryName, cause: impl Into<io::Error>) -> UnpackError {
        UnpackError::Disk { path: self.path.join(name.path()), cause: cause.into() }
    }
}

fn unlawful(name: &EntryName, what: &'static str) -> UnpackError {
    UnpackError::Unlawful { entry: name.shown(), what }
}
