//! What a builder is shown of several entries: one directory in which each has the name that its request gives it.
//!
//! The directories in a view are its own; the files are the entries', under further names, so a view takes no time to
//! fill and no room but for its directories. It is made under a random name and renamed when it is complete. Whoever
//! uses a view holds its lock, with others, and those of its entries; so it goes with the first of its entries that
//! goes, and of the rest those stay that were used last.
#![expect(clippy::disallowed_methods, reason = "this is the leaf that makes views")]

use super::baked::Baked;
use super::entry::{CacheEntry, EntryGuard, PendingEntry, damage};
use super::error::CacheError;
use super::index::Index;
use super::layout::{Layout, Name};
use super::lock::Hold;
use super::manifest::{self, Manifest};
use super::record::Record;
use super::store::Cache;
use crate::tree_digest::{Files, have_same_files, repeat};
use std::fs::{self, DirBuilder, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// How many views stay that nobody uses: one for each kind of requests that are staged in turns.
const KEPT: usize = 8;
/// Of a view: everybody who knows its name may read it.
const MODE: u32 = 0o755;
/// Of one that is being filled.
const UNFINISHED: u32 = 0o700;
/// How long is waited for somebody who is just removing the view, and how often.
const NAP: Duration = Duration::from_millis(2);
const LOOKS: usize = 50;

/// A directory that shows entries. While this lives, nobody removes it.
#[derive(Debug)]
pub(crate) struct View {
    path: PathBuf,
    _guard: EntryGuard,
}

impl View {
    /// The directory; absolute.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Cache {
    /// The view of `shown`, names and entries of this cache that the caller holds; made where there is none.
    ///
    /// # Errors
    /// [`CacheError::Io`], also where the file system has no links, or no more of them.
    pub(crate) fn view(&self, shown: &[(&str, &CacheEntry)]) -> Result<View, CacheError> {
        let manifest = manifest_of(shown);
        if shown.iter().any(|(_, entry)| !entry.is_kept()) {
            let pending = self.fill_view(shown)?;
            return Ok(View { path: self.view_path(pending.name()), _guard: EntryGuard::Unkept(pending) });
        }
        let name = manifest.name();
        let path = self.view_path(&name);
        for _ in 0..LOOKS {
            let Some(lock) = self.layout.lock(name.as_str(), Hold::Shared)? else {
                thread::sleep(NAP);
                continue;
            };
            let mut whole = is_whole(&self.layout, &name, &manifest, shown)?;
            if !whole && !manifest::is_there(&path)? {
                self.make_view(&name, &manifest, shown)?;
                whole = true;
            }
            if whole {
                manifest::touch(&self.layout, &name, self.clock.now());
                self.forget_old_views()?;
                return Ok(View { path, _guard: EntryGuard::InUse(Some(lock)) });
            }
            // Damaged, or what is left of one that was just being removed.
            drop(lock);
            self.remove_unused(&name)?;
            thread::sleep(NAP);
        }
        Err(CacheError::Unusable { path, why: "it is damaged, and in use".to_owned() })
    }

    /// Makes the view `name`; the caller holds its lock, with others who may make it at the same time.
    fn make_view(&self, name: &Name, manifest: &Manifest, shown: &[(&str, &CacheEntry)]) -> Result<(), CacheError> {
        let pending = self.fill_view(shown)?;
        manifest.write(&self.layout, name, pending.name())?;
        let path = self.view_path(name);
        match fs::rename(self.view_path(pending.name()), &path) {
            // Another was quicker; it is the same.
            Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::DirectoryNotEmpty) => Ok(()),
            renamed => renamed.map_err(CacheError::io("make", path)),
        }
    }

    /// Makes a view under a new name.
    fn fill_view(&self, shown: &[(&str, &CacheEntry)]) -> Result<PendingEntry, CacheError> {
        let pending = PendingEntry::new(&self.layout)?;
        let path = self.view_path(pending.name());
        let made = DirBuilder::new().mode(UNFINISHED).create(&path);
        made.map_err(CacheError::io("make", &path))?;
        for (name, entry) in shown {
            let tree = path.join(name);
            repeat(entry.path(), &tree, Files::Linked).map_err(CacheError::io("link the files of", entry.path()))?;
        }
        fs::set_permissions(&path, Permissions::from_mode(MODE)).map_err(CacheError::io("make", &path))?;
        Ok(pending)
    }

    /// Removes views beyond those that were used last.
    fn forget_old_views(&self) -> Result<(), CacheError> {
        let mut all = manifest::all(&self.layout)?;
        if all.len() <= KEPT {
            return Ok(());
        }
        all.sort_by_key(|view| std::cmp::Reverse(view.used));
        all.iter().skip(KEPT).try_for_each(|view| self.remove_unused(&view.name))
    }

    /// Removes views in which a tree is not what its entry is.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub(super) fn forget_damaged_views(&self) -> Result<(), CacheError> {
        let records: Vec<Record> =
            Index::new(&self.layout).all()?.into_iter().filter_map(|it| it.record.ok()).collect();
        for view in manifest::all(&self.layout)? {
            let path = self.view_path(&view.name);
            let is_damaged = |(name, entry): (&str, &Name)| {
                let record = records.iter().find(|record| record.name == *entry);
                record.map_or(Ok(true), |record| Ok(damage(&path.join(name), record)?.is_some()))
            };
            let damaged: Result<Vec<bool>, CacheError> = view.manifest.trees().map(is_damaged).collect();
            if damaged?.contains(&true) {
                self.remove_unused(&view.name)?;
            }
        }
        Ok(())
    }

    fn view_path(&self, name: &Name) -> PathBuf {
        self.layout.views().join(name.as_str())
    }
}

impl Baked {
    /// The view of `shown`, names and entries of this cache; `None` where it was baked without one.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub(crate) fn view(&self, shown: &[(&str, &CacheEntry)]) -> Result<Option<View>, CacheError> {
        let manifest = manifest_of(shown);
        let name = manifest.name();
        let path = self.layout.views().join(name.as_str());
        let whole = is_whole(&self.layout, &name, &manifest, shown)?;
        Ok(whole.then_some(View { path, _guard: EntryGuard::Baked }))
    }
}

fn manifest_of(shown: &[(&str, &CacheEntry)]) -> Manifest {
    Manifest::new(shown.iter().map(|(name, entry)| (*name, &entry.record().name)))
}

/// Whether the view `name` is there, complete, and each tree in it what its entry is.
fn is_whole(
    layout: &Layout,
    name: &Name,
    manifest: &Manifest,
    shown: &[(&str, &CacheEntry)],
) -> Result<bool, CacheError> {
    if !manifest.is_at(layout, name) {
        return Ok(false);
    }
    let path = layout.views().join(name.as_str());
    for (name, entry) in shown {
        let tree = path.join(name);
        // The entry's files were looked at when it was found. Where that does not tell, as on some file systems of images, these are.
        if !have_same_files(entry.path(), &tree).unwrap_or(false) && damage(&tree, entry.record())?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}
