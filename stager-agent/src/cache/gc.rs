//! Removes what nobody needs: entries that no record leads to, and views of such entries. They are left by killed processes, or were replaced
//! while somebody used them. Whatever has a random name is protected by the lock of that name, so whoever gets that
//! lock alone, and finds no record that leads there, may remove it.

use super::error::CacheError;
use super::identity::EntryKind;
use super::index::Index;
use super::layout::{EVICTING, Layout, Name, names_in};
use super::lock::Lock;
use super::manifest::{self, Manifest};
use super::remove::remove_entry;
use std::collections::HashSet;

/// Hex digits of an identity, which is the name of the lock that is held while it is fetched.
const ID_DIGITS: usize = 64;

/// Entries that are garbage for which the index is read again once; the lock of each is a descriptor that is held open.
const AT_ONCE: usize = 64;

/// Removes everything that no record leads to and nobody holds.
///
/// # Errors
/// The system refuses.
pub(super) fn collect(layout: &Layout) -> Result<(), CacheError> {
    let index = Index::new(layout);
    let lock_names = names_in(&layout.locks())?;
    let mut names: Vec<String> = lock_names.clone();
    names.extend(names_in(&layout.folder_of(EntryKind::Tree))?);
    names.extend(names_in(&layout.folder_of(EntryKind::Package))?);
    names.extend(names_in(&layout.views())?);
    let mut names: HashSet<Name> = names.into_iter().filter_map(|name| Name::try_from(name).ok()).collect();
    names.extend(index.all_unfinished()?);
    names.extend(manifest::all(layout)?.into_iter().map(|view| view.name));
    let known = self::known(layout, &index)?;
    let unknown: Vec<Name> = names.into_iter().filter(|name| !known.contains(name)).collect();
    for some in unknown.chunks(AT_ONCE) {
        let locked: Vec<(&Name, Option<Lock>)> =
            some.iter().map(|name| Ok((name, layout.lock_alone(name.as_str())?))).collect::<Result<_, CacheError>>()?;
        // Some may have been published before we had their locks; nobody can publish the others now.
        let known = self::known(layout, &index)?;
        for (name, lock) in locked {
            if let Some(alone) = lock.filter(|_| !known.contains(name)) {
                remove_entry(layout, name, &alone)?;
            }
        }
    }
    for name in lock_names.iter().filter(|name| name.len() == ID_DIGITS || *name == EVICTING) {
        layout.lock_alone(name)?; // and with it goes the file
    }
    Ok(())
}

/// Entries that a record leads to, and views of nothing else.
fn known(layout: &Layout, index: &Index) -> Result<HashSet<Name>, CacheError> {
    let views = manifest::all(layout)?;
    let mut known: HashSet<Name> =
        index.all()?.into_iter().filter_map(|indexed| Some(indexed.record.ok()?.name)).collect();
    let is_known = |manifest: &Manifest| {
        let mut entries = manifest.trees().map(|(_, entry)| entry).peekable();
        entries.peek().is_some() && entries.all(|entry| known.contains(entry))
    };
    let views: Vec<Name> = views.into_iter().filter(|view| is_known(&view.manifest)).map(|view| view.name).collect();
    known.extend(views);
    Ok(known)
}
