//! Shows what was obtained from the cache where the request wants it, as real directories: buildpacks look for files with
//! `find` and copy themselves with `cp -r`, and a link would give them nothing.
//!
//! Those whose parent nobody else needs, as all in `/tmp/buildpacks`, are shown by making that parent a link to a view, in which
//! each is a directory. The others, as `/tmp/lifecycle`, are copied; and so are all where there is no view.

use super::install::Dependency;
use super::installer::{DependencyInstaller, unwritable};
use super::link;
use crate::cache::{CacheEntry, EntryKind, Identity};
use crate::fetch::FetchError;
use crate::session::scope::Scope;
use crate::tree_digest::{Files, repeat};
use shared_model::dependency::CachedDependency;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::Path;

/// What is to be shown.
pub(crate) struct Obtained<'d, 'a> {
    pub(crate) dependency: &'d Dependency<'a>,
    pub(crate) entry: CacheEntry,
    /// Whether its parent may be a link: see [`super::together`].
    pub(crate) together: bool,
}

/// What of a request's `dependencies` can be shown in views, if nothing else is unpacked there: the names in each, and what
/// is there. What has no cache key is in none.
pub(crate) fn views(dependencies: &[CachedDependency]) -> Vec<Vec<(String, Identity)>> {
    let places: Vec<&Path> = dependencies.iter().map(|dependency| Path::new(&dependency.to)).collect();
    let together = link::together(&places, places.len());
    let mut views: BTreeMap<&Path, Vec<(String, Identity)>> = BTreeMap::new();
    for ((place, dependency), _) in places.iter().zip(dependencies).zip(together).filter(|(_, together)| *together) {
        let identity = Identity::new(EntryKind::Tree, &dependency.cache_key, &dependency.from);
        let (Some(parent), Some(name)) = (place.parent(), place.file_name().and_then(OsStr::to_str)) else { continue };
        views.entry(parent).or_default().extend(identity.map(|identity| (name.to_owned(), identity)));
    }
    let mut views: Vec<_> = views.into_values().filter(|view| !view.is_empty()).collect();
    // In whatever order a request has them.
    for view in &mut views {
        view.sort_by(|(one, _), (other, _)| one.cmp(other));
    }
    views
}

impl Obtained<'_, '_> {
    /// Its name in a view, and what is there; `None` where it can be in none.
    fn named(&self) -> Option<(&str, &CacheEntry)> {
        let name = self.dependency.to.file_name().filter(|_| self.together)?;
        Some((name.to_str()?, &self.entry))
    }
}

impl DependencyInstaller<'_> {
    /// Shows `all`; what they are shown of is held until the caches are dropped.
    ///
    /// # Errors
    /// Something cannot be written.
    pub(crate) fn show(&self, all: Vec<Obtained>, scope: &Scope) -> Result<(), FetchError> {
        let mut groups: BTreeMap<&Path, Vec<Obtained>> = BTreeMap::new();
        for obtained in all {
            let to = obtained.dependency.to;
            let place = to.parent().filter(|_| obtained.together).unwrap_or(to);
            groups.entry(place).or_default().push(obtained);
        }
        for (place, group) in groups {
            if !self.show_together(place, &group, scope)? {
                for obtained in &group {
                    self.show_alone(obtained)?;
                }
            }
            for obtained in group {
                self.caches.hold(obtained.entry);
            }
        }
        Ok(())
    }

    /// Makes `parent` a link to a view of `group`. False where that cannot be.
    fn show_together(&self, parent: &Path, group: &[Obtained], scope: &Scope) -> Result<bool, FetchError> {
        let shown: Option<Vec<(&str, &CacheEntry)>> = group.iter().map(Obtained::named).collect();
        let Some(shown) = shown.filter(|_| link::can_be_link(parent, &self.caches.roots())) else { return Ok(false) };
        let Some(view) = self.caches.view(&shown, scope) else { return Ok(false) };
        let linked = link::link(view.path(), parent);
        linked.map_err(|cause| unwritable(&self.archive(group[0].dependency), cause))?;
        self.caches.hold_view(view);
        Ok(true)
    }

    /// Copies one to its place, unless an earlier staging in this container did.
    fn show_alone(&self, Obtained { dependency, entry, .. }: &Obtained) -> Result<(), FetchError> {
        let copied = || -> io::Result<()> {
            link::unlink(dependency.to, &self.caches.roots())?;
            if entry.is_copied_at(dependency.to) {
                return Ok(());
            }
            link::make_way(dependency.to)?;
            repeat(entry.path(), dependency.to, Files::Copied)
        };
        copied().map_err(|cause| unwritable(&self.archive(dependency), cause))
    }
}
