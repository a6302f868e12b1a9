//! Zips as packers on Unix and Windows write them, whole and damaged.

use super::*;
use ::zip::write::SimpleFileOptions;
use ::zip::{System, ZipWriter};
use std::io::{Cursor, Write};

fn zip_of(fill: impl FnOnce(&mut ZipWriter<Cursor<Vec<u8>>>)) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    fill(&mut writer);
    writer.finish().unwrap().into_inner()
}

fn add(writer: &mut ZipWriter<Cursor<Vec<u8>>>, name: &str, options: SimpleFileOptions, text: &str) {
    writer.start_file(name, options).unwrap();
    writer.write_all(text.as_bytes()).unwrap();
}

#[test]
fn what_the_zip_program_packs_comes_out_alike() {
    let original = TempDir::new().unwrap();
    let script = "umask 022; mkdir -p bin empty; echo run > bin/detect; chmod 755 bin/detect; ln -s bin/detect link
        ln -s /nowhere absolute; : > nothing; head -c 100000 /dev/zero > zeros; zip -qry ../$0 .";
    let name = format!("{}.zip", original.path().file_name().unwrap().to_string_lossy());
    run(original.path(), "sh", &["-c", script, &name]);
    let file = original.path().with_file_name(&name);
    let archive = fs::read(&file).unwrap();
    fs::remove_file(file).unwrap();
    let target = Target::new();
    let unpacked = target.unpack(&archive).unwrap();
    assert_eq!(listing(&target.inside()), listing(original.path()));
    assert!(!unpacked.backslashes && unpacked.entries == 7, "{unpacked:?}");
}

#[test]
fn a_zip_made_on_windows_has_its_directories_and_its_backslashes_understood() {
    let dos = SimpleFileOptions::default().system(System::Dos);
    let archive = zip_of(|zip| {
        add(zip, "bin\\", dos.external_attributes(0x10), "");
        add(zip, "bin\\run\\detect", dos, "run");
        add(zip, "read\\only", dos.external_attributes(1), "x");
        zip.add_directory("empty/", dos).unwrap();
    });
    let target = Target::new();
    assert!(target.unpack(&archive).unwrap().backslashes);
    let modes = ["bin", "bin/run", "bin/run/detect", "read/only", "empty"].map(|name| target.mode(name));
    assert_eq!(modes, [0o755, 0o755, 0o644, 0o444, 0o755]);

    for name in ["..\\evil", "\\evil", "C:\\evil", "c:/evil", "C:evil"] {
        let error = Target::new().unpack(&zip_of(|zip| add(zip, name, dos, "x"))).unwrap_err();
        assert!(matches!(error, UnpackError::Escapes { .. }), "{error}");
    }
}

#[test]
fn a_name_with_backslashes_in_one_header_and_slashes_in_the_other_is_one_name() {
    let dos = SimpleFileOptions::default().system(System::Dos);
    let whole = zip_of(|zip| add(zip, "sub\\page.html", dos, "page"));
    let places: Vec<usize> = (0..whole.len()).filter(|at| whole[*at..].starts_with(b"sub\\page.html")).collect();
    let [local, central] = places[..] else { panic!("two names") };
    for (changed, backslashes) in [(local, true), (central, false)] {
        let mut archive = whole.clone();
        archive[changed + 3] = b'/';
        let target = Target::new();
        assert_eq!(target.unpack(&archive).unwrap().backslashes, backslashes);
        assert_eq!(target.text("sub/page.html"), "page");
    }
    for evil in [b"..\\/page.html", b"../\\page.html", b"\\..\\page.html", b"a/..\\..\\x.htm"] {
        let mut archive = whole.clone();
        archive[local..local + evil.len()].copy_from_slice(evil);
        archive[central..central + evil.len()].copy_from_slice(evil);
        let swap = |byte: &u8| if *byte == b'/' { b'\\' } else { *byte };
        let mirrored: Vec<u8> = evil.iter().map(swap).collect();
        archive[local..local + evil.len()].copy_from_slice(&mirrored);
        let error = Target::new().unpack(&archive).unwrap_err();
        assert!(matches!(error, UnpackError::Escapes { .. }), "{error}");
    }
}

#[test]
fn a_jar_with_a_script_in_front_is_unpacked_wherever_its_offsets_count_from() {
    let jar = zip_of(|zip| {
        for (name, text) in [("META-INF/MANIFEST.MF", "Manifest-Version: 1.0"), ("a/Main.class", "class")] {
            add(zip, name, SimpleFileOptions::default(), text);
        }
    });
    let script = b"#!/bin/sh\nexec java -jar \"$0\" \"$@\"\n";
    let from_the_zip = [&script[..], &jar].concat();
    let mut from_the_file = from_the_zip.clone();
    let by = u32::try_from(script.len()).unwrap();
    let mut add = |at: usize| {
        let number = u32::from_le_bytes(from_the_file[at..at + 4].try_into().unwrap());
        from_the_file[at..at + 4].copy_from_slice(&(number + by).to_le_bytes());
    };
    for at in (script.len()..from_the_zip.len()).filter(|at| from_the_zip[*at..].starts_with(b"PK\x01\x02")) {
        add(at + 42);
    }
    add(from_the_zip.len() - 6);
    for archive in [&from_the_zip, &from_the_file] {
        let target = Target::new();
        assert_eq!(target.unpack(archive).unwrap().entries, 2);
        assert_eq!(
            [target.text("META-INF/MANIFEST.MF"), target.text("a/Main.class")],
            ["Manifest-Version: 1.0", "class"]
        );
    }
    // Something between the directory and its end: from where its offsets count, cannot be told.
    let between = [&from_the_file[..from_the_file.len() - 22], b"between", &from_the_file[from_the_file.len() - 22..]];
    let odd = crate::causes::with_causes(&Target::new().unpack(&between.concat()).unwrap_err());
    assert_eq!(odd, "the archive is damaged: its directory is not where it should be");
    let error = Target::new().unpack(script).unwrap_err().to_string();
    assert_eq!(error, "this is not a tar, tgz or zip archive: it looks like a script");
    let cut = Target::new().unpack(&from_the_zip[..from_the_zip.len() - 30]).unwrap_err().to_string();
    assert_eq!(cut, "this is not a tar, tgz or zip archive: it looks like a script");
}

#[test]
fn directories_that_a_packer_on_windows_made_like_files_can_be_entered() {
    let unix = SimpleFileOptions::default().system(System::Unix);
    for (packed, expected) in [(0o666, 0o755), (0o644, 0o755), (0o600, 0o700), (0o500, 0o700)] {
        let archive = zip_of(|zip| {
            zip.add_directory("public/", unix.unix_permissions(packed)).unwrap();
            add(zip, "public/a.css", unix.unix_permissions(0o666), "a");
        });
        let target = Target::new();
        target.unpack(&archive).unwrap();
        assert_eq!([target.mode("public"), target.mode("public/a.css")], [expected, 0o644], "{packed:o}");
    }
}

#[test]
fn a_backslash_in_a_unix_name_stays() {
    let unix = SimpleFileOptions::default().system(System::Unix);
    let target = Target::new();
    let unpacked = target.unpack(&zip_of(|zip| add(zip, "dev\\x2ddisk.mount", unix, "x"))).unwrap();
    assert!(!unpacked.backslashes);
    assert_eq!(target.text("dev\\x2ddisk.mount"), "x");
}

#[test]
fn a_zip_without_entries_is_unpacked_to_nothing() {
    assert_eq!(Target::new().unpack(&zip_of(|_| ())).unwrap().entries, 0);
}

#[test]
fn damage_is_noticed_and_says_where() {
    let stored = SimpleFileOptions::default().compression_method(::zip::CompressionMethod::Stored);
    let whole = zip_of(|zip| add(zip, "hello", stored, "contents"));
    let at = whole.windows(8).position(|part| part == b"contents").unwrap();
    let mut changed = whole.clone();
    changed[at] ^= 1;
    for (archive, place) in [(&changed[..], Some("hello")), (&whole[..whole.len() - 10], None)] {
        let error = Target::new().unpack(archive).unwrap_err();
        let UnpackError::Corrupt { entry, .. } = &error else { panic!("{error}") };
        assert_eq!(entry.as_deref(), place);
    }
}

#[test]
fn an_encrypted_entry_is_named() {
    let mut archive = zip_of(|zip| add(zip, "hello", SimpleFileOptions::default(), "contents"));
    let central = archive.windows(4).position(|part| part == b"PK\x01\x02").unwrap();
    archive[6] |= 1; // the flag in the local header
    archive[central + 8] |= 1;
    let error = Target::new().unpack(&archive).unwrap_err().to_string();
    assert_eq!(error, "the entry \"hello\" is encrypted");
}
