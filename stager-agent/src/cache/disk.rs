//! Removes things from the disk, whatever they are.
#![expect(clippy::disallowed_methods, reason = "this is the leaf that removes entries")]

use super::error::CacheError;
use crate::tree_digest::walk;
use rustix::fs::FileType;
use std::fs;
use std::io;
use std::path::Path;

/// Removes `path` and what is in it, whatever it is and if it is there at all. No link is followed.
///
/// # Errors
/// The system refuses.
pub(super) fn remove_all(path: &Path) -> Result<(), CacheError> {
    let removed = match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => remove_tree(path),
        removed => removed,
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(CacheError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

fn remove_tree(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            // An archive may have directories that even their owner may not write to.
            walk(path, &mut |item| if item.kind() == FileType::Directory { item.open_up() } else { Ok(()) })?;
            fs::remove_dir_all(path)
        }
        removed => removed,
    }
}
