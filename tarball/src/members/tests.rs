//! Tars that lie, byte by byte: what each is refused for, and that nothing is believed. And what another reader finds.

use super::*;
use crate::fuzzed::{record, spelled, with_checksums};
use proptest::prelude::*;

/// Bytes of the longest name.
const NAME: u64 = 300;
/// Headers for all members in front of one, and zeros in one file, at most.
const GLOBALS: u64 = 2;
const ZEROS: u64 = 10_000;

fn take(left: &mut u64, count: u64) -> io::Result<()> {
    *left = left.checked_sub(count).ok_or_else(|| io::Error::other("a limit"))?;
    Ok(())
}

/// One header, as it is.
fn header(kind: u8, name: &str, size: &[u8]) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().size[..size.len()].copy_from_slice(size);
    header.as_old_mut().linkflag = [kind];
    header.set_mode(0o644);
    header.set_mtime(1);
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

/// Every member with its contents.
fn read(archive: &[u8]) -> Result<Vec<(Member, Vec<u8>)>, MemberError> {
    let (mut members, mut found) = (Members::new(archive, NAME), Vec::new());
    loop {
        let (mut globals, mut zeros, mut contents) = (GLOBALS, ZEROS, Vec::new());
        let Some(member) = members.next_member(|| take(&mut globals, 1))? else { return Ok(found) };
        let outcome = members.contents(|count| take(&mut zeros, count)).read_to_end(&mut contents);
        outcome.map_err(|cause| MemberError::Reading { name: Some(member.name.clone()), cause })?;
        found.push((member, contents));
    }
}

/// The error of an archive, with its member's name and its cause.
fn refusal(archive: &[u8]) -> String {
    let shown = |name: Vec<u8>| String::from_utf8(name).unwrap();
    match read(archive).map(|found| found.len()).unwrap_err() {
        MemberError::Reading { name: None, cause } => cause.to_string(),
        MemberError::Reading { name: Some(name), cause } => format!("{}: {cause}", shown(name)),
        MemberError::LongName { start } => format!("long name: {}", start.len()),
        MemberError::LongLink { name } => format!("long link: {:?}", name.map(shown)),
        MemberError::LongRecords { name } => format!("long records: {}", shown(name)),
    }
}

#[test]
fn a_header_that_lies_is_refused_for_what_is_wrong_with_it() {
    let end = vec![0; 1024];
    let empty = header(b'0', "a", b"00000000000");
    let name = described(b'L', b"long\0");
    let global = described(b'g', b"16 comment=abcd\n");
    for (archive, expected) in [
        (header(b'0', "a", &[0xff; 12]), "a number in its header is negative"),
        (header(b'0', "a", &[0x8f; 12]), "a number in its header is too large"),
        (header(b'0', "a", b"0000000008"), "a number in its header is none"),
        ([name.clone(), name.clone(), empty.clone()].concat(), "two headers of the same kind describe one member"),
        (
            [described(b'x', b""), described(b'x', b""), empty.clone()].concat(),
            "two headers of the same kind describe one member",
        ),
        ([name.clone(), end].concat(), "the archive ends between a member's headers"),
        (name, "the archive ends between a member's headers"),
        (described(b'x', b"12 path=a\n"), "its extended header is malformed"),
        (header(b'x', "a", b"00010000000"), "long records: a"),
        (described(b'g', b"9 path=a\n"), "a header for all members speaks of one"),
        ([&global[..], &global, &global].concat(), "a limit"),
        (described(b'L', &[b'n'; 301]), "long name: 301"),
        (described(b'L', &[b'n'; 5000]), "long name: 301"),
        (described(b'K', &[b'n'; 5000]), "long link: None"),
        ([described(b'K', &[b'n'; 5000]), described(b'2', b"")].concat(), "long link: Some(\"description\")"),
        (
            [described(b'L', b"name\0"), described(b'K', &[b'n'; 5000]), described(b'2', b"")].concat(),
            "long link: Some(\"name\")",
        ),
        (
            [described(b'K', &vec![b'n'; 1 << 20]), described(b'x', b"15 path=longer\n"), described(b'2', b"")]
                .concat(),
            "long link: Some(\"longer\")",
        ),
        (header(b'K', "a", b"00004000001"), "the archive ends in the middle of it"),
        (header(b'L', "a", b"77777777777"), "the archive ends in the middle of it"),
        (described(b'S', b"abc"), "description: the map of a sparse file does not fit its contents"),
    ] {
        assert_eq!(refusal(&archive), expected);
    }
    let mut old = Header::new_old();
    old.as_old_mut().linkflag = *b"S";
    old.as_old_mut().name[0] = b's';
    old.set_cksum();
    assert_eq!(refusal(old.as_bytes()), "s: it is a sparse file without a map");
}

#[test]
fn a_name_that_claims_gigabytes_is_refused_without_being_read() {
    let name = header(b'L', "././@LongLink", b"40000000000");
    let mut members = Members::new(name.chain(io::repeat(b'a')), NAME);
    let Err(MemberError::LongName { start }) = members.next_member(|| Ok(())) else { panic!("it is taken") };
    assert_eq!(start.len(), 301);
    let link = header(b'K', "././@LongLink", b"40000000000");
    let mut members = Members::new(link.chain(io::repeat(b'a')), NAME);
    assert!(matches!(members.next_member(|| Ok(())), Err(MemberError::LongLink { name: None })));
}

#[test]
fn the_longest_name_is_taken_with_its_nul() {
    for (kind, expected) in [(b'L', [300, 0]), (b'K', [11, 300])] {
        let long = [&[b'n'; 300][..], b"\0"].concat();
        let archive = [described(kind, &long), described(b'2', b"")].concat();
        let found = read(&archive).unwrap();
        assert_eq!([found[0].0.name.len(), found[0].0.link.len()], expected);
    }
}

#[test]
fn an_archive_that_is_cut_off_is_damaged_wherever_that_is() {
    let whole = [described(b'0', b"contents"), vec![0; 1024]].concat();
    for length in [1, 300, 511, 512, 515, 520, 521, 1023] {
        let told = refusal(&[&whole[..1024], &whole[..length]].concat());
        assert!(told.ends_with("the archive ends in the middle of it"), "{length}: {told}");
    }
    // GNU tar misses nothing either where the mark at the end is half or not there.
    for length in [1024, 1024 + 512, whole.len()] {
        assert_eq!(read(&whole[..length]).unwrap()[0].1, b"contents");
    }
}

fn sparse(pieces: &str, size: &str, kept: &[u8]) -> Vec<u8> {
    let records = [record("GNU.sparse.map", pieces.as_bytes()), record("GNU.sparse.size", size.as_bytes())];
    [described(b'x', &records.concat()), described(b'0', kept)].concat()
}

#[test]
fn the_map_of_a_sparse_file_must_fit_its_contents() {
    let found = read(&sparse("1,2,5,1", "8", b"abc")).unwrap();
    assert_eq!((found[0].0.size, &found[0].1[..]), (8, &b"\0ab\0\0c\0\0"[..]));
    let huge = u64::MAX.to_string();
    for (pieces, size, expected) in [
        ("1,2,2,1", "8", "description: the pieces of a sparse file overlap"),
        ("5,1,1,2", "8", "description: the pieces of a sparse file overlap"),
        ("1,2,5,1", "5", "description: the map of a sparse file does not fit its contents"),
        ("1,2", "8", "description: the map of a sparse file does not fit its contents"),
        ("1,4", "8", "description: the map of a sparse file does not fit its contents"),
        (&format!("{huge},3"), &huge, "description: the map of a sparse file does not fit its contents"),
        ("0,3", &huge, "description: a limit"),
        ("0,3", "10004", "description: a limit"),
    ] {
        assert_eq!(refusal(&sparse(pieces, size, b"abc")), expected, "{pieces} of {size}");
    }
}

#[test]
fn a_size_counts_only_where_contents_can_be() {
    // Some programs give directories and links a size and no contents.
    let archive = [header(b'5', "d", b"00000001000"), described(b'0', b"x")].concat();
    let found = read(&archive).unwrap();
    assert_eq!(found.iter().map(|(member, _)| member.size).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn every_form_of_a_file_is_a_file_and_a_slash_makes_a_directory() {
    for (kind, name, expected) in [
        (b'0', "a", EntryType::Regular),
        (0, "a", EntryType::Regular),
        (b'7', "a", EntryType::Regular),
        (b'S', "a", EntryType::Regular),
        (0, "a/", EntryType::Directory),
        (b'7', "a/", EntryType::Directory),
        (b'2', "a/", EntryType::Symlink),
    ] {
        let found = read(&header(kind, name, b"00000000000")).unwrap();
        assert_eq!(found[0].0.kind, expected, "{kind} {name}");
    }
}

#[test]
fn what_describes_no_member_is_skipped_and_a_label_is_known() {
    let archive = [described(b'g', b"16 comment=abcd\n"), described(b'V', b"a tape"), described(b'0', b"x")].concat();
    let found = read(&archive).unwrap();
    assert_eq!(found.iter().map(|(member, _)| member.is_label()).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn a_time_is_that_of_the_records_or_of_the_header_and_never_before_1970() {
    let mut before_1970 = Header::new_gnu();
    before_1970.as_old_mut().mtime = [0xff; 12];
    before_1970.as_old_mut().mode = *b"none\0\0\0\0";
    before_1970.set_size(0);
    before_1970.set_cksum();
    let file = described(b'0', b"");
    let told = |text: &str| [described(b'x', &record("mtime", text.as_bytes())), file.clone()].concat();
    for (archive, expected) in
        [(file.clone(), 1), (told("7.9"), 7), (told("-7"), 0), (before_1970.as_bytes().to_vec(), 0)]
    {
        assert_eq!(read(&archive).unwrap()[0].0.mtime().unwrap(), expected);
    }
    assert_eq!(read(&file).unwrap()[0].0.mode().unwrap(), 0o644);
    read(before_1970.as_bytes()).unwrap()[0].0.mode().unwrap_err();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn another_reader_finds_the_same(choices in prop::collection::vec(any::<u8>(), 0..200)) {
        let archive = spelled(&choices);
        let Ok(found) = read(&archive) else { return Ok(()) };
        let mut others = tar::Archive::new(&archive[..]);
        let others = others.entries().unwrap().map(|other| {
            let mut other = other.unwrap();
            let (name, mut contents) = (other.path_bytes().into_owned(), Vec::new());
            other.read_to_end(&mut contents).unwrap();
            let link = other.link_name_bytes().map(Cow::into_owned).unwrap_or_default();
            (kind(other.header().entry_type(), &name), name, link, contents)
        });
        let ours = found.into_iter().map(|(Member { kind, name, link, .. }, contents)| (kind, name, link, contents));
        prop_assert_eq!(ours.collect::<Vec<_>>(), others.collect::<Vec<_>>());
    }

    #[test]
    fn noise_is_survived(noise in prop::collection::vec(any::<u8>(), 0..3000)) {
        let _ = read(&with_checksums(&noise));
    }
}
