//! Which directories become a cache, and which do not.
#![allow(clippy::disallowed_methods, reason = "tests make directories")]

use super::*;
use crate::causes::with_causes;
use crate::small_disk::SmallDisk;
use std::fs::Permissions;
use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt, chown, symlink};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn modes(root: &Path) -> [u32; 5] {
    [
        mode(root),
        mode(&root.join("entries")),
        mode(&root.join("packages")),
        mode(&root.join("index")),
        mode(&root.join("locks")),
    ]
}

const RIGHT: [u32; 5] = [0o711, 0o711, 0o700, 0o700, 0o700];

fn error(root: &Path) -> String {
    let error = Cache::open_own(root, PLENTY).unwrap_err();
    with_causes(&error).replace(&root.display().to_string(), "ROOT")
}

#[test]
fn a_missing_directory_is_made_with_its_parents() {
    let home = Home::new();
    let root = home.folder.path().join("var/cache/stager");
    drop(Cache::open_own(&root, PLENTY).unwrap());
    assert_eq!(modes(&root), RIGHT);
    assert_eq!(mode(root.parent().unwrap()) & 0o022, 0);
}

#[test]
fn an_empty_volume_becomes_a_cache_and_modes_are_put_right() {
    let home = Home::new();
    fs::create_dir_all(home.root().join("lost+found")).unwrap();
    set_mode(&home.root(), 0o755);
    drop(home.cache());
    assert_eq!(modes(&home.root()), RIGHT);
    for folder in ["index", "locks", "packages", "entries"] {
        set_mode(&home.root().join(folder), 0o755);
    }
    drop(home.cache());
    assert_eq!(modes(&home.root()), RIGHT);
}

#[test]
fn a_directory_that_others_may_write_to_is_refused() {
    for (folder, mode) in [("", 0o777), ("", 0o1777), ("", 0o720), ("entries", 0o702), ("locks", 0o777)] {
        let home = Home::new();
        drop(home.cache());
        let folder = home.root().join(folder);
        set_mode(&folder, mode);
        let error = error(&home.root());
        assert!(error.contains(&format!("others may write to it (mode {mode:04o})")), "{error}");
    }
}

#[test]
fn a_directory_with_other_things_in_it_is_left_alone() {
    let home = Home::new();
    fs::create_dir(home.root()).unwrap();
    fs::write(home.root().join("thesis.txt"), "").unwrap();
    set_mode(&home.root(), 0o700);
    assert_eq!(error(&home.root()), "ROOT cannot be used as a cache: it holds other things, such as thesis.txt");
    assert_eq!(home.names("").len(), 1);
    let mode = fs::metadata(home.root()).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode, 0o700, "its mode is its owner's business");
}

#[test]
fn what_is_no_directory_is_refused() {
    let home = Home::new();
    fs::write(home.root(), "").unwrap();
    assert_eq!(error(&home.root()), "ROOT cannot be used as a cache: it is no directory");
    fs::remove_file(home.root()).unwrap();
    drop(home.cache());
    fs::remove_dir(home.root().join("entries")).unwrap();
    symlink("/etc", home.root().join("entries")).unwrap();
    assert_eq!(error(&home.root()), "ROOT/entries cannot be used as a cache: it is no directory");
}

#[test]
fn a_link_to_a_directory_will_do_and_paths_are_absolute() {
    let home = Home::new();
    let real = home.folder.path().join("real");
    fs::create_dir(&real).unwrap();
    symlink(&real, home.root()).unwrap();
    let entry = publish(&home.cache(), "a", "x").entry;
    assert!(entry.path().starts_with(fs::canonicalize(&real).unwrap()), "{}", entry.path().display());
}

#[test]
fn a_newer_format_is_refused_and_garbage_is_not() {
    let home = Home::new();
    drop(publish(&home.cache(), "a", "x"));
    let format = home.root().join("format");
    fs::write(&format, "2\n").unwrap();
    assert_eq!(error(&home.root()), "ROOT holds a cache of format 2, and this stager knows format 1");
    for garbage in [&b""[..], b"\xff\xfe", b"one"] {
        fs::write(&format, garbage).unwrap();
        assert!(is_there(&home.cache(), "a"), "{garbage:?}");
        assert_eq!(fs::read(&format).unwrap(), b"1\n");
    }
    fs::remove_file(&format).unwrap();
    assert!(is_there(&home.cache(), "a"));
}

#[test]
fn another_users_directory_is_not_ours() {
    if !rustix::process::geteuid().is_root() {
        return; // only root can give directories away
    }
    let home = Home::new();
    drop(home.cache());
    for folder in ["", "index"] {
        let folder = home.root().join(folder);
        chown(&folder, Some(2000), None).unwrap();
        let error = Cache::open_own(&home.root(), PLENTY).unwrap_err();
        assert!(matches!(error, CacheError::NotOurs { .. }), "{error}");
        assert!(error.to_string().contains("belongs to user 2000"), "{error}");
        chown(&folder, Some(0), None).unwrap();
    }
}

#[test]
fn a_volume_that_is_mounted_read_only_is_refused_in_words() {
    let Some(disk) = SmallDisk::mount("ro,size=16k,mode=0755") else { return };
    let error = Cache::open_own(disk.path(), PLENTY).unwrap_err().to_string();
    assert!(error.contains("it is mounted read-only"), "{error}");
}

#[test]
fn a_full_disk_loses_the_copy_and_not_the_staging() {
    let Some(disk) = SmallDisk::mount("size=256k,mode=0755") else { return };
    let home = Home { folder: TempDir::new_in(disk.path()).unwrap() };
    let cache = home.cache();
    drop(publish(&cache, "a", "x"));
    let claim = claim(&cache, &identity("b"));
    let mut file = fs::File::create(claim.path().join("file")).unwrap();
    let full = std::io::copy(&mut std::io::repeat(b'x').take(1 << 20), &mut file).unwrap_err();
    assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    drop(file);
    let published = claim.publish(Facts::default(), None).unwrap();
    let warning = with_causes(&published.warning.unwrap());
    assert!(warning.starts_with("cannot write ") && warning.contains("No space left"), "{warning}");
    assert!(!text_of(&published.entry).is_empty() && !published.entry.is_kept());
    drop(published.entry);
    home.assert_tidy();
    assert!(is_there(&cache, "a"), "what was there is there");
    drop(publish(&cache, "b", "there is room again"));
    assert!(is_there(&cache, "b"));
}
