//! What is said of the files' bytes is what reading them would say.
#![allow(clippy::disallowed_methods, reason = "tests run the real zip")]

use super::*;
use crate::tree_digest::Digest;

/// What was gathered on the way, and what reading the tree gives.
fn gathered_and_read(archive: &[u8]) -> (Option<Digest>, Digest) {
    let target = Target::new();
    let unpacked = target.unpack(archive).unwrap();
    (unpacked.contents, Digest::of_files(&target.inside(), &|| Ok(())).unwrap())
}

#[test]
fn what_is_gathered_while_unpacking_is_what_reading_gives() {
    let large = "x".repeat(1 << 20);
    let tar = tar_of(&[
        directory("d/", 0o755),
        file("./d/a", "one"),
        file("b", ""),
        link(SYMLINK, "c", "b"),
        file("e", &large),
    ]);
    let home = TempDir::new().unwrap();
    fs::create_dir(home.path().join("d")).unwrap();
    fs::write(home.path().join("d/a"), &large).unwrap();
    fs::write(home.path().join("b"), "two").unwrap();
    let zip = run(home.path(), "zip", &["-qr", "-", "."]);
    for (form, archive) in [("tar", &tar), ("tgz", &gzip(&tar)), ("zip", &zip)] {
        let (gathered, read) = gathered_and_read(archive);
        assert_eq!(gathered, Some(read), "{form}");
        assert_ne!(read, Digest::default(), "{form}");
    }
}

#[test]
fn an_entry_in_the_place_of_another_is_not_guessed_at() {
    for (what, entries) in [
        ("file for file", vec![file("a", "one"), file("a", "two")]),
        ("link for file", vec![file("a", "one"), link(SYMLINK, "a", "b")]),
        ("directory for file", vec![file("a", "one"), directory("a", 0o755)]),
        ("two names", vec![file("a", "one"), link(HARD_LINK, "b", "a")]),
    ] {
        assert_eq!(gathered_and_read(&tar_of(&entries)).0, None, "{what}");
    }
}
