//! Files that Diego would mount, written where the request's programs look for them, before anything foreign runs: folders
//! 0755 and files 0644, of the agent's user, so that builders read them and change nothing. They go with the staging: what was
//! written and nothing else, in the folder that is held open, wherever its path leads by then.

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Less the agent's umask, which takes nothing of it.
const FOLDER: u32 = 0o755;
const FILE: u32 = 0o644;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const NEW: OFlags = OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::CLOEXEC);
/// Nor does a pipe hold anybody up.
const PRESENT: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// What was written, as long as this lives.
#[derive(Debug)]
pub(crate) struct PlacedFiles {
    folder: OwnedFd,
    /// Paths below it in the order in which they were made, and what removes each.
    made: Vec<(String, AtFlags)>,
    /// What is above the folder, and its name there; `None`: it was there before, and stays.
    made_folder: Option<(OwnedFd, OsString)>,
}

/// Why they are not there. Names the folder, never a file's content.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    #[error("cannot write files below {}", folder.display())]
    Io {
        folder: PathBuf,
        #[source]
        cause: io::Error,
    },
    /// They would be mixed with somebody else's.
    #[error("cannot write files below {}: it is not empty", folder.display())]
    NotEmpty { folder: PathBuf },
}

impl PlacedFiles {
    /// Writes each file below `folder`, which is made where it is missing, and is no link. The paths lead nowhere else.
    ///
    /// # Errors
    /// The folder holds something, or the system refuses; then nothing is left of them.
    pub(crate) fn write<'a>(
        folder: &Path,
        files: impl Iterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Self, PlaceError> {
        let failed = |cause| PlaceError::Io { folder: folder.to_owned(), cause };
        let mut placed = Self::open(folder).map_err(failed)?;
        if placed.made_folder.is_none() && !is_empty(&placed.folder).map_err(failed)? {
            return Err(PlaceError::NotEmpty { folder: folder.to_owned() });
        }
        for (path, content) in files {
            placed.add(path, content).map_err(failed)?;
        }
        Ok(placed)
    }

    fn open(folder: &Path) -> io::Result<Self> {
        let (Some(above), Some(name)) = (folder.parent(), folder.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        // The links above are the root file system's own: /var/run.
        let above = rustix::fs::openat(CWD, above, DIRECTORY.difference(OFlags::NOFOLLOW), Mode::empty())?;
        let is_made = is_made(&above, name)?;
        let folder = rustix::fs::openat(&above, name, DIRECTORY, Mode::empty())?;
        Ok(Self { folder, made: Vec::new(), made_folder: is_made.then(|| (above, name.to_owned())) })
    }

    fn add(&mut self, path: &str, content: &[u8]) -> io::Result<()> {
        let mut above = self.folder.try_clone()?;
        let mut begin = 0;
        for (end, _) in path.match_indices('/') {
            let name = &path[begin..end];
            if is_made(&above, OsStr::new(name))? {
                self.made.push((path[..end].to_owned(), AtFlags::REMOVEDIR));
            }
            above = rustix::fs::openat(&above, name, DIRECTORY, Mode::empty())?;
            begin = end + 1;
        }
        let file = rustix::fs::openat(&above, &path[begin..], NEW, FILE.into())?;
        self.made.push((path.to_owned(), AtFlags::empty()));
        File::from(file).write_all(content)
    }

    fn remove(&self, path: &str, how: AtFlags) -> io::Result<()> {
        let (folders, name) = path.rsplit_once('/').map_or((None, path), |(folders, name)| (Some(folders), name));
        let mut above = self.folder.try_clone()?;
        for folder in folders.iter().flat_map(|folders| folders.split('/')) {
            above = rustix::fs::openat(&above, folder, DIRECTORY, Mode::empty())?;
        }
        Ok(rustix::fs::unlinkat(&above, name, how)?)
    }
}

/// Whether `folder` holds exactly these files, as they are written here: an agent that was killed in this container left them.
pub(crate) fn are_there<'a>(folder: &Path, files: impl Iterator<Item = (&'a str, &'a [u8])>) -> bool {
    let wanted: BTreeMap<&str, &[u8]> = files.collect();
    let opened = rustix::fs::openat(CWD, folder, DIRECTORY, Mode::empty());
    opened.is_ok_and(|folder| found_below(&folder, "", &wanted).is_ok_and(|found| found == Some(wanted.len())))
}

/// How many of `wanted` are in a folder whose own path is `front`; `None`: there is something else, too.
fn found_below(folder: &OwnedFd, front: &str, wanted: &BTreeMap<&str, &[u8]>) -> io::Result<Option<usize>> {
    if !is_as_written(&rustix::fs::fstat(folder)?, FileType::Directory) {
        return Ok(None);
    }
    let mut found = 0;
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().to_str() else { return Ok(None) };
        if matches!(name, "." | "..") {
            continue;
        }
        let path = format!("{front}{name}");
        let below = format!("{path}/");
        if let Some(content) = wanted.get(&*path) {
            if !is_file(folder, name, content)? {
                return Ok(None);
            }
            found += 1;
        } else if wanted.range(&*below..).next().is_some_and(|(next, _)| next.starts_with(&below)) {
            let inner = rustix::fs::openat(folder, name, DIRECTORY, Mode::empty())?;
            let Some(more) = found_below(&inner, &below, wanted)? else { return Ok(None) };
            found += more;
        } else {
            return Ok(None);
        }
    }
    Ok(Some(found))
}

fn is_file(folder: &OwnedFd, name: &str, content: &[u8]) -> io::Result<bool> {
    let file = rustix::fs::openat(folder, name, PRESENT, Mode::empty())?;
    if !is_as_written(&rustix::fs::fstat(&file)?, FileType::RegularFile) {
        return Ok(false);
    }
    let mut present = Vec::new();
    File::from(file).take(content.len() as u64 + 1).read_to_end(&mut present)?;
    Ok(present == content)
}

/// Whether it is of this kind, the agent's user's, and nobody else's to write.
fn is_as_written(found: &Stat, kind: FileType) -> bool {
    let mode = if kind == FileType::Directory { FOLDER } else { FILE };
    FileType::from_raw_mode(found.st_mode) == kind
        && Mode::from_raw_mode(found.st_mode) == mode.into()
        && found.st_uid == rustix::process::geteuid().as_raw()
}

/// Makes a folder; false where there is something of that name.
fn is_made(above: &OwnedFd, name: &OsStr) -> io::Result<bool> {
    match rustix::fs::mkdirat(above, name, FOLDER.into()) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn is_empty(folder: impl AsFd) -> io::Result<bool> {
    for entry in Dir::read_from(folder)? {
        if !matches!(entry?.file_name().to_bytes(), b"." | b"..") {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Drop for PlacedFiles {
    fn drop(&mut self) {
        // What cannot be removed goes with the container.
        for (path, how) in self.made.iter().rev() {
            let _ = self.remove(path, *how);
        }
        if let Some((above, name)) = &self.made_folder {
            let _ = rustix::fs::unlinkat(above, name, AtFlags::REMOVEDIR);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests make trees")]

    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    const FILES: [(&str, &[u8]); 3] =
        [("db/uri", b"postgres://u:s3cret@db"), ("db/user", b"u"), ("vcap_services", b"{}")];

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn files_are_readable_for_everybody_writable_for_nobody_else_and_gone_afterwards() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("bindings");
        let placed = PlacedFiles::write(&folder, FILES.into_iter()).unwrap();
        assert_eq!(fs::read(folder.join("db/uri")).unwrap(), FILES[0].1);
        assert_eq!([mode(&folder), mode(&folder.join("db"))], [FOLDER; 2]);
        assert_eq!([mode(&folder.join("db/user")), mode(&folder.join("vcap_services"))], [FILE; 2]);
        drop(placed);
        assert!(!folder.exists());
    }

    #[test]
    fn a_folder_that_was_there_stays_and_only_an_empty_one_is_used() {
        let folder = tempfile::tempdir().unwrap();
        drop(PlacedFiles::write(folder.path(), FILES.into_iter()).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        fs::write(folder.path().join("own"), "mine").unwrap();
        let refused = PlacedFiles::write(folder.path(), FILES.into_iter());
        assert!(matches!(refused, Err(PlaceError::NotEmpty { .. })), "{refused:?}");
        assert_eq!(fs::read(folder.path().join("own")).unwrap(), b"mine");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn of_files_that_cannot_all_be_written_none_is_left() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("bindings");
        let long = "n".repeat(300);
        let refused = PlacedFiles::write(&folder, [FILES[0], (&*long, b"s3cret")].into_iter()).unwrap_err();
        assert!(!folder.exists());
        assert!(!format!("{refused} {refused:?}").contains("s3cret"));
    }

    #[test]
    fn only_what_was_written_is_removed_and_not_through_a_link() {
        let parent = tempfile::tempdir().unwrap();
        let path = |name: &str| parent.path().join(name);
        let placed = PlacedFiles::write(&path("bindings"), FILES.into_iter()).unwrap();
        fs::write(path("bindings/db/more"), "").unwrap();
        fs::rename(path("bindings"), path("moved")).unwrap();
        fs::create_dir_all(path("other/db")).unwrap();
        fs::write(path("other/db/uri"), "somebody's").unwrap();
        symlink("other", path("bindings")).unwrap();
        drop(placed);
        assert_eq!(fs::read_to_string(path("other/db/uri")).unwrap(), "somebody's");
        let left: Vec<_> = fs::read_dir(path("moved/db")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["more"]);
        assert_eq!(fs::read_dir(path("moved")).unwrap().count(), 1);
        let placed = PlacedFiles::write(&path("own"), FILES.into_iter()).unwrap();
        fs::rename(path("own/db"), path("db")).unwrap();
        symlink(path("db"), path("own/db")).unwrap();
        drop(placed);
        assert!(path("db/uri").exists(), "behind a link that took a folder's place");
    }

    #[test]
    fn a_folder_that_is_a_link_is_not_written_to() {
        let parent = tempfile::tempdir().unwrap();
        fs::create_dir(parent.path().join("there")).unwrap();
        symlink("there", parent.path().join("link")).unwrap();
        let refused = PlacedFiles::write(&parent.path().join("link"), FILES.into_iter());
        assert!(matches!(refused, Err(PlaceError::Io { .. })), "{refused:?}");
        assert_eq!(fs::read_dir(parent.path().join("there")).unwrap().count(), 0);
    }

    #[test]
    fn exactly_the_same_files_are_known_again() {
        type Change = fn(&Path);
        let changes: [(bool, Change); 8] = [
            (true, |_| ()),
            (false, |folder| fs::write(folder.join("db/user"), "v").unwrap()),
            (false, |folder| fs::write(folder.join("db/user"), "u2").unwrap()),
            (false, |folder| fs::write(folder.join("more"), "").unwrap()),
            (false, |folder| fs::create_dir(folder.join("empty")).unwrap()),
            (false, |folder| fs::remove_file(folder.join("vcap_services")).unwrap()),
            (false, |folder| fs::set_permissions(folder.join("db"), Permissions::from_mode(0o777)).unwrap()),
            (false, |folder| {
                fs::rename(folder.join("db/user"), folder.with_file_name("user")).unwrap();
                symlink("../../user", folder.join("db/user")).unwrap();
            }),
        ];
        for (at, (is_same, change)) in changes.into_iter().enumerate() {
            let parent = tempfile::tempdir().unwrap();
            let folder = parent.path().join("bindings");
            assert!(!are_there(&folder, FILES.into_iter()));
            let placed = PlacedFiles::write(&folder, FILES.into_iter()).unwrap();
            change(&folder);
            assert_eq!(are_there(&folder, FILES.into_iter()), is_same, "{at}");
            drop(placed);
        }
    }
}
