//! Streams out of a container that hold the one file that was asked for, something else, or no end.

use super::super::samples::Sample;
use super::*;

fn error(tar: &[u8]) -> String {
    single_file(tar, "droplet", 1000).unwrap_err().to_string()
}

#[test]
fn the_one_file_that_was_asked_for_is_taken() {
    let tar = Sample::new().file("droplet", &[5; 1000], 0o600).tar();
    let mut content = Vec::new();
    single_file(&*tar, "droplet", 1000).unwrap().read_to_end(&mut content).unwrap();
    assert_eq!(content, [5; 1000]);
}

#[test]
fn anything_else_is_refused() {
    let with = |kind, path, target| error(&Sample::new().link(kind, path, target).tar());
    assert!(with(EntryType::Symlink, "droplet", "/etc/shadow").contains("not a regular file"));
    assert!(with(EntryType::Link, "droplet", "/etc/shadow").contains("not a regular file"));
    assert!(with(EntryType::Directory, "droplet", "").contains("not a regular file"));
    assert!(with(EntryType::Char, "droplet", "").contains("not a regular file"));
    assert!(with(EntryType::Fifo, "droplet", "").contains("not a regular file"));
    for path in ["other", "../droplet", "/droplet", "./droplet", "x/droplet", "droplet/", "DROPLET", "\u{1b}[2J"] {
        let text = with(EntryType::Regular, path, "");
        assert!(text.contains("another entry") && !text.contains('\u{1b}'), "{path}: {text}");
    }
    let two = Sample::new().file("droplet", b"a", 0o600).file("droplet", b"b", 0o600).tar();
    assert!(error(&two).contains("a second entry"));
    let more = Sample::new().file("droplet", b"a", 0o600).file("more", b"b", 0o600).tar();
    assert!(error(&more).contains("another entry"));
    assert!(error(&Sample::new().file("droplet", &[5; 1001], 0o600).tar()).contains("1001 bytes, more than the 1000"));
    assert_eq!(error(&Sample::new().tar()), "the container gave nothing for `droplet`");
    assert_eq!(error(b""), "the container gave nothing for `droplet`");
}

#[test]
fn a_stream_that_breaks_off_gives_no_file() {
    let tar = Sample::new().file("droplet", &[5; 1000], 0o600).tar();
    for end in [1, 511, 512, 700, 1511] {
        assert!(error(&tar[..end]).contains("cannot be taken out") || end == 512, "{end}: {}", error(&tar[..end]));
        assert!(single_file(&tar[..end], "droplet", 1000).is_err(), "{end}");
    }
}

#[test]
fn no_room_for_it_is_not_the_containers_fault() {
    let no_room = CopiedFileError::Spool { name: "droplet".to_owned(), reason: "no space".to_owned() };
    assert!(no_room.advice().contains("TMPDIR"));
    let tar = Sample::new().file("droplet", &[5; 1000], 0o600).tar();
    assert!(single_file(&tar[..700], "droplet", 1000).unwrap_err().advice().contains("engine"));
    assert!(single_file(&*tar, "droplet", 10).unwrap_err().advice().contains("--keep"));
}

#[test]
fn a_stream_without_end_is_not_read_for_ever() {
    let endless = Sample::new().file("droplet", b"a", 0o600).tar();
    let _ = single_file(endless.chain(io::repeat(0)), "droplet", 1000);
}
