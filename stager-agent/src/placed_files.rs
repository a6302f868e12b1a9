//! Files that Diego would mount, written where the request's programs look for them, before anything foreign runs: folders
//! 0755 and files 0644, of the agent's user, so that builders read them and change nothing. They go with the staging.
#![expect(clippy::disallowed_methods, reason = "writes and removes the files")]

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Less the agent's umask, which takes nothing of it.
const FOLDER: u32 = 0o755;
const FILE: u32 = 0o644;

/// What was written, as long as this lives.
#[derive(Debug)]
pub(crate) struct PlacedFiles {
    folder: PathBuf,
    /// False: it was there before, and stays.
    made_folder: bool,
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
    /// Writes each file below `folder`, which is made where it is missing. The paths lead nowhere else.
    ///
    /// # Errors
    /// The folder holds something, or the system refuses; then nothing is left of them.
    pub(crate) fn write<'a>(
        folder: &Path,
        files: impl Iterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Self, PlaceError> {
        let failed = |cause| PlaceError::Io { folder: folder.to_owned(), cause };
        let made_folder = match DirBuilder::new().mode(FOLDER).create(folder) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if fs::read_dir(folder).map_err(failed)?.next().is_some() {
                    return Err(PlaceError::NotEmpty { folder: folder.to_owned() });
                }
                false
            }
            Err(error) => return Err(failed(error)),
        };
        let placed = Self { folder: folder.to_owned(), made_folder };
        for (path, content) in files {
            write(&folder.join(path), content).map_err(failed)?;
        }
        Ok(placed)
    }
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(FOLDER).create(parent)?;
    }
    OpenOptions::new().write(true).create_new(true).mode(FILE).open(path)?.write_all(content)
}

impl Drop for PlacedFiles {
    fn drop(&mut self) {
        // What cannot be removed goes with the container.
        if self.made_folder {
            let _ = fs::remove_dir_all(&self.folder);
            return;
        }
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let remove = if is_folder { fs::remove_dir_all } else { fs::remove_file };
            let _ = remove(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

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
}
