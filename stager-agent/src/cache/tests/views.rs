//! Views: what they are of, how long they stay, and that none is ever half there.
#![allow(clippy::disallowed_methods, reason = "tests look at real directories")]

use super::*;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

fn published(cache: &Cache, keys: &[&str]) -> Vec<CacheEntry> {
    keys.iter().map(|key| publish(cache, key, "x").entry).collect()
}

fn view(cache: &Cache, entries: &[CacheEntry]) -> View {
    let names: Vec<String> = (0..entries.len()).map(|number| format!("place{number}")).collect();
    cache.view(&names.iter().map(String::as_str).zip(entries).collect::<Vec<_>>()).unwrap()
}

#[test]
fn the_same_entries_are_one_view_whose_files_are_theirs() {
    let home = Home::new();
    let cache = home.cache();
    let entries = published(&cache, &["a", "b"]);
    let before = cache.list().unwrap();
    let (one, other) = (view(&cache, &entries), view(&cache, &entries));
    assert_eq!(one.path(), other.path());
    let inode = |path: PathBuf| fs::symlink_metadata(path).unwrap().ino();
    for (number, entry) in entries.iter().enumerate() {
        let place = one.path().join(format!("place{number}"));
        assert_eq!(inode(place.join("file")), inode(entry.path().join("file")));
        assert!(place.symlink_metadata().unwrap().is_dir() && inode(place) != inode(entry.path().to_owned()));
    }
    assert_eq!(one.path().metadata().unwrap().permissions().mode() & 0o7777, 0o755);
    assert_eq!(cache.list().unwrap(), before, "it takes no room of its own");
    assert_ne!(view(&cache, &entries[..1]).path(), one.path());
    drop((one, other, entries));
    home.assert_tidy();
    assert_eq!(home.names("views").len(), 2);
}

#[test]
fn a_view_goes_with_any_of_its_entries_and_not_while_it_is_used() {
    let home = Home::new();
    let cache = home.cache();
    let entries = published(&cache, &["a", "b"]);
    let used = view(&cache, &entries);
    cache.clear(None).unwrap();
    assert!(used.path().join("place0/file").exists());
    drop((used, entries));
    cache.clear(Some("a")).unwrap();
    assert_eq!((home.names("views").len(), home.names("entries").len()), (0, 1));
    home.assert_tidy();
    // Eviction, and another in an entry's place.
    let entries = published(&cache, &["a", "b"]);
    drop((view(&cache, &entries), entries));
    drop(publish(&home.bounded(2 * SMALL), "c", "x"));
    assert_eq!(home.names("views").len(), 0);
    let entries = published(&cache, &["b"]);
    drop((view(&cache, &entries), entries));
    drop(publish(&cache, "b", "newer"));
    assert_eq!(home.names("views").len(), 0);
    home.assert_tidy();
}

#[test]
fn what_a_killed_process_leaves_of_a_view_is_never_shown_and_goes() {
    type Leave = fn(&Path, &Path);
    let steps: [(&str, Leave); 5] = [
        ("half a tree under another name", |view, _| {
            fs::create_dir_all(view.with_file_name("0123456789abcdef0123456789abcdef").join("place0")).unwrap();
        }),
        ("a manifest alone", |view, _| fs::remove_dir_all(view).unwrap()),
        ("half of a removed tree", |view, manifest| {
            fs::remove_file(manifest).unwrap();
            fs::remove_file(view.join("place0/file")).unwrap();
        }),
        ("a damaged tree", |view, _| fs::remove_file(view.join("place0/file")).unwrap()),
        ("half a manifest", |_, manifest| fs::write(manifest, "{").unwrap()),
    ];
    for (what, leave) in steps {
        for opened_again in [false, true] {
            let home = Home::new();
            let cache = home.cache();
            let entries = published(&cache, &["a"]);
            let path = view(&cache, &entries).path().to_owned();
            let name = path.file_name().unwrap().to_str().unwrap();
            leave(&path, &home.root().join("index").join(format!("{name}.view")));
            let cache = if opened_again { home.cache() } else { cache };
            assert_eq!(fs::read_to_string(view(&cache, &entries).path().join("place0/file")).unwrap(), "x", "{what}");
            drop(entries);
            home.assert_tidy();
            assert_eq!(home.names("views"), [name], "{what}");
        }
    }
}

#[test]
fn of_the_views_that_nobody_uses_those_stay_that_were_used_last() {
    let home = Home::new();
    let cache = home.cache();
    let entries = published(&cache, &["a"]);
    let at = |number: usize| cache.view(&[(format!("place{number}").as_str(), &entries[0])]).unwrap();
    let used = at(0);
    let paths: Vec<PathBuf> = (1..20).map(|number| at(number).path().to_owned()).collect();
    assert!(paths[18].exists() && !paths[0].exists() && used.path().exists());
    assert!(home.names("views").len() <= 9, "{:?}", home.names("views"));
}

#[test]
fn several_at_once_make_one_view() {
    let home = Home::new();
    let cache = home.cache();
    let entries = published(&cache, &["a", "b", "c"]);
    thread::scope(|threads| {
        for _ in 0..8 {
            threads.spawn(|| {
                let seen = view(&cache, &entries);
                assert_eq!(fs::read_to_string(seen.path().join("place2/file")).unwrap(), "x");
            });
        }
    });
    drop(entries);
    home.assert_tidy();
    assert_eq!(home.names("views").len(), 1);
}

#[test]
fn what_is_not_kept_is_shown_all_the_same_and_goes_with_its_view() {
    let home = Home::new();
    let cache = home.bounded(SMALL);
    let claim = claim(&cache, &identity("large"));
    fs::write(claim.path().join("file"), vec![b'x'; 9000]).unwrap();
    let entry = claim.publish(Facts::default(), None).unwrap().entry;
    let entries = [entry];
    let seen = view(&cache, &entries);
    assert!(seen.path().join("place0/file").exists() && !entries[0].is_kept());
    drop((seen, entries));
    home.assert_tidy();
    assert_eq!(home.names("views"), Vec::<String>::new());
}

#[test]
fn verifying_removes_a_view_in_which_something_is_missing_and_keeps_its_entry() {
    let home = Home::new();
    let cache = home.cache();
    let entries = published(&cache, &["a"]);
    fs::remove_file(view(&cache, &entries).path().join("place0/file")).unwrap();
    let stop = Stop::default();
    let mut checked = Vec::new();
    cache.verify(None, &Scope::new(&Nobody, "STG", &stop), &mut |it| checked.push(it.damage)).unwrap();
    assert_eq!((checked, home.names("views").len(), home.names("entries").len()), (vec![None], 0, 1));
}

#[test]
fn a_view_that_was_baked_is_used_and_none_is_made() {
    if !rustix::process::geteuid().is_root() {
        return; // only root may read one
    }
    let home = Home::new();
    let cache = home.cache();
    let entries = published(&cache, &["a", "b"]);
    let path = view(&cache, &entries).path().to_owned();
    drop(entries);
    let baked = Baked::open(&home.root()).unwrap().unwrap();
    let entry = |key| match baked.find(&identity(key)).unwrap() {
        Lookup::Found(entry) => *entry,
        other => panic!("{other:?}"),
    };
    let (a, b) = (entry("a"), entry("b"));
    assert_eq!(baked.view(&[("place0", &a), ("place1", &b)]).unwrap().unwrap().path(), path);
    assert!(baked.view(&[("place0", &a)]).unwrap().is_none());
    assert_eq!(home.names("views").len(), 1);
}
