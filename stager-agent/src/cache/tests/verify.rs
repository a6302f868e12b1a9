//! Listing, verifying and clearing.
#![allow(clippy::disallowed_methods, reason = "tests do damage")]

use super::*;
use crate::cache::clear::Cleared;
use std::fs::{File, FileTimes};
use std::io::Write;

/// Changes a byte and nothing that a look could tell.
fn flip(file: &Path) {
    let time = fs::metadata(file).unwrap().modified().unwrap();
    let mut text = fs::read(file).unwrap();
    text[0] ^= 1;
    let mut file = File::create(file).unwrap();
    file.write_all(&text).unwrap();
    file.set_times(FileTimes::new().set_modified(time)).unwrap();
}

fn verify(cache: &Cache, key: Option<&str>) -> Vec<(String, Option<String>)> {
    let (stop, mut checked) = (Stop::default(), Vec::new());
    let scope = Scope::new(&Nobody, "STG", &stop);
    cache
        .verify(key, &scope, &mut |one| {
            let key = one.record.map_or("?".to_owned(), |record| record.key);
            checked.push((key, one.damage));
        })
        .unwrap();
    checked.sort();
    checked
}

#[test]
fn the_list_begins_with_what_was_used_last() {
    let home = Home::new();
    let cache = home.cache();
    for key in ["a", "b", "c"] {
        drop(publish(&cache, key, "x"));
        thread::sleep(Duration::from_millis(20));
    }
    drop(found(&cache, &identity("b")));
    let keys: Vec<String> = cache.list().unwrap().into_iter().map(|listed| listed.record.key).collect();
    assert_eq!(keys, ["b", "c", "a"]);
}

#[test]
fn a_changed_byte_is_found_by_reading_and_removed() {
    let home = Home::new();
    let cache = home.cache();
    for key in ["a", "b"] {
        drop(publish(&cache, key, "text"));
    }
    drop(publish_package(&cache, "app", "PK"));
    assert_eq!(verify(&cache, None), [("a".into(), None), ("app".into(), None), ("b".into(), None)]);
    flip(&found(&cache, &identity("a")).path().join("file"));
    flip(found(&cache, &package("app")).path());
    assert!(is_there(&cache, "a"), "a look does not tell");
    let changed = Some("bytes in it have changed".to_owned());
    assert_eq!(verify(&cache, Some("b")), [("b".into(), None)]);
    assert_eq!(verify(&cache, None), [("a".into(), changed.clone()), ("app".into(), changed), ("b".into(), None)]);
    assert_eq!(verify(&cache, None), [("b".into(), None)]);
    home.assert_tidy();
}

#[test]
fn what_cannot_be_read_is_named_by_verify_and_removed() {
    let home = Home::new();
    let cache = home.cache();
    drop(publish(&cache, "a", "x"));
    drop(publish(&cache, "b", "x"));
    fs::write(home.root().join("index").join(format!("{}.json", identity("a").id())), "{").unwrap();
    fs::remove_file(found(&cache, &identity("b")).path().join("file")).unwrap();
    let checked = verify(&cache, None);
    assert_eq!(checked.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["?", "b"]);
    assert!(checked.iter().all(|(_, damage)| damage.is_some()));
    assert_eq!(verify(&cache, None), []);
    home.assert_tidy();
}

#[test]
fn verifying_ends_when_it_is_stopped() {
    let home = Home::new();
    let cache = home.cache();
    drop(publish(&cache, "a", "x"));
    let stop = Stop::default();
    stop.ask(crate::session::scope::Stopped::Signal(2));
    let stopped = cache.verify(None, &Scope::new(&Nobody, "STG", &stop), &mut |_| panic!("nothing was verified"));
    assert!(matches!(stopped, Err(CacheError::Stopped(_))));
    assert!(is_there(&cache, "a"));
}

#[test]
fn clearing_removes_what_is_named_or_all_and_leaves_what_is_in_use() {
    let home = Home::new();
    let cache = home.cache();
    for key in ["a", "b", "c", "nodejs_v1", "nodejs_v2"] {
        drop(publish(&cache, key, "x"));
    }
    drop(publish_package(&cache, "app", "PK"));
    let clear = |key| -> Vec<(String, u64, Removal)> {
        let cleared = cache.clear(key).unwrap().into_iter();
        let mut cleared: Vec<_> = cleared
            .map(|it| (it.record.unwrap(), it.removal))
            .map(|(record, removal)| (record.key, record.bytes, removal))
            .collect();
        cleared.sort_by(|a, b| a.0.cmp(&b.0));
        cleared
    };
    for (word, said) in [
        ("none", "no cache entry has the key \"none\""),
        ("", "no cache entry has the key \"\""),
        ("nodejs_v", "2 keys begin with \"nodejs_v\": nodejs_v1, nodejs_v2"),
        ("nodejs", "no cache entry has the key \"nodejs\""),
    ] {
        assert_eq!(cache.clear(Some(word)).unwrap_err().to_string(), said);
    }
    assert_eq!(clear(Some("nodejs_v1")), [("nodejs_v1".into(), SMALL, Removal::Removed)]);
    assert_eq!(clear(Some("nodejs_v")), [("nodejs_v2".into(), SMALL, Removal::Removed)], "the start of a key");
    assert_eq!(clear(Some("a")), [("a".into(), SMALL, Removal::Removed)]);
    assert!(!is_there(&cache, "a") && is_there(&cache, "b"));
    assert_eq!(clear(Some("app")), [("app".into(), 4096, Removal::Removed)]);
    let used = found(&cache, &identity("b"));
    assert_eq!(clear(None), [("b".into(), SMALL, Removal::InUse), ("c".into(), SMALL, Removal::Removed)]);
    assert_eq!(text_of(&used), "x");
    drop(used);
    assert_eq!(clear(None), [("b".into(), SMALL, Removal::Removed)]);
    home.assert_tidy();
}

#[test]
fn clearing_all_clears_what_cannot_be_read_too() {
    let home = Home::new();
    let cache = home.cache();
    drop(publish(&cache, "a", "x"));
    fs::write(home.root().join("index").join(format!("{}.json", identity("a").id())), "{").unwrap();
    let cleared = cache.clear(None).unwrap();
    assert_eq!(cleared, [Cleared { record: None, removal: Removal::Removed }]);
    assert_eq!((home.names("index"), home.names("entries"), home.names("locks")), (vec![], vec![], vec![]));
}
