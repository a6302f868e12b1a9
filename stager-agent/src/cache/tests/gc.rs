//! What a process killed at each step leaves, made by hand, one after the other: everything works, and it goes.
#![allow(clippy::disallowed_methods, reason = "tests make garbage")]

use super::*;

const NAME: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn what_a_killed_process_leaves_is_removed() {
    type Leave = fn(&Path, &CacheEntry);
    let steps: [(&str, Leave); 11] = [
        ("a lock that was taken", |root, _| fs::write(root.join("locks").join(NAME), "").unwrap()),
        ("an identity's lock", |root, _| {
            fs::write(root.join("locks").join(identity("b").id()), "").unwrap();
        }),
        ("a lock for evicting", |root, _| fs::write(root.join("locks/evicting"), "").unwrap()),
        ("half a tree", |root, _| fs::create_dir_all(root.join("entries").join(NAME).join("a/b")).unwrap()),
        ("half a tree that may not be written", |root, _| {
            let inner = root.join("entries").join(NAME).join("a/b");
            fs::create_dir_all(&inner).unwrap();
            rustix::fs::chmod(inner.parent().unwrap(), 0o500.into()).unwrap();
        }),
        ("a file for a tree", |root, _| fs::write(root.join("entries").join(NAME), "").unwrap()),
        ("a tree for a package", |root, _| fs::create_dir_all(root.join("packages").join(NAME).join("a/b")).unwrap()),
        ("half a package", |root, _| fs::write(root.join("packages").join(NAME), "PK").unwrap()),
        ("half a record", |root, _| fs::write(root.join("index").join(format!("{NAME}.new")), "{").unwrap()),
        ("a tree whose record was replaced", |root, entry| {
            fs::rename(entry.path(), root.join("entries").join(NAME)).unwrap();
        }),
        ("half of a removed tree", |root, entry| {
            let record = root.join("index").join(format!("{}.json", identity("a").id()));
            fs::remove_file(record).unwrap();
            fs::remove_file(entry.path().join("file")).unwrap();
        }),
    ];
    for (what, leave) in steps {
        let home = Home::new();
        leave(&home.root(), &publish(&home.cache(), "a", "x").entry);
        let cache = home.cache();
        for key in ["a", "b"] {
            drop(publish(&cache, key, "y"));
            assert!(is_there(&cache, key), "{what}");
        }
        home.assert_tidy();
        assert_eq!(home.names("entries").len(), 2, "{what}");
    }
}

#[test]
fn a_link_among_the_rubbish_is_removed_and_not_followed() {
    let home = Home::new();
    drop(home.cache());
    let outside = home.folder.path().join("outside");
    fs::create_dir_all(outside.join("a")).unwrap();
    let tree = home.root().join("entries").join(NAME);
    fs::create_dir(&tree).unwrap();
    std::os::unix::fs::symlink(&outside, tree.join("link")).unwrap();
    std::os::unix::fs::symlink(&outside, home.root().join("entries").join(NAME.replace('0', "f"))).unwrap();
    home.assert_tidy();
    assert!(outside.join("a").is_dir());
}

#[test]
fn what_is_not_ours_stays() {
    let home = Home::new();
    drop(home.cache());
    for name in ["entries/mine", "index/mine", "locks/mine", "packages/mine"] {
        fs::write(home.root().join(name), "").unwrap();
        drop(home.cache());
        assert!(home.root().join(name).exists(), "{name}");
    }
}
