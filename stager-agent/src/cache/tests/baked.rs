//! A cache that an image holds is read, and never written to.
#![allow(clippy::disallowed_methods, reason = "tests make directories")]

use super::*;
use std::os::unix::fs::MetadataExt;

fn everything(root: &Path) -> Vec<(Vec<u8>, u64, i64, i64)> {
    let mut all = Vec::new();
    walk(root, &mut |item| {
        let status = item.status;
        all.push((item.path.to_vec(), status.st_ino, status.st_ctime, status.st_size));
        Ok(())
    })
    .unwrap();
    all.sort();
    all
}

#[test]
fn entries_are_found_and_nothing_is_written() {
    if !rustix::process::geteuid().is_root() {
        return; // only root may read one
    }
    let home = Home::new();
    drop(publish(&home.cache(), "a", "x"));
    drop(publish(&home.cache(), "b", "x"));
    fs::remove_file(found(&home.cache(), &identity("b")).path().join("file")).unwrap();
    fs::remove_dir_all(home.root().join("locks")).unwrap();
    let before = everything(&home.root());
    let baked = Baked::open(&home.root()).unwrap().unwrap();
    let Lookup::Found(entry) = baked.find(&identity("a")).unwrap() else { panic!("it should be there") };
    assert_eq!(text_of(&entry), "x");
    drop(entry);
    for _ in 0..2 {
        assert!(matches!(baked.find(&identity("b")).unwrap(), Lookup::Damaged(_)));
    }
    assert!(matches!(baked.find(&identity("c")).unwrap(), Lookup::Nothing));
    assert_eq!(everything(&home.root()), before);
    assert_eq!(fs::metadata(home.root()).unwrap().mode() & 0o777, 0o711);
}

#[test]
fn where_there_is_none_there_is_none_and_a_newer_one_is_refused() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let home = Home::new();
    assert!(Baked::open(&home.root()).unwrap().is_none());
    fs::create_dir(home.root()).unwrap();
    assert!(Baked::open(&home.root()).unwrap().is_none());
    fs::write(home.root().join("format"), "7").unwrap();
    assert!(matches!(Baked::open(&home.root()), Err(CacheError::TooNew { format: 7, .. })));
}
