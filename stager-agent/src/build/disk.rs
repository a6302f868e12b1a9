//! Watches what a user writes, where no quota does: Diego's containers have one, those of most Docker storage drivers do
//! not. What counts is the blocks of the user's own files in all folders that the user may write to.
//!
//! Counting is slow and asking how much is free is fast, so files are counted again only when so much has gone from the
//! disk since the last count that the limit may be passed, or when that count is old.
#![expect(clippy::disallowed_methods, reason = "looks at folders and files")]

use super::user::User;
use rustix::fs::statvfs;
use rustix::io::Errno;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What others may have freed meanwhile is missed for this long at most.
const OLD: Duration = Duration::from_secs(20);
/// Counting takes at most one part in so many of the time.
const SHARE: u32 = 10;
/// Of what `st_blocks` counts.
const BLOCK: u64 = 512;
/// Nobody's files: views of the kernel.
const VIEWS: [&str; 3] = ["/proc", "/sys", "/dev"];
const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;

/// See the module's text.
pub(crate) struct DiskWatch<'a> {
    user: &'a User,
    /// Bytes; at least 1.
    limit: u64,
    folders: Vec<PathBuf>,
    goes_on: &'a dyn Fn() -> bool,
    counted: Option<Count>,
}

struct Count {
    used: u64,
    /// Of the disk below `/`.
    free: u64,
    at: Instant,
    took: Duration,
}

impl<'a> DiskWatch<'a> {
    /// Finds the folders below `root` that `user` may write to now; later ones can only lie below these. When `goes_on`
    /// says no, nobody wants to know any more.
    pub(crate) fn below(root: &Path, user: &'a User, limit: u64, goes_on: &'a dyn Fn() -> bool) -> Self {
        Self { user, limit, folders: writable(root, user, goes_on), goes_on, counted: None }
    }

    /// Whether the user's files take more than the limit.
    pub(crate) fn is_passed(&mut self) -> bool {
        let free = free();
        if self.counted.as_ref().is_none_or(|count| self.is_due(count, free)) {
            let began = Instant::now();
            let used = self.folders.iter().map(|folder| used_below(folder, self.user.uid, self.goes_on));
            let used = used.fold(0, u64::saturating_add);
            self.counted = Some(Count { used, free, at: Instant::now(), took: began.elapsed() });
        }
        self.counted.as_ref().is_some_and(|count| count.used > self.limit)
    }

    fn is_due(&self, count: &Count, free: u64) -> bool {
        let gone = count.free.saturating_sub(free);
        let age = count.at.elapsed();
        age >= count.took * SHARE && (count.used.saturating_add(gone) > self.limit || age >= OLD)
    }
}

/// Bytes that the disk still takes; 0 where it does not say.
fn free() -> u64 {
    statvfs("/").map_or(0, |disk| disk.f_bfree.saturating_mul(disk.f_frsize))
}

fn writable(root: &Path, user: &User, goes_on: &dyn Fn() -> bool) -> Vec<PathBuf> {
    let (mut found, mut waiting) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = waiting.pop().filter(|_| goes_on()) {
        let Ok(metadata) = fs::symlink_metadata(&folder) else { continue };
        if VIEWS.iter().any(|view| folder == Path::new(view)) {
            continue;
        }
        let by_group = metadata.gid() == user.gid && metadata.mode() & GROUP_WRITES != 0;
        if metadata.uid() == user.uid || by_group || metadata.mode() & OTHERS_WRITE != 0 {
            found.push(folder);
        } else {
            let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            waiting.extend(folders.map(|entry| entry.path()));
        }
    }
    found
}

/// Bytes of the files of `uid` below `folder`. Links are not followed. Whoever hides files below a path that is too long
/// for any program is taken to use all there is.
fn used_below(folder: &Path, uid: u32, goes_on: &dyn Fn() -> bool) -> u64 {
    let (mut used, mut waiting) = (0_u64, vec![folder.to_owned()]);
    while let Some(folder) = waiting.pop().filter(|_| goes_on()) {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if is_too_long(&error) => return u64::MAX,
            Err(_) => continue,
        };
        for entry in entries.flatten() {
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                Err(error) if is_too_long(&error) => return u64::MAX,
                Err(_) => continue,
            };
            if metadata.uid() == uid {
                used = used.saturating_add(metadata.blocks() * BLOCK / metadata.nlink().max(1));
            }
            if metadata.is_dir() {
                waiting.push(entry.path());
            }
        }
    }
    used
}

fn is_too_long(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::NAMETOOLONG.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{getegid, geteuid};
    use std::fs::File;

    const MIB: usize = 1 << 20;

    fn myself() -> User {
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        User { name: "myself".into(), uid, gid, home: "/".into() }
    }

    #[test]
    fn what_is_written_counts_once_and_what_is_only_promised_does_not() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), vec![1; 3 * MIB]).unwrap();
        fs::hard_link(folder.path().join("a"), folder.path().join("again")).unwrap();
        File::create(folder.path().join("sparse")).unwrap().set_len(1 << 40).unwrap();
        let user = myself();
        assert!(DiskWatch::below(folder.path(), &user, 2 * MIB as u64, &|| true).is_passed());
        assert!(!DiskWatch::below(folder.path(), &user, 5 * MIB as u64, &|| true).is_passed());
    }

    #[test]
    fn what_belongs_to_others_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), vec![1; 3 * MIB]).unwrap();
        let other = User { uid: myself().uid + 1, ..myself() };
        assert!(!DiskWatch::below(folder.path(), &other, 1, &|| true).is_passed());
    }

    #[test]
    fn a_folder_below_one_that_is_closed_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let (deep, open) = (folder.path().join("deep"), folder.path().join("deep/open"));
        fs::create_dir_all(&open).unwrap();
        let other = User { uid: myself().uid + 1, gid: myself().gid + 1, ..myself() };
        fs::set_permissions(&open, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        assert_eq!(writable(&deep, &other, &|| true), [open]);
    }

    #[test]
    fn files_below_a_path_that_is_too_long_are_taken_for_too_much() {
        let folder = tempfile::tempdir().unwrap();
        let mut at = rustix::fs::open(folder.path(), rustix::fs::OFlags::PATH, 0.into()).unwrap();
        let name = "x".repeat(250);
        for _ in 0..20 {
            rustix::fs::mkdirat(&at, &name, 0o755.into()).unwrap();
            at = rustix::fs::openat(&at, &name, rustix::fs::OFlags::PATH, 0.into()).unwrap();
        }
        assert_eq!(used_below(folder.path(), myself().uid, &|| true), u64::MAX);
    }
}
