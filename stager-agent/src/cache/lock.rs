//! Locks that a killed process cannot leave behind: flock(2), which the kernel lets go with the last descriptor.
//!
//! The lock files lie where only root may open them, or a builder could lock what it can open. An exclusive lock's
//! file goes with the lock; so whoever got a lock looks whether it still is the one that others will find.

use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// How often a lock file may be gone as soon as it is locked: far more often than its holders change in that time.
const TRIES: usize = 10_000;

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// Together with other shared holders.
    Shared,
    /// By one holder.
    Exclusive,
}

/// A lock, until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
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
        for _ in 0..TRIES {
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
                    return Ok(Some(Self { file: file.into(), path: path.to_owned(), hold }));
                }
                Ok(_) | Err(Errno::NOENT) => {} // its last holder removed it
                Err(error) => return Err(error.into()),
            }
        }
        Err(io::Error::other("its file is another one at every look; does its file system keep inode numbers?"))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.hold == Hold::Exclusive {
            // Where it cannot be removed it lies about, and harms nobody.
            let _ = rustix::fs::unlinkat(CWD, &self.path, AtFlags::empty());
        }
        // Closing is not enough: a program that another thread is just starting has the descriptor until it runs.
        let _ = rustix::fs::flock(&self.file, FlockOperation::Unlock);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests make directories")]

    use super::*;
    use std::fs;
    use std::process::Command;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    #[test]
    fn one_at_a_time_holds_a_lock_alone_though_its_file_comes_and_goes() {
        let home = tempfile::tempdir().unwrap();
        let (path, held) = (home.path().join("lock"), AtomicBool::new(false));
        thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    for _ in 0..3000 {
                        let Some(_lock) = Lock::try_take(&path, Hold::Exclusive).unwrap() else { continue };
                        assert!(!held.swap(true, Ordering::SeqCst), "two hold it alone");
                        thread::yield_now();
                        held.store(false, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(!path.exists());
    }

    #[test]
    fn shared_holders_keep_others_from_holding_it_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("lock");
        let take = |hold| Lock::try_take(&path, hold).unwrap();
        let (one, two) = (take(Hold::Shared), take(Hold::Shared));
        assert!(one.is_some() && two.is_some());
        assert!(take(Hold::Exclusive).is_none());
        drop(one);
        assert!(take(Hold::Exclusive).is_none());
        drop(two);
        let alone = take(Hold::Exclusive);
        assert!(alone.is_some() && take(Hold::Shared).is_none());
        drop(alone);
        assert!(take(Hold::Shared).is_some());
    }

    #[test]
    fn a_program_that_is_being_started_holds_nothing() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("lock");
        // As the child has it between fork and exec.
        let held = Lock::try_take(&path, Hold::Shared).unwrap().unwrap();
        let inherited = held.file.try_clone().unwrap();
        drop(held);
        assert!(Lock::try_take(&path, Hold::Exclusive).unwrap().is_some());
        drop(inherited);
        // And after exec.
        let held = Lock::try_take(&path, Hold::Shared).unwrap().unwrap();
        let child = Command::new("ls").arg("-l").arg("/proc/self/fd").output().unwrap();
        let open = String::from_utf8(child.stdout).unwrap();
        assert!(!open.contains(&*path.to_string_lossy()), "{open}");
        drop(held);
    }

    #[test]
    fn a_link_is_no_lock() {
        let home = tempfile::tempdir().unwrap();
        let (path, other) = (home.path().join("lock"), home.path().join("other"));
        fs::write(&other, "").unwrap();
        std::os::unix::fs::symlink(&other, &path).unwrap();
        assert!(Lock::try_take(&path, Hold::Exclusive).is_err());
    }
}
