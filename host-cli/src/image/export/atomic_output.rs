//! Files and folders that appear whole or not at all: made under a name of their own beside their place, and then
//! renamed.

#![expect(clippy::disallowed_methods, reason = "the one place that puts exports where they were asked for")]

use crate::image::ImageError;
use crate::image::stop::Stop;
use crate::unfinished;
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Seek, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::{NamedTempFile, TempDir};

/// How the unfinished is called, until it gets its name.
const UNFINISHED: &str = ".stager-export-";

/// Where a file of this name really goes: an existing one is replaced where it lies, not the link that leads to it.
pub(super) fn file_at(path: &Path) -> Result<PathBuf, ImageError> {
    let unwritable = |reason: &str| ImageError::Unwritable { what: shown(path), reason: reason.to_owned() };
    match fs::metadata(path) {
        Ok(found) if found.is_file() => {
            fs::canonicalize(path).map_err(|error| ImageError::unwritable(&shown(path), &error))
        }
        Ok(found) if found.is_dir() => Err(unwritable("it is a folder")),
        Ok(_) => Err(unwritable("it is no regular file; - is standard output")),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            folder_of(path)?;
            leads_somewhere(path)?;
            Ok(path.to_owned())
        }
        Err(error) => Err(ImageError::unwritable(&shown(path), &error)),
    }
}

/// Where a folder of this name goes: there must be none, or an empty one.
pub(super) fn folder_at(path: &Path) -> Result<PathBuf, ImageError> {
    let unwritable = |reason: &str| ImageError::Unwritable { what: shown(path), reason: reason.to_owned() };
    match fs::read_dir(path).map(|mut list| list.next().is_none()) {
        Ok(true) => fs::canonicalize(path).map_err(|error| ImageError::unwritable(&shown(path), &error)),
        Ok(false) if path.join("oci-layout").exists() => Err(ImageError::LayoutExists { path: shown(path) }),
        Ok(false) => Err(unwritable("it is a folder that holds other things")),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            folder_of(path)?;
            leads_somewhere(path)?;
            Ok(path.to_owned())
        }
        Err(error) => Err(ImageError::unwritable(&shown(path), &error)),
    }
}

/// What cannot be found may be a link all the same, which nothing is put in place of.
fn leads_somewhere(path: &Path) -> Result<(), ImageError> {
    // Without a slash at its end, which would follow the link.
    let link = path.components().as_path();
    if fs::symlink_metadata(link).is_ok_and(|found| found.is_symlink()) {
        let reason = "it is a symbolic link that leads nowhere".to_owned();
        return Err(ImageError::Unwritable { what: shown(path), reason });
    }
    Ok(())
}

/// The folder that something is to lie in; it must be there.
fn folder_of(path: &Path) -> Result<&Path, ImageError> {
    let unwritable = |reason: String| ImageError::Unwritable { what: shown(path), reason };
    if path.file_name().is_none() {
        return Err(unwritable("it is no name".to_owned()));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match fs::metadata(folder) {
        Ok(found) if found.is_dir() => Ok(folder),
        Ok(_) => Err(unwritable(format!("{} is not a folder", shown(folder)))),
        Err(error) => Err(unwritable(format!("the folder {}: {error}", shown(folder)))),
    }
}

/// A file that is being made.
pub(super) struct File {
    unfinished: NamedTempFile,
    path: PathBuf,
}

impl File {
    /// Nothing is at `path` yet, or what was there before.
    pub(super) fn begin(path: &Path) -> Result<Self, ImageError> {
        let path = file_at(path)?;
        let begun = begun(0o666, folder_of(&path)?, |builder, folder| builder.tempfile_in(folder));
        let unfinished = begun.map_err(|error| ImageError::unwritable(&shown(&path), &error))?;
        Ok(Self { unfinished, path })
    }

    /// What is written to.
    pub(super) fn file(&mut self) -> &mut fs::File {
        self.unfinished.as_file_mut()
    }

    /// It is whole, and wanted: it gets its name.
    pub(super) fn keep(self, stop: &Stop) -> Result<(), ImageError> {
        wanted(stop)?;
        let Self { unfinished, path } = self;
        let unwritable = |error: io::Error| ImageError::unwritable(&shown(&path), &error);
        unfinished.as_file().sync_all().map_err(unwritable)?;
        unfinished.persist(&path).map(drop).map_err(|error| unwritable(error.error))
    }
}

/// A folder that is being filled.
pub(super) struct Folder {
    unfinished: TempDir,
    path: PathBuf,
}

impl Folder {
    /// Nothing is at `path` yet, or an empty folder.
    pub(super) fn begin(path: &Path) -> Result<Self, ImageError> {
        let path = folder_at(path)?;
        let begun = begun(0o777, folder_of(&path)?, |builder, folder| builder.tempdir_in(folder));
        let unfinished = begun.map_err(|error| ImageError::unwritable(&shown(&path), &error))?;
        Ok(Self { unfinished, path })
    }

    /// Where it is filled.
    pub(super) fn path(&self) -> &Path {
        self.unfinished.path()
    }

    /// It is whole, and wanted: it gets its name. An empty folder of that name makes way.
    pub(super) fn keep(self, stop: &Stop) -> Result<(), ImageError> {
        wanted(stop)?;
        let Self { mut unfinished, path } = self;
        fs::rename(unfinished.path(), &path).map_err(|error| ImageError::unwritable(&shown(&path), &error))?;
        // Nothing of that name is left to be removed.
        unfinished.disable_cleanup(true);
        Ok(())
    }
}

/// What stands whole in a temporary file goes to standard output.
pub(super) fn to_standard_output(mut file: fs::File, stop: &Stop) -> Result<(), ImageError> {
    wanted(stop)?;
    let mut out = io::stdout().lock();
    let copied = file.rewind().and_then(|()| io::copy(&mut file, &mut out)).and_then(|_| out.flush());
    copied.map_err(|error| ImageError::unwritable("standard output", &error))
}

fn wanted(stop: &Stop) -> Result<(), ImageError> {
    if stop.is_stopped() { Err(super::engine_export::unusable("it was ended early".to_owned())) } else { Ok(()) }
}

/// Something unfinished with the rights that a new file or folder has. What a killed export left beside it goes.
fn begun<T>(
    mode: u32,
    folder: &Path,
    make: impl FnOnce(&tempfile::Builder<'_, '_>, &Path) -> io::Result<T>,
) -> io::Result<T> {
    unfinished::remove_left(folder, UNFINISHED);
    let prefix = unfinished::prefix(UNFINISHED);
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).permissions(Permissions::from_mode(mode));
    make(&builder, folder)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
