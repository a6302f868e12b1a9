//! Opens what a builder left: the droplet, the build-artifacts cache, the result. They are the work of a stranger, who may
//! have put a link, a pipe or another's file in their place. Each is opened once; whoever reads it reads what was judged.

use crate::build::rights::as_user;
use crate::build::user::User;
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use shared_model::size;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path};
use std::sync::Arc;

/// A file that a builder left.
#[derive(Clone, Debug)]
pub(crate) struct UntrustedFile {
    /// Open for reading, at its start.
    pub(crate) file: Arc<File>,
    /// Its size when it was opened; may be 0.
    pub(crate) bytes: u64,
}

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UntrustedFileError {
    /// It is not there, or closed to the user who should have made it.
    #[error("it cannot be opened")]
    Unreadable(#[from] io::Error),
    #[error("it is not a regular file, or a symbolic link leads to it")]
    NotAFile,
    #[error("it belongs to user {0}, who ran no program of the request")]
    AnothersFile(u32),
    /// It has another name elsewhere, and so is perhaps another's.
    #[error("it has {0} names (hard links), not one")]
    ManyNames(u64),
    #[error("it has {}; the most is {}", size::bytes(*bytes), size::bytes(*most))]
    TooLarge { bytes: u64, most: u64 },
}

/// Opens `path`, a file of at most `most` bytes that belongs to one of `owners`, with the rights of the first. No owners:
/// nothing of a stranger's has run, so it may be anybody's.
pub(crate) fn open(path: &Path, owners: &[User], most: u64) -> Result<UntrustedFile, UntrustedFileError> {
    let open = || unfollowed(path);
    let file = owners.first().map_or_else(open, |user| as_user(user, open))?;
    let metadata = file.metadata()?;
    match metadata.len() {
        _ if !metadata.is_file() => Err(UntrustedFileError::NotAFile),
        _ if !owners.is_empty() && owners.iter().all(|owner| owner.uid != metadata.uid()) => {
            Err(UntrustedFileError::AnothersFile(metadata.uid()))
        }
        // None: it was removed after it was opened.
        _ if metadata.nlink() != 1 => Err(UntrustedFileError::ManyNames(metadata.nlink())),
        bytes if bytes > most => Err(UntrustedFileError::TooLarge { bytes, most }),
        bytes => Ok(UntrustedFile { file: Arc::new(file), bytes }),
    }
}

/// Opens `path` for reading without following a symbolic link anywhere on the way, and without waiting for whoever would
/// write into a pipe.
fn unfollowed(path: &Path) -> Result<File, UntrustedFileError> {
    let refused = |errno| match errno {
        Errno::LOOP | Errno::NXIO => UntrustedFileError::NotAFile, // a link; a socket
        other => UntrustedFileError::Unreadable(other.into()),
    };
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(UntrustedFileError::NotAFile);
    };
    let way = OFlags::PATH | OFlags::NOFOLLOW | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let start = if path.is_absolute() { "/" } else { "." };
    let mut at: OwnedFd = openat(CWD, start, way, Mode::empty()).map_err(refused)?;
    for component in folder.components() {
        if let Component::Normal(_) | Component::ParentDir = component {
            at = openat(&at, component.as_os_str(), way, Mode::empty()).map_err(|errno| match errno {
                Errno::NOTDIR => UntrustedFileError::NotAFile, // a link is no directory
                other => refused(other),
            })?;
        }
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(openat(&at, name, flags, Mode::empty()).map_err(refused)?.into())
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests make real files")]
mod tests {
    use super::*;
    use rustix::fs::{FileType, mknodat};
    use rustix::process::{geteuid, getgid};
    use std::fs;
    use std::os::unix::fs::symlink;

    const MOST: u64 = 1 << 20;

    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            let place = Self(tempfile::tempdir().unwrap());
            fs::create_dir(place.path("real")).unwrap();
            fs::write(place.path("real/droplet"), "droplet").unwrap();
            place
        }

        fn path(&self, name: &str) -> std::path::PathBuf {
            self.0.path().canonicalize().unwrap().join(name)
        }

        fn open(&self, name: &str) -> Result<UntrustedFile, UntrustedFileError> {
            open(&self.path(name), &[user(geteuid().as_raw())], MOST)
        }
    }

    fn user(uid: u32) -> User {
        User { name: uid.to_string(), uid, gid: getgid().as_raw(), home: "/".into() }
    }

    #[test]
    fn a_file_with_one_name_of_the_users_own_is_taken() {
        assert_eq!(Place::new().open("real/droplet").unwrap().bytes, 7);
    }

    #[test]
    fn a_link_is_followed_nowhere_on_the_way() {
        let place = Place::new();
        symlink("real/droplet", place.path("link")).unwrap();
        symlink("real", place.path("folder")).unwrap();
        symlink("/proc/self/environ", place.path("environ")).unwrap();
        for name in ["link", "folder/droplet", "environ"] {
            assert!(matches!(place.open(name), Err(UntrustedFileError::NotAFile)), "{name}");
        }
    }

    #[test]
    fn a_pipe_a_folder_a_socket_and_a_device_are_no_files() {
        let place = Place::new();
        let _listener = std::os::unix::net::UnixListener::bind(place.path("socket")).unwrap();
        mknodat(CWD, place.path("pipe"), FileType::Fifo, 0o644.into(), 0).unwrap();
        for name in ["real", "socket", "pipe", "/dev/null", "/"] {
            assert!(matches!(place.open(name), Err(UntrustedFileError::NotAFile)), "{name}");
        }
    }

    #[test]
    fn a_file_with_two_names_is_refused() {
        let place = Place::new();
        fs::hard_link(place.path("real/droplet"), place.path("droplet")).unwrap();
        assert!(matches!(place.open("droplet"), Err(UntrustedFileError::ManyNames(2))));
    }

    #[test]
    fn anothers_file_is_refused_even_where_it_can_be_read() {
        let place = Place::new();
        let other = user(geteuid().as_raw() + 1);
        let opened = open(Path::new("/etc/passwd"), std::slice::from_ref(&other), MOST);
        assert!(matches!(opened, Err(UntrustedFileError::AnothersFile(0))), "{opened:?}");
        assert!(open(&place.path("real/droplet"), &[], MOST).is_ok(), "before anything has run it may be anybody's");
    }

    #[test]
    fn what_only_root_may_read_is_not_opened_for_another() {
        if !geteuid().is_root() {
            return;
        }
        let opened = open(Path::new("/etc/shadow"), &[user(2000)], MOST);
        assert!(matches!(opened, Err(UntrustedFileError::Unreadable(_))), "{opened:?}");
        assert!(geteuid().is_root(), "only the thread that opens it is another");
    }

    #[test]
    fn a_sparse_terabyte_is_too_large_and_is_not_read() {
        let place = Place::new();
        File::create(place.path("sparse")).unwrap().set_len(1 << 40).unwrap();
        let opened = open(&place.path("sparse"), &[user(geteuid().as_raw())], 16 << 30);
        assert!(matches!(opened, Err(UntrustedFileError::TooLarge { bytes: 0x100_0000_0000, .. })), "{opened:?}");
    }

    #[test]
    fn what_is_not_there_is_said_to_be_so() {
        let error = Place::new().open("real/none").unwrap_err();
        assert!(matches!(&error, UntrustedFileError::Unreadable(cause) if cause.kind() == io::ErrorKind::NotFound));
    }
}
