//! Keeps files in a folder of this machine, 0600 in a folder of 0700.

#![expect(clippy::disallowed_methods, reason = "the leaf that reads and writes what is remembered of apps")]

use super::{Keep, LARGEST, digest};
use crate::state_folder::{is_ours, make};
use crate::unfinished;
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// How the names of unfinished files begin.
const UNFINISHED: &str = ".wish-";
/// What all who write lock. It stays: removed, two could hold two of it.
const LOCK: &str = "lock";
/// How the names of kept files end.
const END: &str = ".json";

/// See the module. The folder need not exist.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// At this path.
    pub(crate) const fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// The folder, made where it is missing; nobody else may write there.
    fn made(&self) -> io::Result<()> {
        make(&self.0)?;
        if is_ours(&self.0) { Ok(()) } else { Err(io::Error::other("others may write to the folder")) }
    }

    /// Held until it is dropped.
    fn lock(&self) -> io::Result<File> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(self.0.join(LOCK))?;
        flock(&file, FlockOperation::LockExclusive)?;
        Ok(file)
    }
}

impl Keep for Folder {
    fn each(&self, hear: &mut dyn FnMut(String, io::Result<Vec<u8>>)) -> io::Result<()> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let Ok(name) = entry?.file_name().into_string() else { continue };
            if !name.ends_with(END) || name.starts_with('.') {
                continue;
            }
            if let Some(bytes) = self.one(&name).transpose() {
                hear(name, bytes);
            }
        }
        Ok(())
    }

    fn one(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.0.join(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut bytes = Vec::new();
        file.take(LARGEST as u64 + 1).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn replace(&self, name: &str, before: Option<&str>, new: Option<&[u8]>) -> io::Result<bool> {
        self.while_locked(|| self.replace_locked(name, before, new))
    }
}

impl Folder {
    /// Does something while nobody else changes what is there.
    pub(crate) fn while_locked<T>(&self, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.made()?;
        let _lock = self.lock()?;
        act()
    }

    /// As [`Keep::replace`], in [`Self::while_locked`].
    pub(crate) fn replace_locked(&self, name: &str, before: Option<&str>, new: Option<&[u8]>) -> io::Result<bool> {
        if new.is_some_and(|new| new.len() > LARGEST) {
            return Err(io::Error::other("the file would be too large"));
        }
        if self.one(name)?.as_deref().map(digest).as_deref() != before {
            return Ok(false);
        }
        match new {
            Some(bytes) => {
                unfinished::replace(&self.0.join(name), UNFINISHED, |file| {
                    file.write_all(bytes).and_then(|()| file.sync_all())
                })?;
            }
            None => fs::remove_file(self.0.join(name))?,
        }
        // The name is on the disk, too, when this is done.
        File::open(&self.0)?.sync_all()?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::super::whole;
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_closed_to_all_others_and_nothing_unfinished_is_listed() {
        let here = tempfile::tempdir().unwrap();
        let folder = Folder::at(here.path().join("a/apps"));
        assert!(whole(&folder).unwrap().is_empty() && folder.one("x.json").unwrap().is_none());
        assert!(folder.replace("x.json", None, Some(b"1")).unwrap());
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(folder.0.clone()), mode(folder.0.join("x.json"))), (0o700, 0o600));
        fs::write(folder.0.join(".wish-x.json"), "half").unwrap();
        fs::write(folder.0.join("notes"), "").unwrap();
        assert_eq!(whole(&folder).unwrap(), [("x.json".to_owned(), b"1".to_vec())].into());
        // One that cannot be read is nobody else's matter.
        fs::create_dir(folder.0.join("y.json")).unwrap();
        let mut read = Vec::new();
        folder.each(&mut |name, bytes| read.push((name, bytes.is_ok()))).unwrap();
        read.sort();
        assert_eq!(read, [("x.json".to_owned(), true), ("y.json".to_owned(), false)]);
        assert!(whole(&folder).is_err());
    }

    #[test]
    fn only_who_knows_what_is_there_replaces_it() {
        let here = tempfile::tempdir().unwrap();
        let folder = Folder::at(here.path().join("apps"));
        assert!(!folder.replace("x.json", Some(&digest(b"0")), Some(b"1")).unwrap());
        assert!(folder.replace("x.json", None, Some(b"1")).unwrap());
        assert!(!folder.replace("x.json", None, Some(b"2")).unwrap());
        assert!(folder.replace("x.json", Some(&digest(b"1")), None).unwrap());
        assert!(folder.one("x.json").unwrap().is_none());
    }

    #[test]
    fn a_folder_that_others_may_write_to_keeps_nothing() {
        let here = tempfile::tempdir().unwrap();
        let folder = Folder::at(here.path().join("apps"));
        fs::create_dir(&folder.0).unwrap();
        fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o777)).unwrap();
        let refused = folder.replace("x.json", None, Some(b"1")).unwrap_err();
        assert!(refused.to_string().contains("others may write"), "{refused}");
    }
}
