//! The parts of an image that an agent left for another container, which this is: see [`shared_model::handover`]. The droplet lies
//! where a builder worked, so it is opened through no link; the verdict says which droplet it must be.

use super::ImageError;
use super::lifecycle::LifecycleSource;
use super::make::ImageParts;
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use shared_model::handover::{LAUNCHER, LIFECYCLE, PROGRAMS, RESULT, VERDICT, Verdict};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Component, Path};

/// The most of a verdict that is read, and of a result; Diego reads 50 KiB.
const LONGEST_VERDICT: u64 = 64 << 10;
const LONGEST_RESULT: u64 = 1 << 20;

/// What was left.
pub(crate) struct HandedOver {
    /// The image's parts.
    pub(crate) parts: ImageParts,
    /// Which sha256 the droplet must have.
    pub(crate) sha256: String,
}

impl HandedOver {
    /// What lies in `folder`, which only the agent could write to.
    ///
    /// # Errors
    /// The agent left no verdict, or something of what it tells is not there, or is no file.
    pub(crate) fn read(folder: &Path) -> Result<Self, ImageError> {
        let verdict = folder.join(VERDICT);
        let bytes = content(&verdict, LONGEST_VERDICT)?.ok_or_else(|| missing(&verdict))?;
        let Verdict { droplet, sha256, .. } = serde_json::from_slice(&bytes).map_err(|error| {
            let reason = format!("line {}, column {} is not an agent's JSON", error.line(), error.column());
            ImageError::Unreadable { what: verdict.display().to_string(), reason }
        })?;
        let droplet = Path::new(&droplet);
        let droplet = unfollowed(droplet).map_err(|error| unreadable(droplet, &error))?;
        let mut programs = Vec::new();
        for name in PROGRAMS {
            let path = folder.join(LIFECYCLE).join(name);
            match unfollowed(&path) {
                Ok(program) => programs.push((name.to_owned(), program)),
                Err(error) if error.kind() == io::ErrorKind::NotFound && name != LAUNCHER => {}
                Err(error) => return Err(unreadable(&path, &error)),
            }
        }
        let result = content(&folder.join(RESULT), LONGEST_RESULT)?.unwrap_or_default();
        let result = String::from_utf8_lossy(&result).into_owned();
        Ok(Self { parts: ImageParts { droplet, lifecycle: LifecycleSource::Programs(programs), result }, sha256 })
    }
}

/// A file's content; `None`: there is none.
fn content(path: &Path, longest: u64) -> Result<Option<Vec<u8>>, ImageError> {
    let mut bytes = Vec::new();
    match unfollowed(path).and_then(|file| file.take(longest).read_to_end(&mut bytes)) {
        Ok(_) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// Opens a file without following a symbolic link anywhere on its way, and without waiting for whoever would write into a pipe.
fn unfollowed(path: &Path) -> io::Result<File> {
    let no_file = || io::Error::other("it is not a file, or a symbolic link leads to it");
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Err(no_file()) };
    let refused = |errno| match errno {
        Errno::LOOP | Errno::NXIO | Errno::NOTDIR => no_file(),
        errno => errno.into(),
    };
    let way = OFlags::PATH | OFlags::NOFOLLOW | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let start = if path.is_absolute() { "/" } else { "." };
    let mut at: OwnedFd = openat(CWD, start, way, Mode::empty())?;
    for component in folder.components() {
        if let Component::Normal(_) | Component::ParentDir = component {
            at = openat(&at, component.as_os_str(), way, Mode::empty()).map_err(refused)?;
        }
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(openat(&at, name, flags, Mode::empty()).map_err(refused)?);
    if file.metadata()?.is_file() { Ok(file) } else { Err(no_file()) }
}

fn unreadable(path: &Path, error: &io::Error) -> ImageError {
    ImageError::Unreadable { what: path.display().to_string(), reason: error.to_string() }
}

fn missing(path: &Path) -> ImageError {
    unreadable(path, &io::Error::other("the agent left none; what it said before tells why"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    struct Place(tempfile::TempDir);

    impl Place {
        /// With a droplet in `work/droplet`, and a verdict that names `droplet`.
        fn naming(droplet: &str) -> Self {
            let place = Self(tempfile::tempdir().unwrap());
            fs::create_dir_all(place.path("handover/lifecycle")).unwrap();
            fs::create_dir(place.path("work")).unwrap();
            fs::write(place.path("work/droplet"), "droplet").unwrap();
            fs::write(place.path("handover/lifecycle/launcher"), "launcher").unwrap();
            let droplet = place.path(droplet).display().to_string();
            let verdict = Verdict { droplet, bytes: 7, sha256: "0".repeat(64) };
            fs::write(place.path("handover/verdict.json"), serde_json::to_vec(&verdict).unwrap()).unwrap();
            place
        }

        fn path(&self, name: &str) -> std::path::PathBuf {
            self.0.path().canonicalize().unwrap().join(name)
        }

        fn refused(&self) -> String {
            HandedOver::read(&self.path("handover")).err().unwrap().to_string()
        }
    }

    #[test]
    fn the_droplet_that_the_verdict_names_is_opened_and_a_health_check_need_not_be_there() {
        let place = Place::naming("work/droplet");
        let HandedOver { mut parts, sha256 } = HandedOver::read(&place.path("handover")).unwrap();
        let mut text = String::new();
        parts.droplet.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), sha256.len(), parts.result.as_str()), ("droplet", 64, ""));
        let LifecycleSource::Programs(programs) = parts.lifecycle else { panic!() };
        assert_eq!(programs.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["launcher"]);
    }

    #[test]
    fn nothing_is_opened_through_a_link_and_nothing_but_a_file() {
        let place = Place::naming("work/link");
        symlink("droplet", place.path("work/link")).unwrap();
        assert!(place.refused().contains("symbolic link"), "{}", place.refused());
        let place = Place::naming("other/droplet");
        symlink("work", place.path("other")).unwrap();
        assert!(place.refused().contains("symbolic link"), "{}", place.refused());
        assert!(Place::naming("work").refused().contains("not a file"));
        let place = Place::naming("work/droplet");
        fs::remove_file(place.path("handover/lifecycle/launcher")).unwrap();
        symlink("/bin/sh", place.path("handover/lifecycle/launcher")).unwrap();
        assert!(place.refused().contains("symbolic link"), "{}", place.refused());
    }

    #[test]
    fn without_a_verdict_or_a_launcher_there_is_no_image() {
        let place = Place::naming("work/droplet");
        fs::remove_file(place.path("handover/lifecycle/launcher")).unwrap();
        assert!(place.refused().contains("lifecycle/launcher"), "{}", place.refused());
        fs::write(place.path("handover/verdict.json"), "{").unwrap();
        assert!(place.refused().contains("line 1"), "{}", place.refused());
        fs::remove_file(place.path("handover/verdict.json")).unwrap();
        assert!(place.refused().contains("verdict.json"), "{}", place.refused());
    }
}
