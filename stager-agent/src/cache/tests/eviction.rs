//! The limit: who goes, who stays.
#![allow(clippy::disallowed_methods, reason = "tests set times and mount a small disk")]

use super::*;
use std::fs::{File, FileTimes};
use std::process::Command;
use std::time::SystemTime;

fn used_at(home: &Home, key: &str, when: SystemTime) {
    let record = home.root().join("index").join(format!("{}.json", identity(key).id()));
    File::options().write(true).open(record).unwrap().set_times(FileTimes::new().set_modified(when)).unwrap();
}

fn hours_ago(hours: u64) -> SystemTime {
    SystemTime::now() - Duration::from_secs(hours * 3600)
}

fn there(cache: &Cache) -> Vec<String> {
    let mut keys: Vec<String> = cache.list().unwrap().into_iter().map(|listed| listed.record.key).collect();
    keys.sort();
    keys
}

#[test]
fn what_was_not_used_for_the_longest_time_goes_first() {
    let home = Home::new();
    let cache = home.bounded(3 * SMALL);
    for (key, hours) in [("a", 3), ("b", 9), ("c", 6)] {
        drop(publish(&cache, key, "x"));
        used_at(&home, key, hours_ago(hours));
    }
    assert_eq!(there(&cache), ["a", "b", "c"], "three are just within the limit");
    drop(publish(&cache, "d", "x"));
    assert_eq!(there(&cache), ["a", "c", "d"]);
    drop(found(&cache, &identity("c")));
    drop(publish(&cache, "e", "x"));
    assert_eq!(there(&cache), ["c", "d", "e"], "c has been used since");
    home.assert_tidy();
}

#[test]
fn what_is_in_use_stays_and_goes_with_the_next_publishing() {
    let home = Home::new();
    let cache = home.bounded(SMALL);
    let used = publish(&cache, "a", "x").entry;
    used_at(&home, "a", hours_ago(5));
    let also_used = publish(&cache, "b", "x").entry;
    assert_eq!(there(&cache), ["a", "b"]);
    assert_eq!(text_of(&used), "x");
    drop((used, also_used));
    drop(publish(&cache, "c", "x"));
    assert_eq!(there(&cache), ["c"]);
}

#[test]
fn packages_count_too() {
    let home = Home::new();
    let cache = home.bounded(SMALL + 4096);
    drop(publish_package(&cache, "app", "PK"));
    let record = home.root().join("index").join(format!("{}.json", package("app").id()));
    let times = FileTimes::new().set_modified(hours_ago(1));
    File::options().write(true).open(record).unwrap().set_times(times).unwrap();
    drop(publish(&cache, "a", "x"));
    assert_eq!(there(&cache), ["a", "app"]);
    drop(publish(&cache, "b", "x"));
    assert_eq!(there(&cache), ["b"]);
    home.assert_tidy();
}

#[test]
fn a_time_in_the_future_holds_an_entry_no_longer_than_any_other() {
    let home = Home::new();
    let cache = home.bounded(2 * SMALL);
    drop(publish(&cache, "a", "x"));
    used_at(&home, "a", SystemTime::now() + Duration::from_secs(365 * 24 * 3600));
    for key in ["b", "c", "d", "e"] {
        drop(publish(&cache, key, "x"));
        thread::sleep(Duration::from_millis(20)); // more than a tick of the file system's clock
    }
    assert_eq!(there(&cache), ["d", "e"]);
}

#[test]
fn what_is_larger_than_the_limit_serves_once_and_evicts_nobody() {
    let home = Home::new();
    let cache = home.bounded(2 * SMALL);
    drop(publish(&cache, "a", "x"));
    let large = publish(&cache, "b", &"x".repeat(20_000));
    let warning = large.warning.unwrap().to_string();
    assert_eq!(warning, "it is too large for the cache: it takes 24 KiB, and the cache's limit is 16 KiB");
    assert!(!large.entry.is_kept());
    assert_eq!((text_of(&large.entry).len(), there(&cache)), (20_000, vec!["a".to_owned()]));
    drop(home.cache());
    assert_eq!(text_of(&large.entry).len(), 20_000, "opening the cache does not take it away");
    drop(large.entry);
    home.assert_tidy();
    assert_eq!(home.names("entries").len(), 1);
}

#[test]
fn a_record_that_lies_about_its_size_breaks_nothing() {
    let home = Home::new();
    let cache = home.bounded(2 * SMALL);
    for key in ["a", "b"] {
        drop(publish(&cache, key, "x"));
        let record = home.root().join("index").join(format!("{}.json", identity(key).id()));
        let text = fs::read_to_string(&record).unwrap();
        let lie = text.replace(&format!("\"bytes\": {SMALL}"), &format!("\"bytes\": {}", u64::MAX));
        assert_ne!(lie, text);
        fs::write(&record, lie).unwrap();
        used_at(&home, key, hours_ago(1));
    }
    drop(publish(&cache, "c", "x"));
    assert_eq!(there(&cache), ["c"]);
}

#[test]
fn bytes_are_about_what_du_says() {
    let home = Home::new();
    let cache = home.cache();
    let claim = claim(&cache, &identity("a"));
    for number in 0..50_usize {
        let folder = claim.path().join(format!("d{}", number % 7));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(number.to_string()), vec![b'x'; number * 1000]).unwrap();
    }
    for name in ["one", "more", "name", "and", "again"] {
        fs::hard_link(claim.path().join("d0/49"), claim.path().join(name)).unwrap();
    }
    std::os::unix::fs::symlink("d0", claim.path().join("link")).unwrap();
    let entry = claim.publish(Facts::default(), None).unwrap().entry;
    let du = || -> u64 {
        let du = Command::new("du").arg("-s").arg("-B1").arg(entry.path()).output().unwrap();
        String::from_utf8(du.stdout).unwrap().split_whitespace().next().unwrap().parse().unwrap()
    };
    let bytes = entry.record().bytes;
    // A disk may count what it is just writing down twice, or not at all.
    let counted: Vec<u64> = (0..50)
        .map(|_| du())
        .inspect(|_| thread::sleep(Duration::from_millis(1)))
        .take_while(|du| bytes.abs_diff(*du) * 10 >= *du)
        .collect();
    assert!(counted.len() < 50, "{bytes} here, {counted:?} there");
}
