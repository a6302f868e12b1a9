//! Unpacks a zip: spool, plan, make.
//!
//! A zip's directory stands at its end, so the archive is first spooled into a file without a name on the disk that it
//! is unpacked to (`spool.rs`). Then the whole directory is read and judged before anything is written (`plan.rs`):
//! what an entry is, whether its two headers agree, whether two entries share bytes, a name, or a place in the tree.
//! Then the tree is made in three steps whose order leaves nothing to chance: the directories by one thread, the files
//! by several (`files.rs`), the symbolic links by one, so that no link is there while files are written.
//!
//! How many threads inflate at once, whatever the number of archives, is bounded in `inflaters.rs`.

mod checked;
mod contents;
mod files;
mod inflater;
mod inflaters;
mod plan;
mod record;
mod spool;

use super::entry_name::link_target;
use super::limits::Budget;
use super::tree::Tree;
use super::unpacked::{Unpacked, unless_stopped};
use crate::session::scope::Scope;
use crate::unpack::error::UnpackError;
pub(super) use inflaters::Inflaters;
use plan::{ZipEntry, ZipPlan};
use record::ZipEntryKind;
use spool::Spool;
use std::fs::File;
use std::io::Read;

/// Unpacks `archive` into `tree` by `inflaters`; `copy` may be a file that has all of it once it was read.
pub(super) fn unpack(
    inflaters: &Inflaters,
    archive: &mut dyn Read,
    copy: Option<&File>,
    tree: &mut Tree,
    budget: &Budget,
    scope: &Scope,
) -> Result<Unpacked, UnpackError> {
    let spool = Spool::new(archive, copy, tree)?;
    let plan = ZipPlan::new(&spool, budget, scope)?;
    make_directories(&plan, tree, scope)?;
    files::make(&plan, &spool, inflaters, tree, scope)?;
    make_links(&plan, &spool, inflaters, tree, budget, scope)?;
    Ok(plan.summary())
}

/// Makes the directories that have entries, with their modes, and those that only other entries need.
fn make_directories(plan: &ZipPlan, tree: &mut Tree, scope: &Scope) -> Result<(), UnpackError> {
    for entry in plan.entries() {
        unless_stopped(scope)?;
        match entry.kind {
            ZipEntryKind::Directory => tree.directory(&entry.name, entry.mode)?,
            ZipEntryKind::File | ZipEntryKind::Symlink => tree.parents(&entry.name)?,
            ZipEntryKind::Pipe => {}
        }
    }
    Ok(())
}

fn make_links(
    plan: &ZipPlan,
    spool: &Spool,
    inflaters: &Inflaters,
    tree: &mut Tree,
    budget: &Budget,
    scope: &Scope,
) -> Result<(), UnpackError> {
    let links: Vec<&ZipEntry> = plan.entries().iter().filter(|entry| entry.kind == ZipEntryKind::Symlink).collect();
    if links.is_empty() {
        return Ok(());
    }
    inflaters.with_one(scope, |inflater| {
        for ZipEntry { name, contents, .. } in links {
            unless_stopped(scope)?;
            let target = inflater.whole(spool, contents);
            let target = target.map_err(|cause| UnpackError::Corrupt { entry: Some(name.shown()), cause })?;
            tree.symlink(name, link_target(name.as_bytes(), target, budget.limits)?)?;
        }
        Ok(())
    })
}
