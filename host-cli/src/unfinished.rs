//! The names of files and folders that are being made, until they get their own: by them a later host-cli tells what a
//! killed one has left.

#![expect(clippy::disallowed_methods, reason = "removes what is found to be nobody's")]

use crate::owner::{Life, Owner};
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Behind the owner.
const END: char = '-';

/// How the name of something unfinished of this `kind` begins.
pub(crate) fn prefix(kind: &str) -> String {
    format!("{kind}{}{END}", Owner::ourselves())
}

/// Writes a file whole or not at all, for its owner alone, by way of an unfinished one of this `kind` beside it. What killed host-clis
/// have left of that kind goes.
pub(crate) fn replace(path: &Path, kind: &str, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    remove_left(folder, kind);
    let mut file = tempfile::Builder::new().prefix(&prefix(kind)).tempfile_in(folder)?;
    write(file.as_file_mut())?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Removes from a folder what is unfinished, of this kind, and nobody's any more. What cannot be removed stays.
pub(crate) fn remove_left(folder: &Path, kind: &str) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(kind)).and_then(|rest| rest.split_once(END));
        let owner = owner.and_then(|(owner, _)| Owner::read(owner));
        if owner.is_some_and(|owner| owner.life() == Life::Ended) {
            let path = entry.path();
            let _ = if path.is_symlink() || !path.is_dir() { fs::remove_file(path) } else { fs::remove_dir_all(path) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::owner::samples::{elsewhere, ended, living};

    #[test]
    fn only_what_a_dead_owner_left_unfinished_goes() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let stays = [format!(".u-{}-x", living()), format!(".u-{}-x", elsewhere()), format!(".v-{}-x", ended())];
        for name in stays.iter().map(String::as_str).chain([".u-nonsense-x", ".u-", "mine"]) {
            fs::write(at(name), "").unwrap();
        }
        let gone = [at(&format!(".u-{}-file", ended())), at(&format!(".u-{}-folder", ended()))];
        fs::write(&gone[0], "").unwrap();
        fs::create_dir_all(gone[1].join("deep")).unwrap();
        remove_left(folder.path(), ".u-");
        assert!(gone.iter().all(|path| !path.exists()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 6);
        remove_left(&at("not-there"), ".u-");
    }
}
