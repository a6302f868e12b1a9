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
        (header(b'0', "a", &[0x80, 0, 0, 0, 0x7f]), "\"a\" unpacks to more than 32 GiB"),
        ([name.clone(), name.clone(), empty.clone()].concat(), "two headers of the same kind describe one member"),
        ([name.clone(), end.clone()].concat(), "the archive ends between a member's headers"),
        (name, "the archive ends between a member's headers"),
        (described(b'x', b"12 path=a\n"), "its extended header is malformed"),
        (header(b'x', "a", b"00010000000"), "\"a\" has an extended header of more than 1 MiB"),
        (described(b'g', b"9 path=a\n"), "a header for all members speaks of one"),
        (described(b'L', &[b'n'; 5000]), "has a name of more than 4095 bytes"),
        (described(b'K', &[b'n'; 5000]), "has a link to a name of more than 4095 bytes"),
        (header(b'L', "a", b"77777777777"), "the archive ends in the middle of it"),
    ] {
        let told = refusal(&archive);
        assert!(told.contains(expected), "{told}, not {expected}");
    }
}

#[test]
fn a_sparse_file_that_cannot_be_is_named() {
    let records = |size: &str| {
        let rest = format!(" GNU.sparse.size={size}\n");
        let length = (1..1000).find(|length: &usize| length.to_string().len() + rest.len() == *length).unwrap();
        let map = "22 GNU.sparse.map=0,3\n";
        [described(b'x', format!("{map}{length}{rest}").as_bytes()), described(b'0', b"abc")].concat()
    };
    let target = Target::new();
    target.unpack(&records("5")).unwrap();
    assert_eq!(target.text("description"), "abc\0\0");
    for (archive, expected) in [
        (records("2"), "damaged at \"description\": the map of a sparse file does not fit its contents"),
        (records(&u64::MAX.to_string()), "\"description\" unpacks to more than 32 GiB"),
        (tar_of(&[Made { kind: b'S', ..file("s", "abc") }]), "damaged at \"s\": it is a sparse file without a map"),
    ] {
        let told = refusal(&archive);
        assert!(told.contains(expected), "{told}, not {expected}");
    }
}

#[test]
fn holes_are_charged_like_bytes() {
    let folder = TempDir::new().unwrap();
    run(folder.path(), "truncate", &["-s", "200M", "hole"]);
    let archive = run(folder.path(), "tar", &["-cS", "hole"]);
    match Target::new().unpack(&archive).unwrap_err() {
        UnpackError::LimitExceeded { bound, .. } => assert_eq!(bound, Bound::Ratio),
        other => panic!("{other}"),
    }
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
