//! Tars in every form that packers write, and what becomes of modes, owners, and what is there already.

use super::*;

/// A directory with one of each, as a packer would find it.
fn original() -> TempDir {
    let folder = TempDir::new().unwrap();
    let long = format!("{}/{}", "d".repeat(90), "f".repeat(120));
    let script = "umask 022; mkdir -p bin empty deep/er $(dirname $0); echo run > bin/detect; chmod 755 bin/detect
        echo deep > deep/er/file; chmod 600 deep/er/file; ln -s ../bin/detect deep/link; ln -s /nowhere absolute
        ln bin/detect hard; echo long > $0; chmod 555 deep/er; : > nothing; head -c 300000 /dev/urandom > big";
    run(folder.path(), "sh", &["-c", script, &long]);
    folder
}

#[test]
fn every_form_that_tar_writes_comes_out_alike() {
    let original = original();
    for form in ["gnu", "oldgnu", "posix"] {
        let archive = run(original.path(), "tar", &["-c", "--format", form, "."]);
        for archive in [gzip(&archive), archive] {
            let target = Target::new();
            target.unpack(&archive).unwrap();
            assert_eq!(listing(&target.inside()), listing(original.path()), "{form}");
        }
    }
    for form in ["ustar", "v7"] {
        let archive = run(original.path(), "tar", &["-c", "--format", form, "bin", "deep", "hard"]);
        let target = Target::new();
        target.unpack(&archive).unwrap();
        assert_eq!(target.text("hard"), "run\n");
        assert_eq!(target.mode("deep/er"), 0o555);
    }
}

#[test]
fn the_holes_of_sparse_files_are_filled_with_zeros() {
    let folder = TempDir::new().unwrap();
    // The oldest form has room for 4 pieces in the header and for 21 in each block after it.
    let script = "truncate -s 1M hole; cp hole end; printf end >> end; printf begin > begin; truncate -s 70000 begin
        for n in $(seq 60); do printf piece$n | dd of=many bs=8k seek=$n conv=notrunc status=none; done
        truncate -s 2M many; printf dense > none; : > nothing";
    run(folder.path(), "sh", &["-c", script]);
    for form in ["gnu", "posix --sparse-version=0.0", "posix --sparse-version=0.1", "posix --sparse-version=1.0"] {
        let command = format!("tar -cS --format={form} *");
        let archive = run(folder.path(), "sh", &["-c", &command]);
        assert!(archive.len() < 1 << 20, "{form} has no holes");
        for archive in [gzip(&archive), archive] {
            let target = Target::new();
            target.unpack(&archive).unwrap();
            assert_eq!(listing(&target.inside()), listing(folder.path()), "{form}");
        }
    }
}

#[test]
fn several_gzip_members_are_one_archive() {
    let archive = tar_of(&[file("a", "first"), file("b", "second")]);
    let (one, two) = archive.split_at(700);
    let target = Target::new();
    target.unpack(&[gzip(one), gzip(two)].concat()).unwrap();
    assert_eq!(target.text("b"), "second");
}

#[test]
fn set_user_id_and_writing_for_all_are_taken_away() {
    let target = Target::new();
    let modes = [("setuid", 0o6755), ("all", 0o666), ("private", 0o600)];
    let files: Vec<Made> = modes.iter().map(|(name, mode)| Made { mode: *mode, ..file(name, "x") }).collect();
    target.unpack(&tar_of(&files)).unwrap();
    target.unpack(&tar_of(&[directory("sticky/", 0o1777), file("implicit/x", "x")])).unwrap();
    let seen = ["setuid", "all", "private", "sticky", "implicit"].map(|name| target.mode(name));
    assert_eq!(seen, [0o755, 0o644, 0o600, 0o755, 0o755]);
}

#[test]
fn the_directory_itself_keeps_its_mode() {
    let target = Target::new();
    fs::set_permissions(target.inside(), fs::Permissions::from_mode(0o755)).unwrap();
    target.unpack(&tar_of(&[directory("./", 0o700), file("./app", "x")])).unwrap();
    assert_eq!(target.mode("."), 0o755);
}

#[test]
fn what_is_there_is_replaced_and_not_written_through() {
    let target = Target::new();
    fs::write(target.path("partner"), "mine").unwrap();
    fs::hard_link(target.path("partner"), target.path("a")).unwrap();
    std::os::unix::fs::symlink("../canary", target.path("b")).unwrap();
    fs::create_dir(target.path("c")).unwrap();
    fs::write(target.path("d"), "a file where a directory comes").unwrap();
    target
        .unpack(&tar_of(&[file("a", "1"), file("b", "2"), file("c", "3"), directory("d", 0o755), file("d/e", "4")]))
        .unwrap();
    let seen = ["a", "b", "c", "d/e", "partner"].map(|name| target.text(name));
    assert_eq!(seen, ["1", "2", "3", "4", "mine"]);
    assert_eq!(fs::read_to_string(target.home.path().join("canary")).unwrap(), "alive");
    // Twice is as good as once: that is what a second try needs.
    target.unpack(&tar_of(&[file("a", "1"), link(SYMLINK, "b", "a"), link(HARD_LINK, "h", "a")])).unwrap();
    target.unpack(&tar_of(&[file("a", "1"), link(SYMLINK, "b", "a"), link(HARD_LINK, "h", "a")])).unwrap();
    assert_eq!(target.text("h"), "1");
}

#[test]
fn a_directory_with_something_in_it_and_a_file_do_not_give_way_to_each_other() {
    for (entries, expected) in [
        ([file("a/b", "x"), file("a", "y")], "the entry \"a\" wants the place of a directory that is not empty"),
        ([file("a", "x"), file("a/b", "y")], "the entry \"a/b\" lies in what is no directory"),
    ] {
        assert_eq!(Target::new().unpack(&tar_of(&entries)).unwrap_err().to_string(), expected);
    }
}

#[test]
fn the_last_of_several_entries_with_one_name_counts() {
    let target = Target::new();
    let modes = [("a", 0o500), ("b", 0o755), ("b/c", 0o500), ("a", 0o755), ("b", 0o500)];
    let mut entries: Vec<Made> = modes.iter().map(|(name, mode)| directory(name, *mode)).collect();
    entries.extend([file("f", "1"), file("f", "2"), link(SYMLINK, "l", "1"), link(SYMLINK, "l", "2")]);
    target.unpack(&tar_of(&entries)).unwrap();
    assert_eq!(["a", "b", "b/c"].map(|name| target.mode(name)), [0o755, 0o500, 0o500]);
    assert_eq!((target.text("f").as_str(), fs::read_link(target.path("l")).unwrap().as_path()), ("2", Path::new("2")));
}

#[test]
fn pipes_are_left_out_and_devices_refused() {
    let target = Target::new();
    let fifo = Made { kind: b'6', name: "pipe", ..Made::default() };
    let unpacked = target.unpack(&tar_of(&[fifo, file("a", "x")])).unwrap();
    assert_eq!((unpacked.pipes, unpacked.entries), (Some((1, "pipe".to_owned())), 1));
    for kind in [b'3', b'4'] {
        let device = Made { kind, name: "dev/null", ..Made::default() };
        let error = Target::new().unpack(&tar_of(&[device])).unwrap_err();
        assert_eq!(error.to_string(), "the entry \"dev/null\" is a device");
    }
}

#[test]
fn damage_is_noticed_and_says_where() {
    let text = "x".repeat(5000);
    let whole = tar_of(&[file("first", &text), file("second", &text)]);
    let mut compressed = gzip(&whole);
    let last = compressed.len() - 5;
    compressed[last] ^= 1; // gzip's own checksum
    let mut header = whole.clone();
    header[512 + 5120] ^= 1; // the second header
    for (archive, place) in [(&whole[..3000], "first"), (&header, "what follows first"), (&compressed, "")] {
        let error = Target::new().unpack(archive).unwrap_err();
        let UnpackError::Corrupt { entry, .. } = &error else { panic!("{error}") };
        assert_eq!(entry.as_deref().unwrap_or_default(), place);
    }
}

#[test]
fn what_root_unpacks_belongs_to_the_owner() {
    if !rustix::process::geteuid().is_root() {
        return; // nobody else can give things away; the others' case is every other test
    }
    let target = Target::new();
    let archive = tar_of(&[
        file("made/by/us", "x"),
        directory("d", 0o555),
        link(SYMLINK, "s", "/x"),
        link(HARD_LINK, "h", "made/by/us"),
    ]);
    target.unpack_for(&archive, Some(Owner { uid: 2000, gid: 2001 })).unwrap();
    for name in ["made", "made/by", "made/by/us", "d", "s", "h"] {
        let meta = fs::symlink_metadata(target.path(name)).unwrap();
        assert_eq!((meta.uid(), meta.gid()), (2000, 2001), "{name}");
    }
    assert_eq!(fs::metadata(target.inside()).unwrap().uid(), 0);
}
