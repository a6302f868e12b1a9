//! Locks that a killed process cannot leave behind: flock(2), which the kernel lets go with the last descriptor.
//!
//! The lock files lie where only root may open them, or a builder could lock what it can open. An exclusive lock's
//! file goes with the lock; so whoever got a lock looks whether it still is the one that others will find.

use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// With others.
    Shared,
    /// Alone.
    Exclusive,
}

/// A lock, until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
    path: PathBuf,
    hold: Hold,
}

impl Lock {
    /// Takes the lock with the file `path`, which is made where it is missing. `None`: somebody holds it in another way.
    ///
    /// # Errors
    /// The file cannot be made or locked.
    pub(super) fn try_take(path: &Path, hold: Hold) -> io::Result<Option<Self>> {
        let operation = match hold {
            Hold::Shared => FlockOperation::NonBlockingLockShared,
            Hold::Exclusive => FlockOperation::NonBlockingLockExclusive,
        };
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        loop {
            let file = rustix::fs::openat(CWD, path, flags, Mode::RUSR | Mode::WUSR)?;
            match rustix::fs::flock(&file, operation) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            let ours = rustix::fs::fstat(&file)?;
            match rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(there) if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino) => {
                    return Ok(Some(Self { _file: file.into(), path: path.to_owned(), hold }));
                }
                Ok(_) | Err(Errno::NOENT) => {} // its last holder removed it
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.hold == Hold::Exclusive {
            // Where it cannot be removed it lies about, and harms nobody.
            let _ = rustix::fs::unlinkat(CWD, &self.path, AtFlags::empty());
        }
    }
}
