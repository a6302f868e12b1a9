//! The cache with real directories, real processes and real signals.
#![allow(clippy::disallowed_methods, reason = "tests look at real directories")]

mod baked;
mod clock;
mod damage;
mod eviction;
mod gc;
mod layout;
mod processes;
mod rights;
mod verify;
mod views;

use super::claim::Published;
use super::identity::EntryKind;
use super::index::Index;
use super::layout::names_in;
use super::*;
use crate::clock::Clock;
use crate::session::scope::{Scope, Stop};
use crate::tree_digest::walk;
use shared_model::event::{Event, EventSink};
use shared_model::safe_url::SafeUrl;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

struct Nobody;
impl EventSink for Nobody {
    fn emit(&self, _: Event) {}
}

/// What one entry with a short file takes: a directory and a file.
const SMALL: u64 = 2 * 4096;
/// More than any test keeps.
const PLENTY: u64 = 1 << 30;

/// A cache in a directory of its own.
struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn cache(&self) -> Cache {
        self.bounded(PLENTY)
    }

    fn bounded(&self, limit: u64) -> Cache {
        Cache::open_own(&self.root(), limit).unwrap()
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let mut names = names_in(&self.root().join(folder)).unwrap();
        names.retain(|name| name != "." && name != "..");
        names.sort();
        names
    }

    /// Nothing lies about but what the index leads to.
    fn assert_tidy(&self) {
        let all = Index::new(&self.cache().layout).all().unwrap();
        let kept = |kind| {
            let records = all.iter().map(|indexed| indexed.record.as_ref().unwrap());
            let mut names: Vec<_> =
                records.filter(|it| it.kind == kind).map(|it| it.name.as_str().to_owned()).collect();
            names.sort();
            names
        };
        assert_eq!(self.names("entries"), kept(EntryKind::Tree));
        assert_eq!(self.names("packages"), kept(EntryKind::Package));
        let mut views: Vec<_> = manifest::all(&self.cache().layout).unwrap();
        views.sort_by(|one, other| one.name.cmp(&other.name));
        let names: Vec<_> = views.iter().map(|view| view.name.as_str().to_owned()).collect();
        assert_eq!((self.names("views"), self.names("index").len()), (names.clone(), all.len() + views.len()));
        let is_kept = |name: &String| [kept(EntryKind::Tree), kept(EntryKind::Package)].concat().contains(name);
        let mut shown = views.iter().flat_map(|view| view.manifest.trees()).map(|(_, entry)| entry.as_str().to_owned());
        assert!(shown.all(|entry| is_kept(&entry)), "a view of an entry that is gone");
        let stray: Vec<_> =
            self.names("locks").into_iter().filter(|lock| !is_kept(lock) && !names.contains(lock)).collect();
        assert_eq!(stray, Vec::<String>::new());
    }
}

fn identity(key: &str) -> Identity {
    Identity::new(EntryKind::Tree, key, &SafeUrl::new(format!("http://blobstore/{key}"))).unwrap()
}

fn package(app: &str) -> Identity {
    Identity::new(EntryKind::Package, app, &SafeUrl::new(format!("http://blobstore/{app}"))).unwrap()
}

fn claim<'c>(cache: &'c Cache, identity: &Identity) -> Claim<'c> {
    let stop = Stop::default();
    cache.claim(identity, &Scope::new(&Nobody, "STG", &stop)).unwrap()
}

fn publish(cache: &Cache, key: &str, text: &str) -> Published {
    let claim = claim(cache, &identity(key));
    fs::write(claim.path().join("file"), text).unwrap();
    claim.publish(Facts::default(), None).unwrap()
}

fn publish_package(cache: &Cache, app: &str, text: &str) -> Published {
    let claim = claim(cache, &package(app));
    std::io::Write::write_all(&mut claim.file().unwrap(), text.as_bytes()).unwrap();
    let file = crate::tree_digest::sha256_of(claim.path(), &|| Ok(())).unwrap();
    claim.publish(Facts { sha256: file, app: Some(app.to_owned()), ..Facts::default() }, None).unwrap()
}

/// The entry of `key`, which is there and whole.
fn found(cache: &Cache, identity: &Identity) -> Box<CacheEntry> {
    match cache.find(identity).unwrap() {
        Lookup::Found(entry) => entry,
        other => panic!("{} should be there: {other:?}", identity.key),
    }
}

fn is_there(cache: &Cache, key: &str) -> bool {
    matches!(cache.find(&identity(key)).unwrap(), Lookup::Found(_))
}

fn text_of(entry: &CacheEntry) -> String {
    fs::read_to_string(entry.path().join("file")).unwrap()
}

#[test]
fn what_was_published_is_found() {
    let home = Home::new();
    let cache = home.cache();
    assert!(!is_there(&cache, "a"));
    let published = publish(&cache, "a", "hello");
    assert!(published.warning.is_none() && published.entry.is_kept());
    let entry = found(&cache, &identity("a"));
    assert_eq!((entry.path(), text_of(&entry).as_str()), (published.entry.path(), "hello"));
    assert_eq!(entry.record(), published.entry.record());
    assert!(!is_there(&cache, "b"));
    home.assert_tidy();
}

#[test]
fn a_package_is_kept_as_it_came() {
    let home = Home::new();
    let cache = home.cache();
    let published = publish_package(&cache, "18c5", "PK");
    assert_eq!(fs::read_to_string(found(&cache, &package("18c5")).path()).unwrap(), "PK");
    assert_eq!(published.entry.record().bytes, 4096);
    assert!(!is_there(&cache, "18c5"), "it is no dependency");
    home.assert_tidy();
}

#[test]
fn the_same_key_from_another_place_is_another_entry() {
    let home = Home::new();
    let cache = home.cache();
    drop(publish(&cache, "lifecycle", "ours"));
    let theirs = Identity::new(EntryKind::Tree, "lifecycle", &SafeUrl::new("http://elsewhere/lifecycle")).unwrap();
    assert!(matches!(cache.find(&theirs).unwrap(), Lookup::Nothing));
    let claim = claim(&cache, &theirs);
    fs::write(claim.path().join("file"), "theirs").unwrap();
    drop(claim.publish(Facts::default(), None).unwrap());
    assert_eq!(text_of(&found(&cache, &identity("lifecycle"))), "ours");
    assert_eq!(text_of(&found(&cache, &theirs)), "theirs");
}

#[test]
fn a_claim_that_comes_to_nothing_leaves_nothing() {
    let home = Home::new();
    let cache = home.cache();
    let given_up = claim(&cache, &identity("a"));
    fs::create_dir_all(given_up.path().join("half/a/tree")).unwrap();
    drop(given_up);
    assert_eq!((home.names("entries"), home.names("locks")), (vec![], vec![]));
    drop(publish(&cache, "a", "whole"));
    assert!(is_there(&cache, "a"));
}

#[test]
fn a_replaced_entry_stays_while_somebody_uses_it() {
    let home = Home::new();
    let cache = home.cache();
    drop(publish(&cache, "a", "old"));
    let old = found(&cache, &identity("a"));
    let new = publish(&cache, "a", "new").entry;
    assert_eq!((text_of(&old).as_str(), text_of(&new).as_str()), ("old", "new"));
    assert_eq!(text_of(&found(&cache, &identity("a"))), "new");
    drop(home.cache());
    assert_eq!(text_of(&old), "old", "opening the cache removes only what nobody uses");
    drop(old);
    home.assert_tidy();
}

#[test]
fn an_entry_that_is_just_replaced_is_neither_taken_for_damaged_nor_for_rubbish() {
    let home = Home::new();
    let cache = home.cache();
    drop(publish(&cache, "a", "x"));
    let done = AtomicBool::new(false);
    thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                while !done.load(SeqCst) {
                    assert_eq!(text_of(&found(&cache, &identity("a"))), "x");
                }
            });
        }
        threads.spawn(|| {
            while !done.load(SeqCst) {
                drop(home.cache()); // removes garbage
            }
        });
        for _ in 0..150 {
            drop(publish(&cache, "a", "x"));
        }
        done.store(true, SeqCst);
    });
    home.assert_tidy();
}

#[test]
fn a_replaced_entry_that_nobody_uses_goes_at_once() {
    let home = Home::new();
    let cache = home.cache();
    drop(publish(&cache, "a", "old"));
    drop(publish(&cache, "a", "new"));
    assert_eq!(home.names("entries").len(), 1);
}
