//! Docker's configuration folder, which is not ours: contexts and logins are read from it, each where they are needed.

#![expect(clippy::disallowed_methods, reason = "the leaf that reads docker's configuration")]

use shared_model::secret::Secret;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// In the folder: logins, helpers for them, and which context is chosen.
pub(crate) const CONFIG: &str = "config.json";

/// Docker's own place for it: `DOCKER_CONFIG`, else `.docker` in `HOME`; `None` where neither is set.
pub(crate) fn of_process() -> Option<PathBuf> {
    let named = |variable| env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    named("DOCKER_CONFIG").or_else(|| named("HOME").map(|home| home.join(".docker")))
}

/// What a file of the folder holds, which may be passwords; `None` where there is no such file, or nothing in it: for docker
/// both are the same.
pub(crate) fn content(path: &Path) -> io::Result<Option<Secret<Vec<u8>>>> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content).filter(|content| !content.trim_ascii().is_empty()).map(Secret::new)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_as_good_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(CONFIG);
        assert!(content(&file).unwrap().is_none());
        for (text, is_one) in [("", false), (" \n", false), ("{}", true)] {
            fs::write(&file, text).unwrap();
            assert_eq!(content(&file).unwrap().is_some(), is_one, "{text:?}");
        }
        assert!(content(&file.join("below a file")).unwrap().is_none());
        assert!(content(folder.path()).is_err());
    }
}
