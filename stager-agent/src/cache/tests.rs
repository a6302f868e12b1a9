#![allow(clippy::disallowed_methods, reason = "tests look at real directories")]

use super::*;
use crate::scope::Stop;
use shared_model::event::{Event, EventSink};
use shared_model::safe_url::SafeUrl;
use std::fs;
use tempfile::TempDir;

struct Nobody;
impl EventSink for Nobody {
    fn emit(&self, _: Event) {}
}

fn identity(key: &str) -> Identity {
    Identity::new(key, &SafeUrl::new(format!("http://blobstore/{key}"))).unwrap()
}

fn publish(cache: &Cache, identity: &Identity, text: &str) -> Entry {
    let stop = Stop::default();
    let claim = cache.claim(identity, &Scope::new(&Nobody, "STG", &stop)).unwrap();
    fs::write(claim.path().join("file"), text).unwrap();
    claim.publish(Facts::default(), None).unwrap().entry
}

#[test]
fn what_was_published_is_found() {
    let home = TempDir::new().unwrap();
    let cache = Cache::open(&home.path().join("cache"), 1 << 30).unwrap();
    assert!(matches!(cache.find(&identity("a")).unwrap(), Found::Nothing));
    let entry = publish(&cache, &identity("a"), "hello");
    assert_eq!(fs::read_to_string(entry.path().join("file")).unwrap(), "hello");
    let Found::Entry(found) = cache.find(&identity("a")).unwrap() else { panic!() };
    assert_eq!(found.path(), entry.path());
    assert!(matches!(cache.find(&identity("b")).unwrap(), Found::Nothing));
}
