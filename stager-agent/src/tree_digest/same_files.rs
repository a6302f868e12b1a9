//! Whether two trees are one in all but their directories, told by what the directories list: a quarter of the time of a look at
//! each file.

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::ffi::CStr;
use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, Stat};
use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Whether the directories `one` and `other` list the same names for the same files, on one file system, and directories of the
/// same owners and modes for directories. False too where a file system lists other numbers than it gives its files: then
/// nothing is known.
///
/// # Errors
/// One of them is not there, or cannot be read.
pub(crate) fn have_same_files(one: &Path, other: &Path) -> io::Result<bool> {
    let name = |path: &Path| CString::new(path.as_os_str().as_bytes());
    same_directory((CWD, &name(one)?), (CWD, &name(other)?))
}

/// A name in a directory.
type At<'a> = (BorrowedFd<'a>, &'a CStr);

fn same_directory(one: At, other: At) -> io::Result<bool> {
    let open = |at: At| rustix::fs::openat(at.0, at.1, DIRECTORY, Mode::empty());
    let (one, other) = (open(one)?, open(other)?);
    let known = |status: &Stat| (status.st_dev, status.st_mode, status.st_uid, status.st_gid);
    let (of_one, of_other) = (rustix::fs::fstat(&one)?, rustix::fs::fstat(&other)?);
    if known(&of_one) != known(&of_other) {
        return Ok(false);
    }
    let listed_by_one = listed(&one)?;
    if listed_by_one != listed(&other)? {
        return Ok(false);
    }
    for Listed { name, .. } in listed_by_one.iter().filter(|listed| listed.file.is_none()) {
        if !same_directory((one.as_fd(), name), (other.as_fd(), name))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What a directory says of one name.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Listed {
    name: CString,
    /// Its number; `None`: a directory, whose number differs.
    file: Option<u64>,
}

fn listed(directory: &OwnedFd) -> io::Result<Vec<Listed>> {
    let mut all = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            let file = (entry.file_type() != FileType::Directory).then(|| entry.ino());
            all.push(Listed { name: entry.file_name().to_owned(), file });
        }
    }
    all.sort();
    Ok(all)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests make trees")]

    use super::super::{Files, repeat};
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    type Change = fn(&Path);

    #[test]
    fn a_tree_of_links_has_the_same_files_until_a_name_a_file_or_a_directory_is_another() {
        let changes: [(&str, bool, Change); 7] = [
            ("nothing", true, |_| ()),
            ("a byte, which is in both", true, |tree| fs::write(tree.join("in/file"), "other").unwrap()),
            ("a name more", false, |tree| fs::write(tree.join("in/more"), "").unwrap()),
            ("a name less", false, |tree| fs::remove_file(tree.join("link")).unwrap()),
            ("a file of its own", false, |tree| {
                fs::rename(tree.join("in/file"), tree.join("moved")).unwrap();
                fs::copy(tree.join("moved"), tree.join("in/file")).unwrap();
                fs::remove_file(tree.join("moved")).unwrap();
            }),
            ("a mode", false, |tree| fs::set_permissions(tree.join("in"), Permissions::from_mode(0o777)).unwrap()),
            ("a link in a directory's place", false, |tree| {
                fs::remove_dir(tree.join("empty")).unwrap();
                symlink("in", tree.join("empty")).unwrap();
            }),
        ];
        for (what, expected, change) in changes {
            let home = tempfile::tempdir().unwrap();
            let (one, other) = (home.path().join("one"), home.path().join("other"));
            fs::create_dir_all(one.join("in")).unwrap();
            fs::create_dir(one.join("empty")).unwrap();
            fs::write(one.join("in/file"), "bytes").unwrap();
            symlink("in/file", one.join("link")).unwrap();
            repeat(&one, &other, Files::Linked).unwrap();
            change(&other);
            assert_eq!(have_same_files(&one, &other).unwrap(), expected, "{what}");
        }
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        let home = tempfile::tempdir().unwrap();
        assert!(have_same_files(home.path(), &home.path().join("none")).is_err());
    }
}
