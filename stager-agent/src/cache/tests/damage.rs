//! Damage of every kind is noticed before an entry is used, and the entry goes.
#![allow(clippy::disallowed_methods, reason = "tests do damage")]

use super::*;
use std::fs::{File, FileTimes, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};

fn tree(cache: &Cache) -> Box<CacheEntry> {
    let claim = claim(cache, &identity("a"));
    fs::create_dir(claim.path().join("bin")).unwrap();
    fs::write(claim.path().join("bin/detect"), "#!/bin/sh").unwrap();
    symlink("bin/detect", claim.path().join("link")).unwrap();
    drop(claim.publish(Facts::default(), None).unwrap());
    found(cache, &identity("a"))
}

fn rewrite(file: &Path, text: &str) {
    let time = fs::metadata(file).unwrap().modified().unwrap();
    let mut file = File::create(file).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.set_times(FileTimes::new().set_modified(time)).unwrap();
}

type Break = fn(&Path);

const OF_TREES: [(&str, Break); 11] = [
    ("all is gone", |tree| fs::remove_dir_all(tree).unwrap()),
    ("a file is missing", |tree| fs::remove_file(tree.join("bin/detect")).unwrap()),
    ("a file has grown", |tree| rewrite(&tree.join("bin/detect"), "#!/bin/sh\n")),
    ("a file is empty, as after a power cut", |tree| rewrite(&tree.join("bin/detect"), "")),
    ("a file was written to", |tree| {
        let file = OpenOptions::new().write(true).open(tree.join("bin/detect")).unwrap();
        let time = file.metadata().unwrap().modified().unwrap() - Duration::from_secs(2);
        file.set_times(FileTimes::new().set_modified(time)).unwrap();
    }),
    ("a mode has changed", |tree| {
        fs::set_permissions(tree.join("bin/detect"), Permissions::from_mode(0o4755)).unwrap();
    }),
    ("a directory's mode has changed", |tree| {
        fs::set_permissions(tree.join("bin"), Permissions::from_mode(0o777)).unwrap();
    }),
    ("the top's mode has changed", |tree| fs::set_permissions(tree, Permissions::from_mode(0o777)).unwrap()),
    ("a file is too many", |tree| fs::write(tree.join("extra"), "").unwrap()),
    ("a link leads elsewhere", |tree| {
        fs::remove_file(tree.join("link")).unwrap();
        symlink("/etc/shadow", tree.join("link")).unwrap();
    }),
    ("a link stands for the tree", |tree| {
        let aside = tree.with_extension("aside");
        fs::rename(tree, &aside).unwrap();
        symlink(&aside, tree).unwrap();
    }),
];

#[test]
fn a_damaged_tree_is_noticed_and_goes() {
    for (what, damage) in OF_TREES {
        let home = Home::new();
        let cache = home.cache();
        let path = tree(&cache).path().to_owned();
        damage(&path);
        let found = cache.find(&identity("a")).unwrap();
        assert!(matches!(found, Lookup::Damaged(_)), "{what}: {found:?}");
        assert!(matches!(cache.find(&identity("a")).unwrap(), Lookup::Nothing), "{what}");
        assert!(fs::symlink_metadata(&path).is_err(), "{what}");
        drop(publish(&cache, "a", "anew"));
        assert!(is_there(&cache, "a"), "{what}");
    }
}

#[test]
fn an_entry_that_was_given_to_somebody_is_damaged() {
    if !rustix::process::geteuid().is_root() {
        return; // only root can give things away
    }
    for name in ["bin/detect", "bin", "link", "."] {
        let home = Home::new();
        let cache = home.cache();
        let path = tree(&cache).path().join(name);
        lchown(&path, Some(2000), None).unwrap();
        assert!(matches!(cache.find(&identity("a")).unwrap(), Lookup::Damaged(_)), "{name}");
    }
}

#[test]
fn a_damaged_package_is_noticed_and_goes() {
    for text in ["", "P", "PKPK"] {
        let home = Home::new();
        let cache = home.cache();
        let path = publish_package(&cache, "app", "PK").entry.path().to_owned();
        rewrite(&path, text);
        assert!(matches!(cache.find(&package("app")).unwrap(), Lookup::Damaged(_)), "{text:?}");
        assert!(matches!(cache.find(&package("app")).unwrap(), Lookup::Nothing), "{text:?}");
        assert!(!path.exists());
    }
}

#[test]
fn a_damaged_record_is_noticed_and_goes_with_its_tree() {
    fn edit(record: &Path, edit: impl Fn(&str) -> String) {
        let text = fs::read_to_string(record).unwrap();
        let edited = edit(&text);
        assert_ne!(edited, text);
        fs::write(record, edited).unwrap();
    }
    let kinds: [(&str, Break); 9] = [
        ("empty, as after a power cut", |record| edit(record, |_| String::new())),
        ("cut short", |record| edit(record, |text| text[..text.len() / 2].to_owned())),
        ("garbage", |record| fs::write(record, [0xff; 300]).unwrap()),
        ("no end", |record| edit(record, |text| text.to_owned() + &"x".repeat(3 << 20))),
        ("leads out", |record| {
            edit(record, |text| {
                let (before, after) = text.split_once("\"name\": \"").unwrap();
                format!("{before}\"name\": \"../../../../etc/../../xyz{}", &after[23..])
            });
        }),
        ("leads to nothing", |record| {
            edit(record, |text| {
                let (before, after) = text.split_once("\"name\": \"").unwrap();
                format!("{before}\"name\": \"0123456789abcdef0123456789abcdef{}", &after[32..])
            });
        }),
        ("another's", |record| edit(record, |text| text.replace("http://blobstore/a", "http://blobstore/b"))),
        ("of another kind", |record| edit(record, |text| text.replace("\"tree\"", "\"package\""))),
        ("a directory", |record| {
            fs::remove_file(record).unwrap();
            fs::create_dir(record).unwrap();
        }),
    ];
    for (what, damage) in kinds {
        let home = Home::new();
        let cache = home.cache();
        drop(tree(&cache));
        let record = home.root().join("index").join(format!("{}.json", identity("a").id()));
        damage(&record);
        let found = cache.find(&identity("a")).unwrap();
        assert!(matches!(found, Lookup::Damaged(_)), "{what}: {found:?}");
        assert!(matches!(cache.find(&identity("a")).unwrap(), Lookup::Nothing), "{what}");
        home.assert_tidy();
        assert_eq!(home.names("entries"), Vec::<String>::new(), "{what}");
        drop(publish(&cache, "a", "anew"));
        assert!(is_there(&cache, "a"), "{what}");
    }
}

#[test]
fn what_is_damaged_while_it_is_used_is_forgotten_and_goes_when_it_is_not() {
    let home = Home::new();
    let cache = home.cache();
    let used = tree(&cache);
    rewrite(&used.path().join("bin/detect"), "");
    assert!(matches!(cache.find(&identity("a")).unwrap(), Lookup::Damaged(_)));
    assert!(used.path().join("link").is_symlink(), "not under the feet of whoever uses it");
    drop(used);
    home.assert_tidy();
    assert_eq!(home.names("entries"), Vec::<String>::new());
}

#[test]
fn what_is_damaged_while_it_is_fetched_anew_is_left_to_whoever_does_that() {
    let home = Home::new();
    let cache = home.cache();
    drop(tree(&cache));
    let record = home.root().join("index").join(format!("{}.json", identity("a").id()));
    fs::write(&record, "garbage").unwrap();
    let claim = claim(&cache, &identity("a"));
    assert!(matches!(cache.find(&identity("a")).unwrap(), Lookup::Damaged(_)));
    assert!(record.exists());
    fs::write(claim.path().join("file"), "anew").unwrap();
    drop(claim.publish(Facts::default(), None).unwrap());
    assert_eq!(text_of(&found(&cache, &identity("a"))), "anew");
    home.assert_tidy();
}

#[test]
fn times_cut_to_whole_seconds_are_no_damage() {
    let home = Home::new();
    let cache = home.cache();
    let entry = tree(&cache);
    for name in ["bin/detect", "bin", "."] {
        let file = File::open(entry.path().join(name)).unwrap();
        let since = file.metadata().unwrap().modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
        let whole = std::time::UNIX_EPOCH + Duration::from_secs(since.as_secs());
        file.set_times(FileTimes::new().set_modified(whole)).unwrap();
    }
    drop(found(&cache, &identity("a")));
}
