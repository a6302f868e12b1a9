//! Takes in what the builder says of its work: the result file, as far as Diego would read it.

use crate::build::user::User;
use crate::hidden::in_json;
use crate::untrusted_file::{self, UntrustedFileError};
use shared_model::safe_url::SafeUrl;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The most that today's Diego takes.
pub(crate) const LARGEST: u64 = 50 * 1024;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResultError {
    #[error("the builder left no result in {}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A link, a directory, another's file or the like.
    #[error("the result {} is not taken", path.display())]
    NotTaken {
        path: PathBuf,
        #[source]
        source: UntrustedFileError,
    },
    /// Over [`LARGEST`].
    #[error("the result in {} is longer than 50 KiB, the most that Diego takes", .0.display())]
    TooLong(PathBuf),
    #[error("the result in {} is not UTF-8 text", .0.display())]
    NotText(PathBuf),
}

/// The text in `path`, a file of one of `owners`; see [`untrusted_file::open`].
///
/// # Errors
/// See [`ResultError`]. An empty file is none.
pub(crate) fn read(path: &Path, owners: &[User]) -> Result<String, ResultError> {
    let unreadable = |source| ResultError::Unreadable { path: path.to_owned(), source };
    let left = untrusted_file::open(path, owners, LARGEST).map_err(|error| match error {
        UntrustedFileError::Unreadable(source) => unreadable(source),
        UntrustedFileError::TooLarge { .. } => ResultError::TooLong(path.to_owned()),
        source => ResultError::NotTaken { path: path.to_owned(), source },
    })?;
    let mut bytes = Vec::new();
    (&*left.file).take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(ResultError::TooLong(path.to_owned()));
    }
    String::from_utf8(bytes).map_err(|_| ResultError::NotText(path.to_owned()))
}

/// The text for whoever watches. The builder repeats the key of the buildpack that it used, and a buildpack of the user's own
/// has its URL for a key: of `buildpack_urls` the passwords are left out.
pub(crate) fn shown(text: &str, buildpack_urls: &[SafeUrl]) -> String {
    let mut shown = text.to_owned();
    for url in buildpack_urls {
        for form in in_json(url.reveal()) {
            shown = shown.replace(&form, &url.to_string());
        }
    }
    shown
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests make real files")]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_result_of_fifty_kibibytes_is_taken_and_one_byte_more_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("result.json");
        fs::write(&path, "x".repeat(50 * 1024)).unwrap();
        assert_eq!(read(&path, &[]).unwrap().len(), 50 * 1024);
        fs::write(&path, "x".repeat(50 * 1024 + 1)).unwrap();
        assert!(matches!(read(&path, &[]), Err(ResultError::TooLong(_))));
    }

    #[test]
    fn what_is_no_file_is_neither_followed_nor_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link");
        symlink("/etc/passwd", &link).unwrap();
        let pipe = directory.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
        for path in [link.as_path(), &pipe, directory.path()] {
            assert!(matches!(read(path, &[]), Err(ResultError::NotTaken { .. })), "{path:?}");
        }
        assert!(matches!(read(&directory.path().join("none"), &[]), Err(ResultError::Unreadable { .. })));
    }

    #[test]
    fn of_a_buildpacks_url_the_password_is_not_shown_however_it_is_quoted() {
        let urls = ["https://u:SEC\"RET@git/a?x=1&t=SECRET", "https://git/b"].map(SafeUrl::new);
        let result = |key: &str| format!("{{\"lifecycle_metadata\":{{\"buildpack_key\":{key}}}}}");
        let quoted = serde_json::json!(urls[0].reveal()).to_string();
        for key in [quoted.clone(), quoted.replace('&', "\\u0026")] {
            assert_eq!(shown(&result(&key), &urls), result("\"https://***@git/a?***\""));
        }
        assert_eq!(shown(&result("\"https://git/b\""), &urls), result("\"https://git/b\""));
        assert_eq!(shown(urls[0].reveal(), &urls), "https://***@git/a?***");
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), [0xff, 0xfe]).unwrap();
        assert!(matches!(read(file.path(), &[]), Err(ResultError::NotText(_))));
    }
}
