//! Visits everything in a tree, from descriptor to descriptor and never through a link.

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::ffi::CStr;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};
use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A file, directory, link or the like in a tree.
pub(crate) struct Item<'a> {
    /// From the tree's top, which itself has the empty path.
    pub(crate) path: &'a [u8],
    /// What the system says of it.
    pub(crate) status: &'a Stat,
    parent: BorrowedFd<'a>,
    name: &'a CStr,
}

impl Item<'_> {
    /// File, directory, link, …
    pub(crate) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.status.st_mode)
    }

    /// Where a symbolic link leads.
    pub(crate) fn target(&self) -> io::Result<CString> {
        Ok(rustix::fs::readlinkat(self.parent, self.name, Vec::new())?)
    }

    /// Lets its owner into a directory, also where that is root without root's rights.
    pub(crate) fn open_up(&self) -> io::Result<()> {
        Ok(rustix::fs::chmodat(self.parent, self.name, Mode::RWXU, AtFlags::empty())?)
    }

    /// Opens a regular file.
    pub(crate) fn open(&self) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(self.parent, self.name, flags, Mode::empty())?)
    }
}

/// Visits `top` and, where it is a directory, everything in it: a directory before it is opened.
///
/// # Errors
/// The first that the system or `visit` gives.
pub(crate) fn walk(top: &Path, visit: &mut dyn FnMut(&Item) -> io::Result<()>) -> io::Result<()> {
    let name = CString::new(top.as_os_str().as_bytes())?;
    let mut path = Vec::new();
    if visit_one(CWD, &name, &path, visit)? == FileType::Directory {
        let directory = rustix::fs::openat(CWD, &*name, DIRECTORY, Mode::empty())?;
        visit_inside(directory, &mut path, visit)?;
    }
    Ok(())
}

fn visit_inside(
    directory: OwnedFd,
    path: &mut Vec<u8>,
    visit: &mut dyn FnMut(&Item) -> io::Result<()>,
) -> io::Result<()> {
    let mut entries = Dir::new(directory)?;
    let mut directories: Vec<CString> = Vec::new();
    let length = path.len();
    while let Some(entry) = entries.read() {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        enter(path, name);
        if visit_one(entries.fd()?, name, path, visit)? == FileType::Directory {
            directories.push(name.to_owned());
        }
        path.truncate(length);
    }
    for name in directories {
        let inner = rustix::fs::openat(entries.fd()?, &*name, DIRECTORY, Mode::empty())?;
        enter(path, &name);
        visit_inside(inner, path, visit)?;
        path.truncate(length);
    }
    Ok(())
}

fn enter(path: &mut Vec<u8>, name: &CStr) {
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name.to_bytes());
}

fn visit_one(
    parent: BorrowedFd,
    name: &CStr,
    path: &[u8],
    visit: &mut dyn FnMut(&Item) -> io::Result<()>,
) -> io::Result<FileType> {
    let status = rustix::fs::statat(parent.as_fd(), name, AtFlags::SYMLINK_NOFOLLOW)?;
    let item = Item { path, status: &status, parent, name };
    visit(&item)?;
    Ok(item.kind())
}
