//! The directory that an archive goes to: made where it is missing, emptied when the archive failed.

#![expect(clippy::disallowed_methods, reason = "this is the leaf that makes and empties directories")]

use super::archive::Archive;
use crate::disk_budget::Draw;
use crate::unpack::{Owner, Tree, UnpackError};
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Of new directories, as `mkdir -p` has it in Diego's containers.
const MODE: u32 = 0o755;

/// The directory of one archive, and what pays for what comes into it.
#[derive(Debug)]
pub(super) struct TargetDir<'a> {
    path: &'a Path,
    owner: Option<Owner>,
    /// Nothing was in it, or it was missing; else what is in it is nobody's but its owner's.
    was_empty: bool,
    draw: Option<Arc<Draw>>,
}

impl<'a> TargetDir<'a> {
    /// Makes the directory that `archive` is unpacked in, where it is missing.
    ///
    /// # Errors
    /// [`UnpackError::Disk`].
    pub(super) fn create(archive: &Archive<'a>) -> Result<Self, UnpackError> {
        let (path, owner) = (archive.into.unwrap_or(archive.to), archive.owner);
        make(path, owner)?;
        let was_empty = entries(path)?.is_empty();
        Ok(Self { path, owner, was_empty, draw: archive.disk.map(|budget| Arc::new(Draw::on(budget))) })
    }

    /// Opens it for what shall come into it.
    ///
    /// # Errors
    /// [`UnpackError::Disk`].
    pub(super) fn tree(&self) -> Result<Tree, UnpackError> {
        Ok(Tree::open(self.path, self.owner)?.drawing_on(self.draw.clone()))
    }

    /// After a failure: empties it where it was empty, so that half an archive is not taken for a whole one, and gives back what
    /// was taken for that.
    ///
    /// # Errors
    /// [`UnpackError::Disk`].
    pub(super) fn clear(&self) -> Result<(), UnpackError> {
        if self.was_empty {
            empty(self.path)?;
            if let Some(draw) = &self.draw {
                draw.give_all_back();
            }
        }
        Ok(())
    }
}

/// Makes `path` and its missing parents; only the new ones belong to `owner`.
fn make(path: &Path, owner: Option<Owner>) -> Result<(), UnpackError> {
    let missing: Vec<&Path> =
        path.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.is_dir()).collect();
    for directory in missing.iter().rev() {
        let disk = |cause| UnpackError::Disk { path: (*directory).to_owned(), cause };
        match fs::DirBuilder::new().mode(MODE).create(directory) {
            // Somebody who unpacks beside us was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => continue,
            made => made.map_err(disk)?,
        }
        if let Some(Owner { uid, gid }) = owner.filter(|_| rustix::process::geteuid().is_root()) {
            chown(directory, Some(uid), Some(gid)).map_err(disk)?;
        }
    }
    Ok(())
}

/// Removes what is in `path`. Links are removed, not followed.
fn empty(path: &Path) -> Result<(), UnpackError> {
    for entry in entries(path)? {
        let is_dir = fs::symlink_metadata(&entry).is_ok_and(|metadata| metadata.is_dir());
        let removed = if is_dir { fs::remove_dir_all(&entry) } else { fs::remove_file(&entry) };
        removed.map_err(|cause| UnpackError::Disk { path: entry, cause })?;
    }
    Ok(())
}

fn entries(path: &Path) -> Result<Vec<PathBuf>, UnpackError> {
    let disk = |cause| UnpackError::Disk { path: path.to_owned(), cause };
    fs::read_dir(path).map_err(disk)?.map(|entry| Ok(entry.map_err(disk)?.path())).collect()
}
