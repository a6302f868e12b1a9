//! What the views of a cache are of: a small file in the index for each. Its own time says when the view was last used.
//!
//! A view's name is made of its manifest, so the same entries in the same places are one view, whoever makes it.
#![expect(clippy::disallowed_methods, reason = "this is the leaf that reads and writes manifests")]

use super::disk::remove_all;
use super::error::CacheError;
use super::index::{Index, read_file};
use super::layout::{Layout, Name, names_in};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

const SUFFIX: &str = ".view";

/// Of which entries a view is: the name in the view → the name of the entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Manifest(BTreeMap<String, Name>);

/// A manifest that was found.
pub(super) struct FoundManifest {
    /// The view's.
    pub(super) name: Name,
    /// Empty where it cannot be read: then it is of nothing.
    pub(super) manifest: Manifest,
    /// When the view was last used.
    pub(super) used: SystemTime,
}

impl Manifest {
    /// Of a view that shows these: names in it, and the names of the entries.
    pub(super) fn new<'n>(shown: impl Iterator<Item = (&'n str, &'n Name)>) -> Self {
        Self(shown.map(|(name, entry)| (name.to_owned(), entry.clone())).collect())
    }

    /// The name of the view.
    pub(super) fn name(&self) -> Name {
        Name::of(&self.text())
    }

    /// Whether the view is of `entry` too.
    pub(super) fn has(&self, entry: &Name) -> bool {
        self.0.values().any(|name| name == entry)
    }

    /// The names in the view, and of which entries they are.
    pub(super) fn trees(&self) -> impl Iterator<Item = (&str, &Name)> {
        self.0.iter().map(|(name, entry)| (name.as_str(), entry))
    }

    /// Whether the view `name` is said to be of this.
    pub(super) fn is_at(&self, layout: &Layout, name: &Name) -> bool {
        read_file(&path(layout, name)).is_ok_and(|text| text == self.text())
    }

    /// Says that the view `name` is of this. `unfinished` is a name that the caller has taken.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn write(&self, layout: &Layout, name: &Name, unfinished: &Name) -> Result<(), CacheError> {
        let (path, new) = (path(layout, name), Index::new(layout).unfinished(unfinished));
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new);
        let written = opened.and_then(|mut file| file.write_all(&self.text()));
        written.and_then(|()| fs::rename(&new, &path)).map_err(CacheError::io("write", path))
    }

    fn text(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings can always be written as JSON")
    }
}

/// All manifests, in no order.
///
/// # Errors
/// The system refuses.
pub(super) fn all(layout: &Layout) -> Result<Vec<FoundManifest>, CacheError> {
    let names = names_in(&layout.index())?;
    let names = names.into_iter().filter_map(|name| Name::try_from(name.strip_suffix(SUFFIX)?.to_owned()).ok());
    // In between, somebody may have removed it.
    let found = |name: Name| {
        let used = fs::symlink_metadata(path(layout, &name)).and_then(|status| status.modified()).ok()?;
        let text = read_file(&path(layout, &name)).unwrap_or_default();
        Some(FoundManifest { name, manifest: serde_json::from_slice(&text).unwrap_or_default(), used })
    };
    Ok(names.filter_map(found).collect())
}

/// Notes that the view `name` was used at `when`. Where this fails, only the order in which views go suffers.
pub(super) fn touch(layout: &Layout, name: &Name, when: SystemTime) {
    let _ = OpenOptions::new().write(true).open(path(layout, name)).and_then(|file| file.set_modified(when));
}

/// Removes the view `name`, its manifest first: what is left of a view without one is garbage. The caller holds its lock
/// alone.
///
/// # Errors
/// The system refuses.
pub(super) fn remove(layout: &Layout, name: &Name) -> Result<(), CacheError> {
    remove_all(&path(layout, name))?;
    remove_all(&layout.views().join(name.as_str()))
}

fn path(layout: &Layout, name: &Name) -> PathBuf {
    layout.index().join(format!("{}{SUFFIX}", name.as_str()))
}

/// Whether anything is at `path`.
///
/// # Errors
/// The system refuses.
pub(super) fn is_there(path: &Path) -> Result<bool, CacheError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(CacheError::io("look at", path)(error)),
    }
}
