//! Takes in what the builder says of its work: the result file. It is the work of a stranger, so it is not followed
//! anywhere, not waited for, and not read beyond what Diego would take.
#![expect(clippy::disallowed_methods, reason = "opens the result file and looks at the droplet")]

use rustix::fs::OFlags;
use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The most that today's Diego takes.
pub(crate) const LARGEST: u64 = 50 * 1024;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResultError {
    /// It cannot be opened or read.
    #[error("the builder left no result in {}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A directory, a pipe or the like.
    #[error("the result {} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// Over [`LARGEST`].
    #[error("the result in {} is longer than 50 KiB, the most that Diego takes", .0.display())]
    TooLong(PathBuf),
    /// Not text.
    #[error("the result in {} is not UTF-8 text", .0.display())]
    NotText(PathBuf),
}

/// The text in `path`.
///
/// # Errors
/// See [`ResultError`]. An empty file is none.
pub(crate) fn read(path: &Path) -> Result<String, ResultError> {
    let unreadable = |source| ResultError::Unreadable { path: path.to_owned(), source };
    let unfollowed = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(unfollowed).open(path).map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(ResultError::NotAFile(path.to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(ResultError::TooLong(path.to_owned()));
    }
    String::from_utf8(bytes).map_err(|_| ResultError::NotText(path.to_owned()))
}

/// The size of the file `path`; `None` where it is no regular file.
///
/// # Errors
/// It is not there, or cannot be looked at.
pub(crate) fn size_of(path: &Path) -> io::Result<Option<u64>> {
    let file = fs::symlink_metadata(path)?;
    Ok(file.is_file().then_some(file.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_result_of_fifty_kibibytes_is_taken_and_one_byte_more_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("result.json");
        fs::write(&path, "x".repeat(50 * 1024)).unwrap();
        assert_eq!(read(&path).unwrap().len(), 50 * 1024);
        fs::write(&path, "x".repeat(50 * 1024 + 1)).unwrap();
        assert!(matches!(read(&path), Err(ResultError::TooLong(_))));
    }

    #[test]
    fn what_is_no_file_is_neither_followed_nor_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link");
        symlink("/etc/passwd", &link).unwrap();
        assert!(matches!(read(&link), Err(ResultError::Unreadable { .. })));
        let pipe = directory.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
        assert!(matches!(read(&pipe), Err(ResultError::NotAFile(_))));
        assert!(matches!(read(directory.path()), Err(ResultError::NotAFile(_))));
        assert!(matches!(read(&directory.path().join("none")), Err(ResultError::Unreadable { .. })));
        assert_eq!((size_of(&link).unwrap(), size_of(&pipe).unwrap()), (None, None));
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), [0xff, 0xfe]).unwrap();
        assert!(matches!(read(file.path()), Err(ResultError::NotText(_))));
    }
}
