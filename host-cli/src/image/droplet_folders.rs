//! Whose droplet an archive is, by the folders that it has. Pure.

use super::entries::{Entry, below_root};
use shared_model::lifecycle::Lifecycle;
use std::collections::BTreeSet;
use std::path::Component;

/// What of all lifecycles' folders was met so far.
#[derive(Debug, Default)]
pub(super) struct DropletFolders(BTreeSet<&'static str>);

impl DropletFolders {
    /// Meets an entry of a droplet. A folder is there once it is named, or something in it.
    pub(super) fn see(&mut self, entry: &Entry) {
        let Some(path) = below_root(&entry.path) else { return };
        let mut parts = path.components();
        let Some(Component::Normal(top)) = parts.next() else { return };
        if !entry.kind.is_dir() && parts.next().is_none() {
            return;
        }
        let known = Lifecycle::ALL.into_iter().flat_map(|lifecycle| lifecycle.layout().droplet_folders);
        self.0.extend(known.filter(|folder| top == **folder));
    }

    /// Whose droplet it is, after the last entry; `None`: it is none.
    pub(super) fn lifecycle(&self) -> Option<Lifecycle> {
        Lifecycle::from_droplet(|folder| self.0.contains(folder))
    }
}
