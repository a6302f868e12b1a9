//! Tars that lie, byte by byte: what each is told, and that nothing is believed.

use super::*;
use crate::unpack::Bound;

/// One header, as it is.
fn header(kind: u8, name: &str, size: &[u8]) -> Vec<u8> {
    let mut header = ::tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().size[..size.len()].copy_from_slice(size);
    header.as_gnu_mut().unwrap().typeflag = [kind];
    header.set_mode(0o644);
    header.set_cksum();
    header.as_bytes().to_vec()
}

/// A header and what stands behind it.
fn described(kind: u8, text: &[u8]) -> Vec<u8> {
    let mut blocks = header(kind, "description", format!("{:011o}", text.len()).as_bytes());
    blocks.extend_from_slice(text);
    blocks.resize(blocks.len().next_multiple_of(512), 0);
    blocks
}

fn refusal(archive: &[u8]) -> String {
    crate::causes::with_causes(&Target::new().unpack(archive).unwrap_err())
}

#[test]
fn a_header_that_lies_is_told_what_is_wrong_with_it() {
    let end = tar_of(&[]);
    let empty = header(b'0', "a", b"00000000000");
    let name = described(b'L', b"long\0");
    for (archive, expected) in [
        (header(b'0', "a", &[0xff; 12]), "a number in its header is negative"),
        (header(b'0', "a", &[0x8f; 12]), "a number in its header is too large"),
        (header(b'0', "a", b"0000000008"), "a number in its header is none"),
        (header(b'0', "a", &[0x80, 0, 0, 0, 0x7f]), "\"a\" unpacks to more than 32G"),
        ([name.clone(), name.clone(), empty.clone()].concat(), "two headers of the same kind describe one member"),
        ([name.clone(), end.clone()].concat(), "the archive ends between a member's headers"),
        (name, "the archive ends between a member's headers"),
        (described(b'x', b"12 path=a\n"), "its extended header is malformed"),
        (header(b'x', "a", b"00010000000"), "\"a\" has an extended header of more than 1 MiB"),
        (described(b'g', b"9 path=a\n"), "a header for all members speaks of one"),
        (described(b'L', &[b'n'; 5000]), "has a name of more than 4095 bytes"),
        (described(b'K', &[b'n'; 5000]), "is a link to a name of more than 4095 bytes"),
        (header(b'L', "a", b"77777777777"), "the archive ends in the middle of it"),
    ] {
        let told = refusal(&archive);
        assert!(told.contains(expected), "{told}, not {expected}");
    }
}

#[test]
fn an_archive_that_is_cut_off_is_damaged_wherever_that_is() {
    let whole = tar_of(&[file("a", "contents")]);
    for length in [1, 300, 511, 512, 515, 520, 521, 1023] {
        let told = refusal(&[&whole[..1024], &whole[..length]].concat());
        assert!(told.contains("the archive ends in the middle of it"), "{length}: {told}");
    }
    // GNU tar misses nothing either where the mark at the end is half or not there.
    for length in [1024, 1024 + 512, whole.len()] {
        let target = Target::new();
        target.unpack(&whole[..length]).unwrap();
        assert_eq!(target.text("a"), "contents");
    }
}

#[test]
fn the_map_of_a_sparse_file_must_fit_its_contents() {
    let sparse = |pieces: &str, size: &str, kept: &[u8]| {
        let mut records = Vec::new();
        for (key, value) in [("GNU.sparse.map", pieces), ("GNU.sparse.size", size)] {
            let rest = format!(" {key}={value}\n");
            let length = (1..1000).find(|length: &usize| length.to_string().len() + rest.len() == *length).unwrap();
            records.extend(format!("{length}{rest}").into_bytes());
        }
        let mut archive = described(b'x', &records);
        archive.extend(described(b'0', kept));
        archive
    };
    let target = Target::new();
    target.unpack(&sparse("1,2,5,1", "8", b"abc")).unwrap();
    assert_eq!(target.text("description"), "\0ab\0\0c\0\0");
    let told = refusal(&tar_of(&[Made { kind: b'S', ..file("s", "abc") }]));
    assert!(told.ends_with("it is a sparse file without a map"), "{told}");
    let huge = u64::MAX.to_string();
    for (pieces, size, expected) in [
        ("1,2,2,1", "8", "the pieces of a sparse file overlap"),
        ("5,1,1,2", "8", "the pieces of a sparse file overlap"),
        ("1,2,5,1", "5", "does not fit its contents"),
        ("1,2", "8", "does not fit its contents"),
        ("1,4", "8", "does not fit its contents"),
        (&format!("{huge},3"), &huge, "does not fit its contents"),
        ("0,3", &huge, "unpacks to more than 32G"),
    ] {
        let told = refusal(&sparse(pieces, size, b"abc"));
        assert!(told.contains(expected), "{told}, not {expected}");
    }
}

#[test]
fn holes_are_charged_like_bytes() {
    let folder = TempDir::new().unwrap();
    run(folder.path(), "truncate", &["-s", "200M", "hole"]);
    let archive = run(folder.path(), "tar", &["-cS", "hole"]);
    match Target::new().unpack(&archive).unwrap_err() {
        UnpackError::Beyond { bound, .. } => assert_eq!(bound, Bound::Ratio),
        other => panic!("{other}"),
    }
}

#[test]
fn a_size_counts_only_where_contents_can_be() {
    // Some programs give directories and links a size and no contents.
    let archive = [header(b'5', "d", b"00000001000"), tar_of(&[file("d/a", "x")])].concat();
    let target = Target::new();
    target.unpack(&archive).unwrap();
    assert_eq!(target.text("d/a"), "x");
}

#[test]
fn what_describes_no_member_is_skipped() {
    let archive =
        [described(b'g', b"16 comment=abcd\n"), described(b'V', b"a tape"), tar_of(&[file("a", "x")])].concat();
    let target = Target::new();
    assert_eq!(target.unpack(&archive).unwrap().entries, 1);
    assert_eq!(target.text("a"), "x");
}

#[test]
fn a_hard_link_must_have_something_to_link_to() {
    let hard = |target: &'static str| link(HARD_LINK, "l", target);
    for (entries, expected) in [
        (vec![hard("missing")], "it is a hard link to \"missing\", which is not there"),
        (vec![hard("no/such/file")], "it is a hard link to \"no/such/file\", which is not there"),
        (vec![hard("l")], "it is a hard link to \"l\", which is not there"),
        (vec![hard("")], "is a hard link to nothing"),
        (vec![directory("d", 0o755), hard("d")], "is a hard link to a directory"),
    ] {
        let told = refusal(&tar_of(&entries));
        assert!(told.contains(expected), "{told}, not {expected}");
    }
    let target = Target::new();
    target
        .unpack(&tar_of(&[link(SYMLINK, "s", "../canary"), hard("s"), file("a", "x"), link(HARD_LINK, "a", "a")]))
        .unwrap();
    assert_eq!(fs::read_link(target.path("l")).unwrap(), Path::new("../canary"));
    assert_eq!(target.text("a"), "x");
}

#[test]
fn a_name_is_kept_to_the_byte() {
    for name in ["C:\\x", "C:/x", "..\\..\\x", "a\nb", "a\u{1b}[31m", " ", "-rf", "\\"] {
        let target = Target::new();
        target.unpack(&tar_of(&[file(name, "x")])).unwrap();
        assert_eq!(target.text(name), "x");
    }
    let mut header = ::tar::Header::new_ustar();
    header.as_old_mut().name[..3].copy_from_slice(&[0xff, 0xfe, b'a']);
    header.set_size(0);
    header.set_cksum();
    let target = Target::new();
    target.unpack(header.as_bytes()).unwrap();
    let found = fs::read_dir(target.inside()).unwrap().next().unwrap().unwrap().file_name();
    assert_eq!(found.as_encoded_bytes(), [0xff, 0xfe, b'a']);
}
