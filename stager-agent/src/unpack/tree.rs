//! A directory that entries are unpacked into, and out of which none of them leads.
//!
//! Every path is walked from the directory's own descriptor, part by part, never through a symbolic link; so neither
//! an entry nor anybody who plays with links at the same time leads us out. The descriptors of the last entry's
//! parents stay open: the next entry mostly has the same.

mod cursor;

pub(crate) use cursor::Owner;

use super::entry_name::EntryName;
use super::unpacked::unless_stopped;
use crate::disk_budget::{Draw, on_disk};
use crate::session::scope::Scope;
use crate::tree_digest::Digest;
use crate::unpack::error::UnpackError;
use crc32fast::Hasher;
use cursor::{Cursor, MissingParents, forbidden};
use rustix::fd::BorrowedFd;
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

/// Bits of an archive's mode that count. Set-user-id and its kin do not, and group and others may never write: in
/// Diego's containers the umask is 022.
const PERMITTED: u32 = 0o755;
/// What we need ourselves in a directory until it is filled.
const OURS: u32 = 0o700;
/// Bytes of a link's target that most file systems have room for beside its name.
const SHORT_TARGET: usize = 60;
/// Bytes copied at a time.
const BLOCK: usize = 128 * 1024;

const NEW_FILE: OFlags =
    OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A directory that is unpacked into.
pub(crate) struct Tree {
    cursor: Cursor,
    /// Directories that their owner may not write to or enter, once they are filled.
    narrow: BTreeMap<EntryName, Mode>,
    /// Of all files so far; `None` once it cannot be told without reading them: an entry replaced another one, or gave
    /// it one more name.
    contents: Option<Digest>,
    /// Empty until the first stream.
    block: Vec<u8>,
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
        Ok(Self::at(Cursor::open(path, owner)?))
    }

    fn at(cursor: Cursor) -> Self {
        Self { cursor, narrow: BTreeMap::new(), contents: Some(Digest::default()), block: Vec::new() }
    }

    /// The same directory, and `draw` pays for what comes into it.
    pub(crate) fn drawing_on(mut self, draw: Option<Arc<Draw>>) -> Self {
        self.cursor.draw = draw;
        self
    }

    /// What pays for the room that all of it takes.
    pub(super) fn draw(&self) -> Option<&Arc<Draw>> {
        self.cursor.draw.as_ref()
    }

    /// The same directory for another thread; to be [joined](Tree::join) with this one in the end.
    ///
    /// # Errors
    /// No descriptor was left.
    pub(super) fn for_another_thread(&self) -> Result<Self, UnpackError> {
        Ok(Self::at(self.cursor.for_another_thread()?))
    }

    /// Takes over what another thread has made, which did not make directories that this one made too.
    pub(super) fn join(&mut self, other: Self) {
        self.narrow.extend(other.narrow);
        self.contents = self.contents.zip(other.contents).map(|(mut all, others)| {
            all += others;
            all
        });
    }

    pub(super) fn path(&self) -> &Path {
        &self.cursor.path
    }

    /// Makes a directory; one that exists gets the mode. The directory itself keeps its own: a droplet's `./` says
    /// 0700, which is about the place where it was packed.
    pub(super) fn directory(&mut self, name: &EntryName, mode: u32) -> Result<(), UnpackError> {
        let Some((_, last)) = name.split() else { return Ok(()) };
        let wanted = Mode::from_raw_mode(mode & PERMITTED);
        let until_filled = Mode::from_raw_mode(mode & PERMITTED | OURS);
        self.cursor.walk(name, MissingParents::Make)?;
        loop {
            match rustix::fs::mkdirat(self.cursor.here(), last, until_filled) {
                Ok(()) => {
                    self.cursor.take(on_disk(1))?;
                    break self.cursor.give_away(name, last)?;
                }
                Err(Errno::EXIST) if self.cursor.kind_of(last) == Some(FileType::Directory) => {
                    break self.cursor.set_mode(last, until_filled).map_err(|error| self.cursor.disk(name, error))?;
                }
                Err(Errno::EXIST) => {
                    self.contents = None;
                    self.cursor.remove(name, last)?;
                }
                Err(error) => return Err(self.cursor.disk(name, error)),
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
        self.cursor.walk(name, MissingParents::Make)
    }

    /// Makes a regular file that holds `contents`, whose CRC-32 is known; what is there goes first.
    pub(super) fn whole_file(
        &mut self,
        name: &EntryName,
        mode: u32,
        contents: &[u8],
        crc32: u32,
    ) -> Result<(), UnpackError> {
        self.cursor.take(on_disk(contents.len() as u64))?;
        let mut new = self.new_file(name, mode)?;
        new.write_all(contents).map_err(|error| self.cursor.disk(name, error))?;
        self.add(name, Sum { size: contents.len() as u64, crc32 });
        Ok(())
    }

    /// Makes a regular file of what `contents` gives; what is there goes first. Ends when `scope` is stopped.
    pub(super) fn file(
        &mut self,
        name: &EntryName,
        mode: u32,
        contents: &mut dyn Read,
        scope: &Scope,
    ) -> Result<Sum, UnpackError> {
        let mut new = self.new_file(name, mode)?;
        let (mut checksum, mut size) = (Hasher::new(), 0);
        self.block.resize(BLOCK, 0);
        loop {
            let count = match contents.read(&mut self.block) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(cause) => return Err(UnpackError::from_reading(Some(name.shown()), cause)),
            };
            self.cursor.take(count as u64)?;
            new.write_all(&self.block[..count]).map_err(|error| self.cursor.disk(name, error))?;
            checksum.update(&self.block[..count]);
            size += count as u64;
            unless_stopped(scope)?;
        }
        self.cursor.take(on_disk(size) - size)?;
        let sum = Sum { size, crc32: checksum.finalize() };
        self.add(name, sum);
        Ok(sum)
    }

    fn add(&mut self, name: &EntryName, sum: Sum) {
        if let Some(all) = &mut self.contents {
            all.add_file(name.as_bytes(), sum.size, sum.crc32);
        }
    }

    /// Makes a symbolic link. Where it leads is data, nothing more: nobody here follows it.
    pub(super) fn symlink(&mut self, name: &EntryName, target: &OsStr) -> Result<(), UnpackError> {
        if target.len() >= SHORT_TARGET {
            self.cursor.take(on_disk(target.len() as u64))?;
        }
        let last = self.place(name)?;
        self.replacing(name, last, |here| rustix::fs::symlinkat(target, here, last))?;
        self.cursor.give_away(name, last)
    }

    /// Makes a hard link to an entry that is already there.
    pub(super) fn hard_link(&mut self, name: &EntryName, target: &EntryName) -> Result<(), UnpackError> {
        let missing = || UnpackError::Corrupt {
            entry: Some(name.shown()),
            cause: io::Error::other(format!("it is a hard link to {:?}, which is not there", target.shown())),
        };
        let Some((_, target_last)) = target.split() else { return Err(missing()) };
        match self.cursor.walk(target, MissingParents::Fail) {
            Err(UnpackError::Disk { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => return Err(missing()),
            walked => walked?,
        }
        let from = self.cursor.here().try_clone_to_owned().map_err(|error| self.cursor.disk(target, error))?;
        match self.cursor.kind_of(target_last) {
            None => return Err(missing()),
            Some(FileType::Directory) => return Err(forbidden(name, "is a hard link to a directory")),
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
            self.cursor.walk(&name, MissingParents::Fail)?;
            // A later entry may have put something else in its place.
            if self.cursor.kind_of(last) == Some(FileType::Directory) {
                self.cursor.set_mode(last, mode).map_err(|error| self.cursor.disk(&name, error))?;
            }
        }
        Ok(())
    }

    /// A digest of all files that were unpacked; `None` where it takes reading them to tell.
    pub(super) fn contents(&self) -> Option<Digest> {
        self.contents
    }

    fn new_file(&mut self, name: &EntryName, mode: u32) -> Result<File, UnpackError> {
        let last = self.place(name)?;
        let mode = Mode::from_raw_mode(mode & PERMITTED);
        let new = self.replacing(name, last, |here| rustix::fs::openat(here, last, NEW_FILE, mode))?;
        if let Some((uid, gid)) = self.cursor.owner {
            rustix::fs::fchown(&new, Some(uid), Some(gid)).map_err(|error| self.cursor.disk(name, error))?;
        }
        Ok(File::from(new))
    }

    /// Opens the parent of `name` and gives the last part of it.
    fn place<'n>(&mut self, name: &'n EntryName) -> Result<&'n OsStr, UnpackError> {
        let Some((_, last)) = name.split() else {
            let what = "wants to replace the directory itself";
            return Err(UnpackError::Forbidden { entry: ".".to_owned(), what });
        };
        self.cursor.walk(name, MissingParents::Make)?;
        Ok(last)
    }

    /// Does `make`; where something is in the way, that goes first.
    fn replacing<T>(
        &mut self,
        name: &EntryName,
        last: &OsStr,
        make: impl Fn(BorrowedFd) -> Result<T, Errno>,
    ) -> Result<T, UnpackError> {
        match make(self.cursor.here()) {
            Err(Errno::EXIST) => {
                self.contents = None;
                self.cursor.remove(name, last)?;
                make(self.cursor.here()).map_err(|error| self.cursor.disk(name, error))
            }
            result => result.map_err(|error| self.cursor.disk(name, error)),
        }
    }
}
