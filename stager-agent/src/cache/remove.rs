//! Removes what has a random name: an entry with the views of it, or a view.

use super::disk::remove_all;
use super::error::CacheError;
use super::identity::EntryKind;
use super::index::Index;
use super::layout::{Layout, Name};
use super::lock::Lock;
use super::manifest;

/// Removes all that is called `name`, which no record leads to, be it an entry or a view, and the views of it. The caller holds its lock alone.
///
/// # Errors
/// The system refuses; the rest is garbage for the next one to collect.
pub(super) fn remove_entry(layout: &Layout, name: &Name, _alone: &Lock) -> Result<(), CacheError> {
    remove_all(&layout.place(EntryKind::Tree, name))?;
    remove_all(&layout.place(EntryKind::Package, name))?;
    remove_all(&Index::new(layout).unfinished(name))?;
    manifest::remove(layout, name)?;
    // Nobody uses them, who would use the entry too; one that is just going is garbage for the next one.
    for view in manifest::all(layout)?.into_iter().filter(|view| view.manifest.has(name)) {
        if let Some(_alone) = layout.lock_alone(view.name.as_str())? {
            manifest::remove(layout, &view.name)?;
        }
    }
    Ok(())
}
