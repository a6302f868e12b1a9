//! Makes a tree once more in another place: with further names for the same files, or with files of its own. Directories
//! are always new ones. Modes, owners and times are the first tree's, of which nothing is changed.

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::ffi::CStr;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid};
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const FILE: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const NEW_FILE: OFlags = OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::CLOEXEC);

/// What the files of the second tree are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Files {
    /// The first tree's, under a further name.
    Linked,
    /// Copies.
    Copied,
}

/// Makes the directory `tree` once more at `to`, where nothing is yet. Until it is complete only its owner may enter it.
///
/// # Errors
/// The system refuses: another file system has no links to these files, a file has too many names, the disk is full. What
/// was made so far is left.
pub(crate) fn repeat(tree: &Path, to: &Path, files: Files) -> io::Result<()> {
    let (tree, to) = (CString::new(tree.as_os_str().as_bytes())?, CString::new(to.as_os_str().as_bytes())?);
    let status = rustix::fs::statat(CWD, &*tree, AtFlags::SYMLINK_NOFOLLOW)?;
    repeat_directory((CWD, &tree), (CWD, &to), &status, files)
}

/// A name in a directory.
type At<'a> = (BorrowedFd<'a>, &'a CStr);

fn repeat_directory(from: At, to: At, status: &Stat, files: Files) -> io::Result<()> {
    let source = rustix::fs::openat(from.0, from.1, DIRECTORY, Mode::empty())?;
    rustix::fs::mkdirat(to.0, to.1, Mode::RWXU)?;
    let made = rustix::fs::openat(to.0, to.1, DIRECTORY, Mode::empty())?;
    let mut entries = Dir::new(source)?;
    let mut directories: Vec<(CString, Stat)> = Vec::new();
    while let Some(entry) = entries.read() {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let (from, to) = ((entries.fd()?, name), (made.as_fd(), name));
        let status = rustix::fs::statat(from.0, name, AtFlags::SYMLINK_NOFOLLOW)?;
        match (FileType::from_raw_mode(status.st_mode), files) {
            (FileType::Directory, _) => directories.push((name.to_owned(), status)),
            (FileType::RegularFile, Files::Copied) => copy_file(from, to, &status)?,
            (FileType::Symlink, Files::Copied) => copy_link(from, to, &status)?,
            (FileType::RegularFile | FileType::Symlink, Files::Linked) => {
                rustix::fs::linkat(from.0, from.1, to.0, to.1, AtFlags::empty())?;
            }
            _ => return Err(io::Error::other("it is no file, directory or link")),
        }
    }
    for (name, status) in directories {
        repeat_directory((entries.fd()?, &name), (made.as_fd(), &name), &status, files)?;
    }
    settle(&made, status)
}

fn copy_file(from: At, to: At, status: &Stat) -> io::Result<()> {
    let mut source = File::from(rustix::fs::openat(from.0, from.1, FILE, Mode::empty())?);
    let mut made = File::from(rustix::fs::openat(to.0, to.1, NEW_FILE, Mode::RUSR | Mode::WUSR)?);
    io::copy(&mut source, &mut made)?;
    settle(&made.into(), status)
}

fn copy_link(from: At, to: At, status: &Stat) -> io::Result<()> {
    let target = rustix::fs::readlinkat(from.0, from.1, Vec::new())?;
    rustix::fs::symlinkat(&*target, to.0, to.1)?;
    let (owner, group) = owners(status);
    Ok(rustix::fs::chownat(to.0, to.1, Some(owner), Some(group), AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Gives what was `made` the owners, mode and time of what it is made after.
fn settle(made: &OwnedFd, status: &Stat) -> io::Result<()> {
    let (owner, group) = owners(status);
    rustix::fs::fchown(made, Some(owner), Some(group))?;
    rustix::fs::fchmod(made, Mode::from_raw_mode(status.st_mode))?;
    let time = |seconds, nanoseconds| Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
    let last_access = time(0, rustix::fs::UTIME_OMIT);
    let last_modification = time(status.st_mtime, status.st_mtime_nsec.cast_signed());
    Ok(rustix::fs::futimens(made, &Timestamps { last_access, last_modification })?)
}

fn owners(status: &Stat) -> (Uid, Gid) {
    (Uid::from_raw(status.st_uid), Gid::from_raw(status.st_gid))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests make trees")]

    use super::super::{Digest, Structure};
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::time::{Duration, SystemTime};

    #[test]
    fn the_second_tree_is_known_by_the_same_digests_and_the_first_stays_as_it_was() {
        for (files, names) in [(Files::Linked, 2), (Files::Copied, 1)] {
            let home = tempfile::tempdir().unwrap();
            let (one, two) = (home.path().join("one"), home.path().join("two"));
            fs::create_dir_all(one.join("closed/deep")).unwrap();
            fs::write(one.join("closed/deep/program"), "text").unwrap();
            fs::set_permissions(one.join("closed/deep/program"), Permissions::from_mode(0o751)).unwrap();
            let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_466_017_043);
            File::open(one.join("closed/deep/program")).unwrap().set_modified(long_ago).unwrap();
            symlink("/nowhere", one.join("link")).unwrap();
            fs::set_permissions(one.join("closed"), Permissions::from_mode(0o555)).unwrap();
            File::open(&one).unwrap().set_modified(long_ago).unwrap();
            let before = Structure::read(&one).unwrap();

            repeat(&one, &two, files).unwrap();
            assert_eq!(Structure::read(&two).unwrap(), before, "{files:?}");
            assert_eq!(Structure::read(&one).unwrap(), before, "{files:?}");
            let contents = |tree| Digest::of_files(tree, &|| Ok(())).unwrap();
            assert_eq!(contents(&one), contents(&two));
            let program = fs::metadata(two.join("closed/deep/program")).unwrap();
            assert_eq!((program.nlink(), fs::metadata(&two).unwrap().modified().unwrap()), (names, long_ago));
            assert!(repeat(&one, &two, files).is_err(), "nothing is put into what is there");
        }
    }
}
