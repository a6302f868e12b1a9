//! Shows an entry of the cache where a request wants it, by a symbolic link.
//!
//! The link is root's, and so are the parents that are made for it; `/tmp` is sticky. Where a parent belongs to
//! somebody else, or anybody may write to it, that somebody can put something else in the link's place, as they could
//! with a directory; but the entry behind it stays as it is.

#![expect(clippy::disallowed_methods, reason = "this is the leaf that makes links and looks where they lead")]

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Component, Path, PathBuf};

/// Of new parents, as Diego's containers have them.
const MODE: u32 = 0o755;

/// Whether a link can be made at `to`: nothing is there, an empty directory, or a link into one of `roots`, the caches'
/// directories, that an earlier staging made.
pub(super) fn is_free(to: &Path, roots: &[&Path]) -> bool {
    let Ok(found) = fs::symlink_metadata(to) else { return true };
    if found.is_symlink() {
        fs::read_link(to).is_ok_and(|target| roots.iter().any(|root| target.starts_with(root)))
    } else {
        found.is_dir() && fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_none())
    }
}

/// Makes `to` a link to `entry`. What [`is_free`] looks over gives way.
///
/// # Errors
/// The file system's.
pub(super) fn link(entry: &Path, to: &Path) -> io::Result<()> {
    if let Some(parent) = to.parent() {
        DirBuilder::new().recursive(true).mode(MODE).create(parent)?;
    }
    match fs::symlink_metadata(to) {
        Ok(found) if found.is_dir() => fs::remove_dir(to)?,
        Ok(_) => fs::remove_file(to)?,
        Err(_) => {}
    }
    symlink(entry, to)
}

/// Removes `to` if it is a link into one of `roots`: what is unpacked there next would end in the cache.
///
/// # Errors
/// The file system's.
pub(super) fn unlink(to: &Path, roots: &[&Path]) -> io::Result<()> {
    let is_link = fs::symlink_metadata(to).is_ok_and(|found| found.is_symlink());
    if is_link && is_free(to, roots) { fs::remove_file(to) } else { Ok(()) }
}

/// Which of `places` overlap with no other one, which would be the same, above it or below it: only these may be links into
/// the cache, for what is below a link would be unpacked there.
pub(crate) fn alone(places: &[&Path]) -> Vec<bool> {
    let real: Vec<Option<PathBuf>> = places.iter().map(|place| resolved(place)).collect();
    let overlaps = |at: usize| {
        let Some(one) = &real[at] else { return true };
        let mut others = real.iter().enumerate().filter(|(other, _)| *other != at);
        others.any(|(_, other)| other.as_ref().is_none_or(|other| one.starts_with(other) || other.starts_with(one)))
    };
    (0..real.len()).map(|at| !overlaps(at)).collect()
}

/// Whether `path`, with all links followed, is in or below one of `roots`.
pub(super) fn leads_into(path: &Path, roots: &[&Path]) -> bool {
    let there = real_ancestor(path);
    there.is_none_or(|there| roots.iter().any(|root| fs::canonicalize(root).is_ok_and(|root| there.starts_with(root))))
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
    fn only_what_is_empty_or_ours_gives_way() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        let (cache, to) = (path("cache"), path("parent/to"));
        fs::create_dir_all(cache.join("e")).unwrap();
        let free = |to: &Path| is_free(to, &[&cache]);
        assert!(free(&to));
        link(&cache.join("e"), &to).unwrap();
        assert_eq!((free(&to), fs::read_link(&to).unwrap()), (true, cache.join("e")));
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
            assert!(!free(&path(taken)), "{taken}");
        }
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
