//! Leaves in a folder what another container makes the image of, where no host hears the events: which droplet it is, the
//! lifecycle's programs, the builder's result. Only the agent may write there; the folder is closed before anything foreign runs.
//! What is left is for everybody to read.

#![expect(clippy::disallowed_methods, reason = "this is the leaf that fills the folder")]

use rustix::fs::{Mode, OFlags, fchmod, fstat, open, openat};
use rustix::io::Errno;
use rustix::process::geteuid;
use shared_model::handover::{LAUNCHER, LIFECYCLE, PROGRAMS, RESULT, VERDICT, Verdict};
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Of the folder and of programs, and of other files.
const OPEN: u32 = 0o755;
const READABLE: u32 = 0o644;
/// Where every user writes and nobody may take away another's: `/tmp` in every root file system.
const STICKY: u32 = 0o1000;
/// Write bit of others.
const WRITABLE: u32 = 0o002;

/// A folder that is the agent's alone.
#[derive(Debug)]
pub(crate) struct Handover {
    at: PathBuf,
    folder: OwnedFd,
}

/// What is left there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left<'a> {
    /// The droplet as it was opened, and what is said of it.
    pub(crate) droplet: &'a File,
    pub(crate) verdict: &'a Verdict,
    /// The folder with the launcher.
    pub(crate) lifecycle: &'a Path,
    /// `None`: the request asks for no result.
    pub(crate) result: Option<&'a str>,
}

/// Why nothing can be left.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandoverError {
    #[error("--handover {}: it holds something already", .0.display())]
    NotEmpty(PathBuf),
    #[error("--handover {}: it belongs to another user than the agent's", .0.display())]
    Anothers(PathBuf),
    #[error("{}: {what} cannot be written", .at.display())]
    Io { at: PathBuf, what: &'static str, source: io::Error },
}

impl Handover {
    /// Takes an empty folder of the agent's own user, and closes it to everybody else's writing.
    ///
    /// # Errors
    /// It is not that.
    pub(crate) fn close(at: &Path) -> Result<Self, HandoverError> {
        let failed = |source: io::Error| HandoverError::Io { at: at.to_owned(), what: "the folder", source };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = open(at, flags, Mode::empty()).map_err(|errno| failed(errno.into()))?;
        if fstat(&folder).map_err(|errno| failed(errno.into()))?.st_uid != geteuid().as_raw() {
            return Err(HandoverError::Anothers(at.to_owned()));
        }
        fchmod(&folder, Mode::from_raw_mode(OPEN)).map_err(|errno| failed(errno.into()))?;
        // After that: what is there now was there before.
        if fs::read_dir(at).map_err(failed)?.next().is_some() {
            return Err(HandoverError::NotEmpty(at.to_owned()));
        }
        Ok(Self { at: at.to_owned(), folder })
    }

    /// Leaves everything, the verdict last.
    ///
    /// # Errors
    /// Something cannot be read or written.
    pub(crate) fn leave(&self, left: &Left<'_>) -> Result<(), HandoverError> {
        let failed = |what| move |source| HandoverError::Io { at: self.at.clone(), what, source };
        // A builder need not have let others read it.
        let opened = fchmod(left.droplet, Mode::from_raw_mode(READABLE)).map_err(io::Error::from);
        opened.map_err(failed("the droplet's mode"))?;
        self.leave_lifecycle(left.lifecycle).map_err(failed("the lifecycle"))?;
        if let Some(result) = left.result {
            self.write(RESULT, result.as_bytes()).map_err(failed("the result"))?;
        }
        let verdict = serde_json::to_vec(left.verdict).map_err(io::Error::from);
        verdict.and_then(|verdict| self.write(VERDICT, &verdict)).map_err(failed("the verdict"))
    }

    /// The programs themselves, wherever links of the agent's lead: to a cache that nobody else has.
    fn leave_lifecycle(&self, from: &Path) -> io::Result<()> {
        DirBuilder::new().mode(OPEN).create(self.at.join(LIFECYCLE))?;
        for name in PROGRAMS {
            let mut program = match File::open(from.join(name)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && name != LAUNCHER => continue,
                opened => opened?,
            };
            let mut copy = new_file(&self.folder, &format!("{LIFECYCLE}/{name}"), OPEN)?;
            io::copy(&mut program, &mut copy)?;
        }
        Ok(())
    }

    fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        new_file(&self.folder, name, READABLE)?.write_all(content)
    }
}

/// A file that was not there before.
fn new_file(folder: impl AsFd, path: &str, mode: u32) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(folder, path, flags, Mode::from_raw_mode(mode))?;
    // Whatever the umask is.
    fchmod(&file, Mode::from_raw_mode(mode))?;
    Ok(file.into())
}

/// Makes a folder of the agent's user that everybody may write to one where nobody may take away another's. A volume that a
/// cluster mounts at `/tmp` comes without that, and a buildpack could put a lifecycle of its own in the place of the one there.
///
/// # Errors
/// It cannot be made so.
pub(crate) fn make_sticky(at: &Path) -> Result<(), HandoverError> {
    let failed = |source| HandoverError::Io { at: at.to_owned(), what: "the folder's mode", source };
    sticky(at).map_err(failed)
}

fn sticky(at: &Path) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = match open(at, flags, Mode::empty()) {
        Err(Errno::NOENT | Errno::ACCESS) => return Ok(()),
        opened => opened?,
    };
    let found = fstat(&folder)?;
    let (is_ours, mode) = (found.st_uid == geteuid().as_raw(), Mode::from_raw_mode(found.st_mode).as_raw_mode());
    if is_ours && mode & WRITABLE != 0 && mode & STICKY == 0 {
        fchmod(&folder, Mode::from_raw_mode(mode | STICKY))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn verdict() -> Verdict {
        Verdict { droplet: "/tmp/droplet".into(), bytes: 7, sha256: "0".repeat(64) }
    }

    #[test]
    fn what_is_left_is_the_agents_and_for_everybody_to_read_through_no_link() {
        let place = tempfile::tempdir().unwrap();
        let (at, cache) = (place.path().join("handover"), place.path().join("cache"));
        fs::create_dir(&at).unwrap();
        fs::create_dir(&cache).unwrap();
        chmod(&at, 0o777);
        fs::write(cache.join("launcher"), "launcher").unwrap();
        fs::write(cache.join("builder"), "not for apps").unwrap();
        symlink(&cache, place.path().join("lifecycle")).unwrap();
        let droplet = place.path().join("droplet");
        fs::write(&droplet, "droplet").unwrap();
        chmod(&droplet, 0o600);

        let handover = Handover::close(&at).unwrap();
        assert_eq!(mode(&at), 0o755);
        let file = File::open(&droplet).unwrap();
        let lifecycle = place.path().join("lifecycle");
        let left = Left { droplet: &file, verdict: &verdict(), lifecycle: &lifecycle, result: Some("{}") };
        handover.leave(&left).unwrap();
        assert_eq!(mode(&droplet), 0o644);
        assert_eq!(mode(&at.join("lifecycle/launcher")), 0o755);
        assert!(!at.join("lifecycle/builder").exists() && !at.join("lifecycle").is_symlink());
        assert_eq!(fs::read_to_string(at.join("result.json")).unwrap(), "{}");
        let read: Verdict = serde_json::from_slice(&fs::read(at.join("verdict.json")).unwrap()).unwrap();
        assert_eq!(read, verdict());
        assert_eq!(mode(&at.join("verdict.json")), 0o644);
    }

    #[test]
    fn a_folder_that_holds_something_or_is_a_link_is_not_taken() {
        let place = tempfile::tempdir().unwrap();
        let at = place.path().join("handover");
        fs::create_dir(&at).unwrap();
        symlink(&at, place.path().join("link")).unwrap();
        assert!(matches!(Handover::close(&place.path().join("link")), Err(HandoverError::Io { .. })));
        fs::write(at.join("verdict.json"), "{}").unwrap();
        assert!(matches!(Handover::close(&at), Err(HandoverError::NotEmpty(_))));
    }

    #[test]
    fn without_a_launcher_there_is_no_verdict() {
        let place = tempfile::tempdir().unwrap();
        let (at, empty) = (place.path().join("handover"), place.path().join("empty"));
        fs::create_dir(&at).unwrap();
        fs::create_dir(&empty).unwrap();
        let file = tempfile::tempfile().unwrap();
        let left = Left { droplet: &file, verdict: &verdict(), lifecycle: &empty, result: None };
        let error = Handover::close(&at).unwrap().leave(&left).unwrap_err();
        assert!(error.to_string().ends_with("the lifecycle cannot be written"), "{error}");
        assert!(!at.join("verdict.json").exists());
    }

    #[test]
    fn only_a_folder_that_everybody_writes_to_becomes_sticky() {
        let place = tempfile::tempdir().unwrap();
        for (before, after) in [(0o777, 0o1777), (0o1777, 0o1777), (0o755, 0o755)] {
            chmod(place.path(), before);
            make_sticky(place.path()).unwrap();
            assert_eq!(mode(place.path()), after, "{before:o}");
        }
        make_sticky(&place.path().join("none")).unwrap();
    }
}
