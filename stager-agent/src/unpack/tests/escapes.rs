//! Whatever an archive holds, nothing outside of its directory changes.

use super::*;
use ::zip::ZipWriter;
use ::zip::write::SimpleFileOptions;
use proptest::prelude::*;
use std::io::{Cursor, Write};

#[test]
fn an_entry_that_would_leave_is_refused_by_name_and_nothing_outside_is_touched() {
    let target = Target::new();
    let before = target.outside();
    let absolute = format!("{}/evil", target.home.path().display());
    let cases: [&[Made]; 9] = [
        &[file("../evil", "x")],
        &[file("a/../../evil", "x")],
        &[file(&absolute, "x")],
        &[link(SYMLINK, "out", ".."), file("out/evil", "x")],
        &[link(SYMLINK, "out2", "/"), directory("out2/evil", 0o777)],
        &[link(SYMLINK, "d", ".."), directory("d/evil/", 0o777)],
        &[link(HARD_LINK, "evil", "../canary")],
        &[link(SYMLINK, "out3", ".."), link(HARD_LINK, "evil", "out3/canary")],
        &[link(SYMLINK, "out4", ".."), link(SYMLINK, "out4/evil", "x")],
    ];
    for entries in cases {
        let error = target.unpack(&tar_of(entries)).unwrap_err();
        let UnpackError::Escapes { entry, .. } = &error else { panic!("{error}") };
        assert!(entry.contains("evil") || entry.contains("canary"), "{error}");
        assert_eq!(target.outside(), before, "{error}");
    }
}

#[test]
fn a_symbolic_link_to_anywhere_may_exist() {
    let target = Target::new();
    target.unpack(&tar_of(&[link(SYMLINK, "passwd", "/etc/passwd"), link(SYMLINK, "up", "../..")])).unwrap();
    assert_eq!(fs::read_link(target.path("passwd")).unwrap(), Path::new("/etc/passwd"));
}

#[test]
fn a_link_that_was_there_before_is_not_followed_either() {
    let target = Target::new();
    std::os::unix::fs::symlink("..", target.path("old")).unwrap();
    let before = target.outside();
    let error = target.unpack(&tar_of(&[file("old/evil", "x")])).unwrap_err();
    assert_eq!(error.to_string(), "the entry \"old/evil\" would leave its directory (through a symbolic link)");
    assert_eq!(target.outside(), before);
}

#[test]
fn a_directory_takes_the_place_of_a_link() {
    let target = Target::new();
    let before = target.outside();
    target.unpack(&tar_of(&[link(SYMLINK, "d", ".."), directory("d", 0o755), file("d/a", "x")])).unwrap();
    assert_eq!((target.text("d/a").as_str(), target.outside()), ("x", before));
}

#[test]
fn a_link_swapped_in_after_its_directory_was_open_is_not_followed() {
    let target = Target::new();
    let before = target.outside();
    let entries = [directory("d", 0o755), link(SYMLINK, "d", ".."), file("d/evil", "x")];
    target.unpack(&tar_of(&entries)).unwrap_err();
    assert_eq!(target.outside(), before);
}

#[test]
fn a_name_too_deep_is_refused() {
    let deep = "d/".repeat(300);
    let mut pax = Vec::new();
    let mut builder = ::tar::Builder::new(&mut pax);
    let mut header = ::tar::Header::new_gnu();
    header.set_size(0);
    builder.append_data(&mut header, format!("{deep}x"), &[][..]).unwrap();
    builder.finish().unwrap();
    drop(builder);
    let error = Target::new().unpack(&pax).unwrap_err().to_string();
    assert!(error.ends_with("lies deeper than 256 directories"), "{error}");
}

fn name() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec!["a", "b", "..", ".", "", "up", "canary", "root", "inside"]);
    (any::<bool>(), prop::collection::vec(part, 1..5)).prop_map(|(absolute, parts)| {
        let name = parts.join("/");
        // Refusing at the first absolute name would keep the rest from being tried.
        if absolute && name.starts_with('a') { format!("/{name}") } else { name }
    })
}

fn aim() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["..", ".", "a", "../canary", "../..", "/", "a/../..", "b", "../inside/.."])
        .prop_map(str::to_owned)
}

fn entries() -> impl Strategy<Value = Vec<(u8, String, String, u32)>> {
    let kind = prop::sample::select(vec![b'0', b'1', b'2', b'2', b'5', b'3', b'6', b'7']);
    let mode = prop::sample::select(vec![0o777, 0o000, 0o4755, 0o555]);
    prop::collection::vec((kind, name(), aim(), mode), 1..12)
}

/// An archive with something of every kind in it: a tar, a tgz, a zip.
fn valid(form: usize) -> Vec<u8> {
    let entries = [
        directory("d", 0o500),
        file("d/a", "some text, some text, some text"),
        link(SYMLINK, "l", "../canary"),
        link(HARD_LINK, "h", "d/a"),
        Made { kind: b'L', name: "long", text: "long/name\0", ..Made::default() },
        file("a", "x"),
        Made { kind: b'x', name: "pax", text: "19 path=other/name\n", ..Made::default() },
        file("b", "y"),
    ];
    match form {
        0 => tar_of(&entries),
        1 => gzip(&tar_of(&entries)),
        _ => {
            let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
            zip.add_directory("d", SimpleFileOptions::default()).unwrap();
            zip.start_file("d/a", SimpleFileOptions::default()).unwrap();
            zip.write_all(b"some text, some text, some text").unwrap();
            zip.add_symlink("l", "../canary", SimpleFileOptions::default()).unwrap();
            zip.finish().unwrap().into_inner()
        }
    }
}

/// Gives every header of a tar its checksum, for otherwise that is all that damage to it shows.
fn with_checksums(archive: &mut [u8]) {
    for block in archive.chunks_exact_mut(512).filter(|block| block[257..262] == *b"ustar") {
        let mut header = ::tar::Header::new_old();
        header.as_mut_bytes().copy_from_slice(block);
        header.set_cksum();
        block.copy_from_slice(header.as_bytes());
    }
}

#[test]
fn what_is_damaged_in_the_tests_below_is_unpacked_when_it_is_whole() {
    for (form, names) in [(0, 5), (1, 5), (2, 2)] {
        let target = Target::new();
        target.unpack(&valid(form)).unwrap();
        assert_eq!(fs::read_dir(target.inside()).unwrap().count(), names);
    }
}

/// Unpacks entry after entry, so that a refused one does not protect what comes after it.
fn unpack_each(target: &Target, archives: impl Iterator<Item = Vec<u8>>) {
    for archive in archives {
        let _ = target.unpack(&archive);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_tar_leaves_its_directory(entries in entries()) {
        let target = Target::new();
        let before = target.outside();
        let made: Vec<Made> = entries
            .iter()
            .map(|(kind, name, link, mode)| Made { kind: *kind, name, link, mode: *mode, text: if *kind == b'0' { "evil" } else { "" } })
            .collect();
        let _ = target.unpack(&tar_of(&made));
        prop_assert_eq!(target.outside(), before.clone());
        unpack_each(&target, made.chunks(1).map(tar_of));
        prop_assert_eq!(target.outside(), before);
    }

    #[test]
    fn no_zip_leaves_its_directory(entries in entries()) {
        let target = Target::new();
        let before = target.outside();
        unpack_each(&target, entries.iter().map(|(kind, name, link, mode)| {
            let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
            let options = SimpleFileOptions::default().unix_permissions(*mode);
            let _ = match kind {
                b'2' => zip.add_symlink(name, link, options),
                b'5' => zip.add_directory(name, options),
                _ => zip.start_file(name, options).and_then(|()| Ok(zip.write_all(b"evil")?)),
            };
            zip.finish().unwrap().into_inner()
        }));
        prop_assert_eq!(target.outside(), before);
    }

    #[test]
    fn a_damaged_archive_is_survived(form in 0..3_usize, damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), cut in any::<prop::sample::Index>()) {
        let target = Target::new();
        let before = target.outside();
        let mut archive = valid(form);
        for (at, byte) in damage {
            let at = at.index(archive.len());
            archive[at] = byte;
        }
        if form == 0 {
            with_checksums(&mut archive);
        }
        let _ = target.unpack(&archive);
        prop_assert_eq!(target.outside(), before.clone());
        archive.truncate(cut.index(archive.len()));
        let _ = target.unpack(&archive);
        prop_assert_eq!(target.outside(), before);
    }

    #[test]
    fn noise_is_survived(mut noise in prop::collection::vec(any::<u8>(), 0..3000), form in 0..4_usize) {
        let heads: [&[u8]; 4] = [b"", &[0x1f, 0x8b, 8, 0], b"PK\x03\x04", &tar_of(&[file("a", "b")])[..512]];
        let head: &[u8] = heads[form];
        noise.splice(..head.len().min(noise.len()), head.iter().copied());
        let target = Target::new();
        let before = target.outside();
        let _ = target.unpack(&noise);
        prop_assert_eq!(target.outside(), before);
    }
}
