//! A clock on the wall that goes back, was ahead for a while, or was never set: what was not used for the longest time
//! still goes first.
#![allow(clippy::disallowed_methods, reason = "tests look at times")]

use super::*;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::SystemTime;

const HOUR: i64 = 3600;
const YEAR: i64 = 365 * 24 * HOUR;

/// A clock that tests put forward and back: seconds since 1970.
#[derive(Clone)]
struct Wall(Arc<AtomicI64>);

impl Wall {
    fn at(seconds: i64) -> Self {
        Self(Arc::new(AtomicI64::new(seconds)))
    }

    fn put(&self, seconds: i64) {
        self.0.store(seconds, SeqCst);
    }

    fn go_on(&self, seconds: i64) {
        self.0.fetch_add(seconds, SeqCst);
    }

    /// A cache for `entries` small ones that asks this clock.
    fn cache(&self, home: &Home, entries: u64) -> Cache {
        let seconds = Arc::clone(&self.0);
        let clock = Clock::showing(move || time(seconds.load(SeqCst)));
        Cache { clock, ..home.bounded(entries * SMALL) }
    }
}

fn time(seconds: i64) -> SystemTime {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { SystemTime::UNIX_EPOCH - distance } else { SystemTime::UNIX_EPOCH + distance }
}

/// The keys that are there, the one last used first.
fn in_order(cache: &Cache) -> String {
    cache.list().unwrap().into_iter().map(|listed| listed.record.key).collect()
}

/// Publishes each of `keys`, a minute after the other.
fn publish_all(cache: &Cache, wall: &Wall, keys: &str) {
    for key in keys.chars() {
        wall.go_on(60);
        assert!(publish(cache, &key.to_string(), "x").warning.is_none());
    }
}

#[test]
fn a_clock_that_goes_back_by_hours_leaves_the_order_of_use() {
    let (home, wall) = (Home::new(), Wall::at(50 * YEAR));
    let cache = wall.cache(&home, 3);
    publish_all(&cache, &wall, "abc");
    wall.go_on(60);
    drop(found(&cache, &identity("a")));
    assert_eq!(in_order(&cache), "acb");
    wall.put(50 * YEAR - 5 * HOUR);
    for (key, there) in [("d", "dac"), ("e", "eda"), ("f", "fed"), ("g", "gfe")] {
        publish_all(&cache, &wall, key);
        assert_eq!(in_order(&cache), there);
    }
    home.assert_tidy();
}

#[test]
fn a_clock_that_was_years_ahead_for_a_while_leaves_the_order_of_use() {
    let (home, wall) = (Home::new(), Wall::at(50 * YEAR));
    let cache = wall.cache(&home, 3);
    publish_all(&cache, &wall, "ab");
    wall.put(90 * YEAR);
    publish_all(&cache, &wall, "c");
    assert_eq!(in_order(&cache), "cba");
    wall.put(50 * YEAR + HOUR);
    for (key, there) in [("d", "dcb"), ("e", "edc"), ("f", "fed")] {
        publish_all(&cache, &wall, key);
        assert_eq!(in_order(&cache), there);
    }
}

#[test]
fn before_1970_the_cache_works_as_ever() {
    let (home, wall) = (Home::new(), Wall::at(-HOUR));
    let cache = wall.cache(&home, 2);
    publish_all(&cache, &wall, "abc");
    assert_eq!(in_order(&cache), "cb");
    wall.go_on(60);
    assert_eq!(found(&cache, &identity("b")).record().fetched, 0, "there is no earlier second to tell");
    assert_eq!(in_order(&cache), "bc");
    wall.put(50 * YEAR);
    publish_all(&cache, &wall, "d");
    assert_eq!(in_order(&cache), "db");
    wall.put(-40 * YEAR);
    for (key, there) in [("e", "ed"), ("f", "fe")] {
        publish_all(&cache, &wall, key);
        assert_eq!(in_order(&cache), there);
    }
    home.assert_tidy();
}

#[test]
fn what_is_kept_says_when_it_was_fetched_by_the_clock_on_the_wall() {
    let (home, wall) = (Home::new(), Wall::at(1_466_017_043));
    let cache = wall.cache(&home, 1);
    drop(publish(&cache, "a", "x"));
    let listed = &cache.list().unwrap()[0];
    assert_eq!((listed.record.fetched, listed.used), (1_466_017_043, time(1_466_017_043)));
}
