//! Removes what nobody needs: entries that no record leads to. They are left by killed processes, or were replaced
//! while somebody used them. Whatever has a random name is protected by the lock of that name, so whoever gets that
//! lock alone, and finds no record that leads there, may remove it.
#![expect(clippy::disallowed_methods, reason = "this is the leaf that removes entries")]

use super::error::CacheError;
use super::evict;
use super::index::Index;
use super::layout::{Layout, Name};
use super::lock::{Hold, Lock};
use super::names_in;
use super::record::Kind;
use crate::tree_digest::walk;
use rustix::fs::FileType;
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;

/// Hex digits of an identity, which is the name of the lock that is held while it is fetched.
const ID_DIGITS: usize = 64;

/// Pieces of rubbish for which the index is read again once; the lock of each is a descriptor that is held open.
const AT_ONCE: usize = 64;

/// Takes the lock `name` alone; `None` while somebody uses or fills the entry.
///
/// # Errors
/// The system refuses.
pub(super) fn alone(layout: &Layout, name: &str) -> Result<Option<Lock>, CacheError> {
    let path = layout.locks().join(name);
    Lock::try_take(&path, Hold::Exclusive).map_err(CacheError::io("lock", path))
}

/// Removes all that is called `name`, which no record leads to. The caller holds its lock alone.
///
/// # Errors
/// The system refuses; the rest is rubbish for the next one to collect.
pub(super) fn remove(layout: &Layout, name: &Name, _alone: &Lock) -> Result<(), CacheError> {
    remove_all(&layout.place(Kind::Tree, name))?;
    remove_all(&layout.place(Kind::Package, name))?;
    remove_all(&Index::of(layout).unfinished(name))
}

/// Removes everything that no record leads to and nobody holds.
///
/// # Errors
/// The system refuses.
pub(super) fn collect(layout: &Layout) -> Result<(), CacheError> {
    let index = Index::of(layout);
    let lock_names = names_in(&layout.locks())?;
    let mut names: Vec<String> = lock_names.clone();
    names.extend(names_in(&layout.folder_of(Kind::Tree))?);
    names.extend(names_in(&layout.folder_of(Kind::Package))?);
    let mut names: HashSet<Name> = names.into_iter().filter_map(|name| Name::try_from(name).ok()).collect();
    names.extend(index.all_unfinished()?);
    let known = self::known(&index)?;
    let unknown: Vec<Name> = names.into_iter().filter(|name| !known.contains(name)).collect();
    for some in unknown.chunks(AT_ONCE) {
        let locked: Vec<(&Name, Option<Lock>)> =
            some.iter().map(|name| Ok((name, alone(layout, name.as_str())?))).collect::<Result<_, CacheError>>()?;
        // Some may have been published before we had their locks; nobody can publish the others now.
        let known = self::known(&index)?;
        for (name, lock) in locked {
            if let Some(alone) = lock.filter(|_| !known.contains(name)) {
                remove(layout, name, &alone)?;
            }
        }
    }
    for name in lock_names.iter().filter(|name| name.len() == ID_DIGITS || *name == evict::LOCK) {
        alone(layout, name)?; // and with it goes the file
    }
    Ok(())
}

fn known(index: &Index) -> Result<HashSet<Name>, CacheError> {
    Ok(index.all()?.into_iter().filter_map(|indexed| Some(indexed.record.ok()?.name)).collect())
}

/// Removes `path` and what is in it, whatever it is and if it is there at all. No link is followed.
///
/// # Errors
/// The system refuses.
pub(super) fn remove_all(path: &Path) -> Result<(), CacheError> {
    let removed = match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => remove_tree(path),
        removed => removed,
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(CacheError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

fn remove_tree(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            // An archive may have directories that even their owner may not write to.
            walk(path, &mut |item| if item.kind() == FileType::Directory { item.open_up() } else { Ok(()) })?;
            fs::remove_dir_all(path)
        }
        removed => removed,
    }
}
