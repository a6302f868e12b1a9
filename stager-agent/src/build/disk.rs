//! Watches what a user writes, where no quota does: Diego's containers have one, those of most Docker storage drivers do
//! not. What counts is the blocks of the user's own files in all folders that the user may write to.
//!
//! Counting is slow and asking how much is free is fast, so files are counted again only when so much has gone from the
//! disk since the last count that the limit may be passed, or when that count is old. While they are counted the programs
//! stand still: whoever renames folders could else move what he has from where nobody has looked yet to where somebody
//! has. Folders are gone through by their descriptors, so no name that changes leads the count astray.
#![expect(clippy::disallowed_methods, reason = "looks at folders and files")]

use super::reaper::{self, Reaper};
use super::user::User;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, StatxFlags, openat, statvfs, statx};
use rustix::io::Errno;
use std::ffi::CStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What others may have freed meanwhile is missed for this long at most.
const OLD: Duration = Duration::from_secs(20);
/// Counting takes at most one part in so many of the time, during which programs stand still; the more often, the less is
/// written before it shows.
const SHARE: u32 = 5;
/// Bytes in one of the blocks that `st_blocks` counts.
const BLOCK: u64 = 512;
/// Folders in one another. Each is a descriptor that is held open; what an archive may have is no more.
const DEEPEST: usize = 256;
/// Where programs write; the second may be a volume.
const DISKS: [&str; 2] = ["/", "/tmp"];
/// Nobody's files: views of the kernel.
const VIEWS: [&str; 3] = ["/proc", "/sys", "/dev"];
const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;
const OPEN: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Watches what one user writes.
pub(crate) struct DiskWatch<'a> {
    user: &'a User,
    /// Bytes; at least 1.
    limit: u64,
    folders: Vec<PathBuf>,
    reaper: &'a Reaper,
    goes_on: &'a dyn Fn() -> bool,
    counted: Option<Count>,
}

struct Count {
    used: u64,
    /// Of each of [`DISKS`].
    free: [u64; DISKS.len()],
    at: Instant,
    took: Duration,
}

/// What a walk through folders has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    bytes: u64,
    /// False: something was gone when it was looked at.
    all: bool,
}

impl<'a> DiskWatch<'a> {
    /// Finds the folders below `root` that `user` may write to now; later ones can only lie below these. `reaper` knows the
    /// programs. When `goes_on` says no, nobody wants to know any more.
    pub(crate) fn below(
        root: &Path,
        user: &'a User,
        limit: u64,
        reaper: &'a Reaper,
        goes_on: &'a dyn Fn() -> bool,
    ) -> Self {
        Self { user, limit, folders: writable(root, user, goes_on), reaper, goes_on, counted: None }
    }

    /// Whether the user's files take more than the limit.
    pub(crate) fn is_passed(&mut self) -> bool {
        let free = free();
        if self.counted.as_ref().is_none_or(|count| self.is_due(count, free)) {
            let began = Instant::now();
            let held = self.reaper.hold_still();
            let found = self.count();
            let still = held.as_ref().is_some_and(reaper::are_still);
            drop(held);
            // What was not found is where it was before, under another name.
            let before = self.counted.as_ref().map_or(0, |count| count.used);
            let used = if found.all && still { found.bytes } else { found.bytes.max(before) };
            self.counted = Some(Count { used, free, at: Instant::now(), took: began.elapsed() });
        }
        self.used() > self.limit
    }

    /// Bytes that the user's files took when they were last counted; 0 before that.
    pub(crate) fn used(&self) -> u64 {
        self.counted.as_ref().map_or(0, |count| count.used)
    }

    fn count(&self) -> Found {
        let mut sum = Found { bytes: 0, all: true };
        for folder in &self.folders {
            let found = used_below(folder, self.user.uid, self.goes_on);
            sum = Found { bytes: sum.bytes.saturating_add(found.bytes), all: sum.all && found.all };
        }
        sum
    }

    fn is_due(&self, count: &Count, free: [u64; DISKS.len()]) -> bool {
        // Of one disk both tell.
        let gone = count.free.iter().zip(free).map(|(before, now)| before.saturating_sub(now)).max().unwrap_or(0);
        let age = count.at.elapsed();
        age >= count.took * SHARE && (count.used.saturating_add(gone) > self.limit || age >= OLD)
    }
}

/// Bytes that each disk still takes; 0 where it does not say.
fn free() -> [u64; DISKS.len()] {
    DISKS.map(|path| statvfs(path).map_or(0, |disk| disk.f_bfree.saturating_mul(disk.f_frsize)))
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

/// The files of `uid` below `folder`. Links are not followed. Whoever hides files deeper than any program has them is taken
/// to use all there is.
fn used_below(folder: &Path, uid: u32, goes_on: &dyn Fn() -> bool) -> Found {
    let mut found = Found { bytes: 0, all: true };
    let top = openat(CWD, folder, OPEN, Mode::empty()).and_then(Dir::new);
    // Each is read while it is gone through, so that no folder's names are ever in memory at once.
    let mut open: Vec<Dir> = top.into_iter().collect();
    while let Some(folder) = open.last_mut().filter(|_| goes_on()) {
        match folder.next() {
            None => drop(open.pop()),
            Some(Err(_)) => {
                found.all = false;
                open.pop();
            }
            Some(Ok(entry)) if matches!(entry.file_name().to_bytes(), b"." | b"..") => {}
            Some(Ok(entry)) => match look_at(folder, entry.file_name(), uid) {
                Ok((bytes, below)) => {
                    found.bytes = found.bytes.saturating_add(bytes);
                    if open.len() >= DEEPEST && below.is_some() {
                        return Found { bytes: u64::MAX, all: true };
                    }
                    open.extend(below);
                }
                Err(_) => found.all = false,
            },
        }
    }
    found
}

/// Bytes of one entry of `folder`, and it opened where it is a folder too.
fn look_at(folder: &Dir, name: &CStr, uid: u32) -> Result<(u64, Option<Dir>), Errno> {
    let at = folder.fd()?;
    // As the disk has it by now: of a file that is being written fuse-overlayfs may else tell what it had in the beginning.
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::STATX_FORCE_SYNC;
    let status = statx(at, name, flags, StatxFlags::BASIC_STATS)?;
    let bytes = if status.stx_uid == uid { status.stx_blocks * BLOCK / u64::from(status.stx_nlink).max(1) } else { 0 };
    let is_folder = FileType::from_raw_mode(status.stx_mode.into()) == FileType::Directory;
    let below = is_folder.then(|| openat(at, name, OPEN, Mode::empty()).and_then(Dir::new)).transpose()?;
    Ok((bytes, below))
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
        assert!(DiskWatch::below(folder.path(), &user, 2 * MIB as u64, &Reaper::default(), &|| true).is_passed());
        assert!(!DiskWatch::below(folder.path(), &user, 5 * MIB as u64, &Reaper::default(), &|| true).is_passed());
    }

    #[test]
    fn what_belongs_to_others_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), vec![1; 3 * MIB]).unwrap();
        let other = User { uid: myself().uid + 1, ..myself() };
        assert!(!DiskWatch::below(folder.path(), &other, 1, &Reaper::default(), &|| true).is_passed());
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

    fn deep(folder: &Path, depth: usize, name: &str) -> rustix::fd::OwnedFd {
        let mut at = rustix::fs::open(folder, OFlags::PATH, 0.into()).unwrap();
        for _ in 0..depth {
            rustix::fs::mkdirat(&at, name, 0o755.into()).unwrap();
            at = openat(&at, name, OFlags::PATH, 0.into()).unwrap();
        }
        at
    }

    #[test]
    fn files_below_a_path_that_is_too_long_to_be_named_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let at = deep(folder.path(), 20, &"x".repeat(250));
        let flags = OFlags::CREATE | OFlags::WRONLY;
        let mut file = File::from(openat(&at, "a", flags, 0o644.into()).unwrap());
        std::io::Write::write_all(&mut file, &vec![1; 3 * MIB]).unwrap();
        let found = used_below(folder.path(), myself().uid, &|| true);
        assert!(found.all && found.bytes >= 3 * MIB as u64 && found.bytes < 4 * MIB as u64, "{found:?}");
    }

    #[test]
    fn folders_deeper_than_anybody_has_them_are_taken_for_too_much() {
        let folder = tempfile::tempdir().unwrap();
        let at = deep(folder.path(), DEEPEST - 1, "x");
        assert_ne!(used_below(folder.path(), myself().uid, &|| true).bytes, u64::MAX);
        rustix::fs::mkdirat(&at, "x", 0o755.into()).unwrap();
        assert_eq!(used_below(folder.path(), myself().uid, &|| true), Found { bytes: u64::MAX, all: true });
    }
}
