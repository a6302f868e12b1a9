//! The directories around a staging: made before the first buildpack runs, cleaned as each era does it.

use super::BuildFailure;
use super::settings::{Settings, parent};
use crate::era::Era;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The mode of the contents directory, and so of the droplet's `./` entry: closed to all but the user that staged.
const PRIVATE: u32 = 0o700;

/// What the droplet is put together from. Gone when this value is dropped.
#[derive(Debug)]
pub(super) struct Directories {
    contents: TempDir,
}

impl Directories {
    /// Makes the parents of all outputs, the cache and the contents directory below `TMPDIR`.
    pub(super) fn make(settings: &Settings, era: Era) -> Result<Self, BuildFailure> {
        let made = || -> io::Result<Self> {
            for file in [&settings.output_droplet, &settings.output_metadata] {
                fs::create_dir_all(parent(file))?;
            }
            fs::create_dir_all(settings.final_cache(era))?;
            let contents = tempfile::Builder::new()
                .prefix("contents")
                .permissions(fs::Permissions::from_mode(PRIVATE))
                .tempdir()?;
            let made = Self { contents };
            if era.has_deps() {
                for (place, key) in settings.supplying().iter().enumerate() {
                    fs::create_dir_all(settings.supply_cache(key))?;
                    fs::create_dir_all(made.deps().join(settings.deps_index(place)))?;
                }
                fs::create_dir_all(made.deps().join(settings.deps_index(settings.supplying().len())))?;
            }
            if era == Era::Today {
                fs::create_dir_all(made.profile())?;
            }
            Ok(made)
        };
        made().map_err(|why| BuildFailure::other("Failed to set up filesystem when generating droplet", why))
    }

    /// Removes what other buildpacks left in the cache at an earlier staging.
    pub(super) fn clean_cache(settings: &Settings) -> Result<(), BuildFailure> {
        let mut needed: BTreeSet<PathBuf> = settings.supplying().iter().map(|key| settings.supply_cache(key)).collect();
        needed.insert(settings.cache_dir.join("final"));
        let clean = || -> io::Result<()> {
            for entry in fs::read_dir(&settings.cache_dir)? {
                let entry = entry?;
                match entry.file_type()?.is_dir() {
                    _ if needed.contains(&entry.path()) => {}
                    true => fs::remove_dir_all(entry.path())?,
                    false => fs::remove_file(entry.path())?,
                }
            }
            Ok(())
        };
        clean().map_err(|why| BuildFailure::other(&format!("cannot clean {}", settings.cache_dir.display()), why))
    }

    /// What becomes the droplet.
    pub(super) fn contents(&self) -> &Path {
        self.contents.path()
    }

    /// Where buildpacks put dependencies, one directory each.
    pub(super) fn deps(&self) -> PathBuf {
        self.contents.path().join("deps")
    }

    /// Where today's buildpacks put scripts that the launcher sources.
    pub(super) fn profile(&self) -> PathBuf {
        self.contents.path().join("profile.d")
    }
}
