//! Makes a directory that nobody else needs a symbolic link to a view of the cache, and looks where links lead.
//!
//! The link is root's, and so are the parents that are made for it; `/tmp` is sticky. Where a parent belongs to
//! somebody else, or anybody may write to it, that somebody can put something else in the link's place, as they could
//! with a directory; but the entries behind it stay as they are.

#![expect(clippy::disallowed_methods, reason = "this is the leaf that makes links and looks where they lead")]

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, symlink};
use std::path::{Component, Path, PathBuf};

/// Of new parents, as Diego's containers have them.
const MODE: u32 = 0o755;
/// Write bits of group and others.
const WRITABLE: u32 = 0o022;

/// Whether a dependency can be shown at `to`: nothing is there, an empty directory, or what an earlier staging was shown
/// through a link into one of `roots`, the caches' directories.
pub(super) fn is_free(to: &Path, roots: &[&Path]) -> bool {
    let Ok(found) = fs::symlink_metadata(to) else { return true };
    is_ours(to, roots) || to.parent().is_some_and(|parent| is_ours(parent, roots)) || (found.is_dir() && is_empty(to))
}

/// Whether `parent` can be a link: nothing is there, a link of an earlier staging, or an empty directory that is root's
/// alone, in which nobody else could make anything either.
pub(super) fn can_be_link(parent: &Path, roots: &[&Path]) -> bool {
    let Ok(found) = fs::symlink_metadata(parent) else { return true };
    is_ours(parent, roots) || (found.is_dir() && found.uid() == 0 && found.mode() & WRITABLE == 0 && is_empty(parent))
}

fn is_ours(path: &Path, roots: &[&Path]) -> bool {
    fs::read_link(path).is_ok_and(|target| roots.iter().any(|root| target.starts_with(root)))
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// Makes `parent` a link to `view`. What [`can_be_link`] looks over gives way.
///
/// # Errors
/// The file system's.
pub(super) fn link(view: &Path, parent: &Path) -> io::Result<()> {
    make_way(parent)?;
    symlink(view, parent)
}

/// Makes what is above `to`, and removes a link or an empty directory there.
///
/// # Errors
/// The file system's; also where something is there.
pub(super) fn make_way(to: &Path) -> io::Result<()> {
    if let Some(parent) = to.parent() {
        DirBuilder::new().recursive(true).mode(MODE).create(parent)?;
    }
    match fs::symlink_metadata(to) {
        Ok(found) if found.is_dir() => fs::remove_dir(to),
        Ok(_) => fs::remove_file(to),
        Err(_) => Ok(()),
    }
}

/// Removes `to`, or its parent, if that is a link into one of `roots`: what is made there next would end in the cache.
///
/// # Errors
/// The file system's.
pub(super) fn unlink(to: &Path, roots: &[&Path]) -> io::Result<()> {
    for path in to.parent().into_iter().chain([to]).filter(|path| is_ours(path, roots)) {
        match fs::remove_file(path) {
            // Another dependency that was there has removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed?,
        }
    }
    Ok(())
}

/// Which of `places` overlap with no other one, which would be the same, above it or below it: only these may come from
/// the cache, for what is below them would be unpacked there.
pub(crate) fn alone(places: &[&Path]) -> Vec<bool> {
    let real: Vec<Option<PathBuf>> = places.iter().map(|place| resolved(place)).collect();
    let overlaps = |at: usize| {
        let Some(one) = &real[at] else { return true };
        let mut others = real.iter().enumerate().filter(|(other, _)| *other != at);
        others.any(|(_, other)| other.as_ref().is_none_or(|other| one.starts_with(other) || other.starts_with(one)))
    };
    (0..real.len()).map(|at| !overlaps(at)).collect()
}

/// Which of the first `dependencies` of `places` have a parent that nothing else is in or below than such dependencies: it
/// may be a link into the cache.
pub(crate) fn together(places: &[&Path], dependencies: usize) -> Vec<bool> {
    let real: Vec<Option<PathBuf>> = places.iter().map(|place| resolved(place)).collect();
    let shares = |parent: &Path| {
        real.iter().enumerate().all(|(at, other)| match other {
            Some(other) => !other.starts_with(parent) || (at < dependencies && other.parent() == Some(parent)),
            None => false,
        })
    };
    let first = real.iter().take(dependencies);
    first.map(|one| one.as_deref().and_then(Path::parent).is_some_and(shares)).collect()
}

/// Whether `path`, with all links followed, is in or below one of `roots`.
pub(super) fn leads_into(path: &Path, roots: &[&Path]) -> bool {
    let there = real_ancestor(path);
    there.is_none_or(|there| roots.iter().any(|root| fs::canonicalize(root).is_ok_and(|root| there.starts_with(root))))
}

/// Whether `path`, whose last part may be a link, is at, in or above one of `roots`, which need not be there.
pub(crate) fn meets(path: &Path, roots: &[&Path]) -> bool {
    let Some(path) = resolved(path) else { return true };
    let meets = |root: PathBuf| path.starts_with(&root) || root.starts_with(&path);
    let resolved = |root| std::path::absolute(root).ok().and_then(|root| resolved(&root));
    roots.iter().any(|root| resolved(root).is_some_and(meets) || fs::canonicalize(root).is_ok_and(meets))
}

/// The path with the links of its existing parents followed; the last part may be a link of ours and is left alone.
/// `None` for a path that is not absolute, or goes up again.
fn resolved(path: &Path) -> Option<PathBuf> {
    let plain = |part: Component| matches!(part, Component::RootDir | Component::Normal(_));
    if !path.is_absolute() || !path.components().all(plain) {
        return None;
    }
    let (parent, last) = (path.parent()?, path.file_name()?);
    let there = parent.ancestors().find_map(|above| Some((above, fs::canonicalize(above).ok()?)));
    let (above, real) = there?;
    Some(real.join(parent.strip_prefix(above).ok()?).join(last))
}

/// What there is of `path`, with all links followed.
fn real_ancestor(path: &Path) -> Option<PathBuf> {
    path.ancestors().find_map(|above| fs::canonicalize(above).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn places_in_one_another_are_found_also_through_links() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        fs::create_dir(path("real")).unwrap();
        symlink(path("real"), path("alias")).unwrap();
        for (places, expected) in [
            (["a", "b"], [false, false]),
            (["a", "a"], [true, true]),
            (["a", "a/b/c"], [true, true]),
            (["a", "ab"], [false, false]),
            (["real/x", "alias/x"], [true, true]),
            (["real/x", "alias/y"], [false, false]),
            (["a/../b", "c"], [true, true]),
        ] {
            let places = places.map(path);
            let overlaps = alone(&places.each_ref().map(PathBuf::as_path)).into_iter().map(|alone| !alone);
            assert_eq!(overlaps.collect::<Vec<_>>(), expected, "{places:?}");
        }
    }

    #[test]
    fn a_parent_that_something_else_is_in_or_below_is_no_link() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        for (places, dependencies, expected) in [
            (&["bps/a", "bps/b", "lifecycle"][..], 2, &[true, true][..]),
            (&["bps/a", "bps/b", "bps/download"], 2, &[false, false]),
            (&["bps/a", "other/b", "bps/deep/download"], 2, &[false, true]),
            (&["bps/a", "bps/more/b"], 2, &[false, true]),
            (&["bps/a", "bps/../b"], 1, &[false]),
        ] {
            let places: Vec<PathBuf> = places.iter().map(|place| path(place)).collect();
            let places: Vec<&Path> = places.iter().map(PathBuf::as_path).collect();
            assert_eq!(together(&places, dependencies), expected, "{places:?}");
        }
    }

    #[test]
    fn only_what_is_empty_or_ours_gives_way() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        let (cache, to) = (path("cache"), path("parent/to"));
        fs::create_dir_all(cache.join("e/inside")).unwrap();
        let free = |to: &Path| is_free(to, &[&cache]);
        let can = |to: &Path| can_be_link(to, &[&cache]);
        assert!(free(&to) && can(&to));
        link(&cache.join("e"), &to).unwrap();
        assert_eq!((free(&to), can(&to), fs::read_link(&to).unwrap()), (true, true, cache.join("e")));
        assert!(free(&to.join("inside")), "it is seen through the link");
        unlink(&to.join("inside"), &[&cache]).unwrap();
        assert!(!to.is_symlink() && cache.join("e/inside").exists());
        link(&cache.join("f"), &to).unwrap();
        assert_eq!(fs::read_link(&to).unwrap(), cache.join("f"));
        assert_eq!(fs::metadata(path("parent")).unwrap().permissions().mode() & 0o7777, MODE);

        fs::create_dir(path("empty")).unwrap();
        assert!(free(&path("empty")));
        link(&cache.join("e"), &path("empty")).unwrap();
        fs::create_dir_all(path("full/inside")).unwrap();
        fs::write(path("file"), "").unwrap();
        symlink("/etc", path("elsewhere")).unwrap();
        for taken in ["full", "file", "elsewhere"] {
            assert!(!free(&path(taken)) && !can(&path(taken)), "{taken}");
        }
        fs::create_dir(path("anybodys")).unwrap();
        fs::set_permissions(path("anybodys"), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(free(&path("anybodys")) && !can(&path("anybodys")));
        assert!(link(&cache.join("e"), &path("full")).is_err() && path("full/inside").exists());
    }

    #[test]
    fn a_way_into_the_cache_is_noticed() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        let cache = path("cache");
        fs::create_dir_all(cache.join("e")).unwrap();
        symlink(cache.join("e"), path("link")).unwrap();
        for (way, expected) in [("link", true), ("link/deeper/still", true), ("cache/new", true), ("app", false)] {
            assert_eq!(leads_into(&path(way), &[&cache]), expected, "{way}");
        }
    }
}
