//! A disk that is soon full, for tests.

#![allow(clippy::disallowed_methods, reason = "tests mount and unmount")]

use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A file system in memory, as long as it lives.
pub(crate) struct SmallDisk(TempDir);

impl SmallDisk {
    /// Mounts one with these options of tmpfs; `None` where we may not mount.
    pub(crate) fn mount(options: &str) -> Option<Self> {
        let at = TempDir::new().unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at.path()).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(at))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}
