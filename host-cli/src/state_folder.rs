//! Where host-cli remembers what it did: `$XDG_STATE_HOME/stager`, else `~/.local/state/stager`. Without such a folder, or
//! where others may write to it, nothing is remembered.

#![expect(clippy::disallowed_methods, reason = "the leaf that finds the user's state folder")]

use sha2::{Digest, Sha256};
use shared_model::hex::hex;
use std::env;
use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Who may look into a folder of ours.
const OURS_ALONE: u32 = 0o700;
/// Of a mode: group and others may write.
const OTHERS_WRITE: u32 = 0o022;

/// The folder for what is remembered of the engine with this identity; it need not exist.
pub(crate) fn of_engine(identity: &str) -> Option<PathBuf> {
    folder(env::var_os("XDG_STATE_HOME"), env::var_os("HOME"))
        .map(|folder| folder.join("engines").join(file_name(identity)))
}

/// Names the cell's own folder; set in its container and nowhere else.
pub(crate) const CELL: &str = "STAGER_CELL";

/// The cell's own folder, for who is the cell; it need not exist.
pub(crate) fn of_cell() -> Option<PathBuf> {
    env::var_os(CELL).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// The folder for what was said in stagings, wherever they took place; it need not exist.
pub(crate) fn of_stagings() -> Option<PathBuf> {
    folder(env::var_os("XDG_STATE_HOME"), env::var_os("HOME")).map(|folder| folder.join("stagings"))
}

/// The folder for what is remembered of layers, whatever the place; it need not exist.
pub(crate) fn of_layers() -> Option<PathBuf> {
    folder(env::var_os("XDG_STATE_HOME"), env::var_os("HOME")).map(|folder| folder.join("layers"))
}

fn folder(state: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let absolute = |path: Option<OsString>| path.map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute(state).or_else(|| Some(absolute(home)?.join(".local/state")))?;
    Some(state.join("stager"))
}

/// The file's name for an identity or a guid, which may be any text: in hex.
pub(crate) fn file_name(identity: &str) -> String {
    const BYTES: usize = 16; // of the digest: no two have the same
    hex(&Sha256::digest(identity)[..BYTES])
}

/// Makes a folder of ours with its parents, closed to all others.
pub(crate) fn make(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(OURS_ALONE).create(folder)
}

/// Removes all files of a folder of ours but so many, the newest ones.
pub(crate) fn forget_the_oldest(folder: &Path, most: usize) -> std::io::Result<()> {
    let files = fs::read_dir(folder)?.flatten().collect::<Vec<_>>();
    if files.len() <= most {
        return Ok(());
    }
    let mut by_age: Vec<_> =
        files.iter().filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file.path()))).collect();
    by_age.sort();
    for (_, oldest) in by_age.iter().take(files.len() - most) {
        fs::remove_file(oldest)?;
    }
    Ok(())
}

/// Whether nobody else can have put anything into it.
pub(crate) fn is_ours(folder: &Path) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|metadata| {
        metadata.is_dir()
            && metadata.uid() == rustix::process::geteuid().as_raw()
            && metadata.mode() & OTHERS_WRITE == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_folder_is_where_the_xdg_specification_puts_it() {
        let some = |path: &str| Some(OsString::from(path));
        assert_eq!(folder(some("/s"), some("/h")), Some("/s/stager".into()));
        assert_eq!(folder(some("relative"), some("/h")), Some("/h/.local/state/stager".into()));
        assert_eq!((folder(None, some("h")), folder(None, None)), (None, None));
        assert_ne!(file_name("a"), file_name("b"));
        assert!(file_name("../../x").chars().all(|c| c.is_ascii_hexdigit()));
    }

    #[test]
    fn a_folder_that_others_may_write_to_is_not_believed() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("a/b");
        assert!(!is_ours(&folder));
        make(&folder).unwrap();
        assert!(is_ours(&folder));
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o770)).unwrap();
        assert!(!is_ours(&folder));
    }
}
