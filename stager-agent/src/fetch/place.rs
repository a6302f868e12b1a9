//! The directory that an archive goes to: made where it is missing, emptied when the archive failed.

#![expect(clippy::disallowed_methods, reason = "this is the leaf that makes and empties directories")]

use super::Owner;
use super::error::UnpackError;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};

/// Of new directories, as `mkdir -p` has it in Diego's containers.
const MODE: u32 = 0o755;

/// What was in a directory before it was unpacked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing; it may have been missing.
    Nothing,
    /// Something, which is nobody's but its owner's.
    Something,
}

/// Makes `path` and its missing parents; only the new ones belong to `owner`.
///
/// # Errors
/// [`UnpackError::Disk`].
pub(super) fn make(path: &Path, owner: Option<Owner>) -> Result<Before, UnpackError> {
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
    let empty = entries(path)?.is_empty();
    Ok(if empty { Before::Nothing } else { Before::Something })
}

/// Removes what is in `path`, so that half an archive is not taken for a whole one. Links are removed, not followed.
///
/// # Errors
/// [`UnpackError::Disk`].
pub(super) fn empty(path: &Path) -> Result<(), UnpackError> {
    for entry in entries(path)? {
        let kind = fs::symlink_metadata(&entry).map(|metadata| metadata.is_dir());
        let removed = match kind {
            Ok(true) => fs::remove_dir_all(&entry),
            _ => fs::remove_file(&entry),
        };
        removed.map_err(|cause| UnpackError::Disk { path: entry, cause })?;
    }
    Ok(())
}

fn entries(path: &Path) -> Result<Vec<PathBuf>, UnpackError> {
    let disk = |cause| UnpackError::Disk { path: path.to_owned(), cause };
    fs::read_dir(path).map_err(disk)?.map(|entry| Ok(entry.map_err(disk)?.path())).collect()
}
