//! Zips that contradict themselves, or claim what is not so: each is refused in words, and where the directory shows it,
//! before anything is written.

use super::handmade_zip::{Handmade, Header, deflated, folder, stored, symlink, zip_of};
use super::*;
use proptest::prelude::*;

/// Larger than what is inflated whole where there are many inflaters.
const LARGE: usize = 300_000;

fn noise(length: usize) -> Vec<u8> {
    let mut seed = 1_u32;
    let mut dice = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed.to_be_bytes()[0] & 0x3f
    };
    (0..length).map(|_| dice()).collect()
}

/// What refusing says, with its cause.
fn refusal(target: &Target, zip: &[u8], inflaters: usize) -> String {
    crate::causes::with_causes(&target.unzip(zip, inflaters).unwrap_err())
}

fn left_behind(target: &Target) -> usize {
    fs::read_dir(target.inside()).unwrap().count()
}

#[test]
fn two_headers_that_disagree_are_damage_before_anything_is_written() {
    let liar = || deflated("hello", b"hello, hello, hello");
    for (what, entry) in [
        ("name", liar().but_local(|local| local.name = b"jello".to_vec())),
        ("name", liar().but_central(|central| central.name = b"hell".to_vec())),
        ("compression", liar().but_local(|local| local.method = 0)),
        ("size", liar().but_local(|local| local.packed -= 1)),
        ("size", liar().but_central(|central| central.size += 1)),
        ("checksum", liar().but_local(|local| local.crc ^= 1)),
    ] {
        let target = Target::new();
        let said = refusal(&target, &zip_of(&[stored("first", b"x"), entry.clone()]), 2);
        let name = String::from_utf8(entry.central.name).unwrap();
        let expected = format!("its local header and the directory disagree about its {what}");
        assert_eq!(said, format!("the archive is damaged at {name:?}: {expected}"));
        assert_eq!(left_behind(&target), 0, "{what}");
    }
}

#[test]
fn a_unicode_name_in_one_header_alone_must_be_in_the_directory() {
    let field = |raw: &[u8], name: &[u8]| {
        let length = u16::try_from(5 + name.len()).unwrap().to_le_bytes();
        [b"\x75\x70", &length[..], &[1], &libdeflater::crc32(raw).to_le_bytes(), name].concat()
    };
    let both = stored("a", b"x").but_both(|header| header.extra = field(b"a", b"b"));
    let target = Target::new();
    target.unzip(&zip_of(std::slice::from_ref(&both)), 2).unwrap();
    assert_eq!(target.text("b"), "x");
    Target::new().unzip(&zip_of(&[both.clone().but_local(|local| local.extra.clear())]), 2).unwrap();
    let said = refusal(&Target::new(), &zip_of(&[both.but_central(|central| central.extra.clear())]), 2);
    assert!(said.ends_with("disagree about its name"), "{said}");
}

#[test]
fn what_was_written_to_a_pipe_has_its_sizes_behind_it() {
    let mut entries: Vec<Handmade> = Vec::new();
    for (name, signature) in [("with", &b"PK\x07\x08"[..]), ("without", b"")] {
        entries.push(deflated(name, b"hello, hello").written_to_a_pipe(signature));
    }
    let target = Target::new();
    target.unzip(&zip_of(&entries), 2).unwrap();
    assert_eq!([target.text("with"), target.text("without")], ["hello, hello"; 2]);
}

#[test]
fn contents_are_what_the_directory_says_whole_or_streamed() {
    for contents in [noise(1000), noise(LARGE)] {
        for honest in [stored("f", &contents), deflated("f", &contents)] {
            // As many as make the larger one a stream.
            let unzip = |entry: &Handmade| refusal(&Target::new(), &zip_of(std::slice::from_ref(entry)), 64);
            let other_crc = unzip(&honest.clone().but_both(|header| header.crc ^= 1));
            assert_eq!(other_crc, "the archive is damaged at \"f\": its checksum is not that of the directory");
            if honest.central.method == 0 {
                let two_sizes = unzip(&honest.clone().but_both(|header| header.size += 1));
                assert!(two_sizes.ends_with("it is not compressed, but has two sizes"), "{two_sizes}");
                continue;
            }
            let less = unzip(&honest.clone().but_both(|header| header.size += 1));
            assert!(less.ends_with("less comes out of it than the directory says"), "{less}");
            let more = unzip(&honest.clone().but_both(|header| header.size -= 1));
            assert!(more.ends_with("more comes out of it than the directory says"), "{more}");
            let mut damaged = honest;
            damaged.contents[0] = 0xff;
            assert!(unzip(&damaged).starts_with("the archive is damaged at \"f\": "));
        }
    }
}

#[test]
fn a_lying_size_writes_no_more_than_one_byte_too_many() {
    let zeros = deflated("f", &vec![0; 50 << 20]).but_both(|header| header.size = 1_000_000);
    let target = Target::new();
    refusal(&target, &zip_of(&[zeros]), 64);
    assert!(fs::metadata(target.path("f")).unwrap().len() <= 1_000_001);
}

#[test]
fn no_byte_belongs_to_two_entries() {
    let kernel = deflated("kernel", &vec![0; 100_000]);
    let again = Handmade { place: Some(0), ..kernel.clone() };
    // One that holds the next one's header as its contents.
    let inner = zip_of(&[stored("inner", b"x")]);
    let shell = stored("shell", &inner);
    let inside = Handmade { place: Some(30 + 5), ..stored("inner", b"x") };
    let too_long = stored("long", b"x").but_both(|header| (header.packed, header.size) = (1000, 1000));
    for (what, entries) in [
        ("one place twice", vec![kernel.clone(), Handmade { mode: 0o100_755, ..again }]),
        ("one within another", vec![shell, inside]),
        ("into the directory", vec![kernel, too_long]),
    ] {
        let target = Target::new();
        let said = refusal(&target, &zip_of(&entries), 2);
        assert!(said.ends_with(": it overlaps with what follows it"), "{what}: {said}");
        assert_eq!(left_behind(&target), 0, "{what}");
    }
}

#[test]
fn an_entry_that_stands_in_the_directory_twice_is_one() {
    let (first, kernel) = (stored("first", b"x"), deflated("kernel", &vec![0; 100_000]));
    let again = Handmade { place: Some(30 + 5 + 1), ..kernel.clone() };
    let hidden = |entry: Handmade| Handmade { place: entry.place, ..entry };
    let mut zip = zip_of(&[first, kernel, hidden(again)]);
    // The record alone: what stands between the entries is nobody's.
    let target = Target::new();
    assert_eq!(target.unzip(&zip, 2).unwrap().entries, 2);
    assert_eq!(fs::metadata(target.path("kernel")).unwrap().len(), 100_000);
    // The same bytes under another mode are two entries.
    let attributes = zip.len() - 22 - 6 - 4 - 4;
    zip[attributes + 2] ^= 1;
    assert!(refusal(&Target::new(), &zip, 2).ends_with(": it overlaps with what follows it"));
}

#[test]
fn an_empty_directory_that_is_said_to_be_deflated_is_a_directory() {
    let empty = |method, packed| move |header: &mut Header| (header.method, header.packed) = (method, packed);
    let nothing_there = [
        folder("META-INF/").but_both(empty(8, 2)),
        folder("META-INF/").but_central(empty(8, 2)),
        folder("META-INF/").but_central(empty(8, 2)).but_local(empty(8, 0)),
    ];
    let stream_there = nothing_there.clone().map(|entry| Handmade { contents: vec![3, 0], ..entry });
    for directory in nothing_there.into_iter().chain(stream_there) {
        let target = Target::new();
        let zip = zip_of(&[directory, deflated("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0")]);
        assert_eq!(target.unzip(&zip, 2).unwrap().entries, 2);
        assert_eq!(target.text("META-INF/MANIFEST.MF"), "Manifest-Version: 1.0");
    }
    for (what, entry) in [
        ("it overlaps with what follows it", folder("d/").but_both(empty(8, 3))),
        ("disagree about its size", folder("d/").but_central(|header| (header.packed, header.size) = (2, 1))),
        ("disagree about its checksum", folder("d/").but_central(|header| header.crc = 1)),
        ("it overlaps with what follows it", stored("f", b"").but_both(empty(8, 2))),
    ] {
        let said = refusal(&Target::new(), &zip_of(&[entry, stored("g", b"y")]), 2);
        assert!(said.ends_with(what), "{said}");
    }
}

#[test]
fn of_two_entries_with_one_name_the_last_one_counts() {
    let cases: [(&[Handmade], &str); 4] = [
        (&[stored("a", b"old"), stored("./a", b"new")], "new"),
        (&[stored("./a", b"old"), stored("a", b"new")], "new"),
        (&[folder("a/"), stored("a", b"new")], "new"),
        (&[symlink("a", "../canary"), stored(".//a", b"new")], "new"),
    ];
    for (entries, expected) in cases {
        let target = Target::new();
        assert_eq!(target.unzip(&zip_of(entries), 4).unwrap().entries, 1);
        assert_eq!(target.text("a"), expected);
    }
    let target = Target::new();
    let entries = [stored("a", b"x"), folder("a/"), stored("a/b", b"y")];
    assert_eq!(target.unzip(&zip_of(&entries), 4).unwrap().entries, 2);
    assert_eq!(target.text("a/b"), "y");
}

#[test]
fn what_is_no_directory_has_nothing_in_it_in_whatever_order() {
    let under = stored("a/b/c", b"x");
    for other in [stored("a", b"y"), stored("a/b", b"y"), symlink("a", ".."), symlink("a/b", "/etc")] {
        for entries in [[other.clone(), under.clone()], [under.clone(), other.clone()]] {
            // `-` is before `/`: it must not hide one from the other.
            let target = Target::new();
            let between = [stored("a-", b""), stored("a/b-", b"")];
            let said = refusal(&target, &zip_of(&[&entries[..], &between].concat()), 4);
            let name = String::from_utf8_lossy(&other.central.name).into_owned();
            if other.mode == 0o120_777 {
                assert!(said.contains("would leave its directory (through a symbolic link)"), "{said}");
            } else {
                let expected = format!("the entry {name:?} is no directory, but another entry lies in it");
                assert_eq!(said, expected);
            }
            assert_eq!(left_behind(&target), 0, "{name}");
        }
    }
}

#[test]
fn what_cannot_be_unpacked_is_named() {
    let encrypted = "is encrypted";
    let unknown = "is compressed in a way that is not understood";
    for (what, entry) in [
        (encrypted, stored("f", b"x").but_local(|local| local.flags |= 1)),
        (encrypted, stored("f", b"x").but_central(|central| central.flags |= 1)),
        (unknown, stored("f", b"x").but_both(|header| header.method = 9)),
        (unknown, stored("f", b"x").but_both(|header| header.method = 12)),
        ("is a device or a socket", Handmade { mode: 0o020_644, ..stored("f", b"") }),
    ] {
        let target = Target::new();
        assert_eq!(refusal(&target, &zip_of(&[entry, stored("g", b"y")]), 2), format!("the entry \"f\" {what}"));
        assert_eq!(left_behind(&target), 0);
    }
    let root = refusal(&Target::new(), &zip_of(&[stored(".", b"x")]), 2);
    assert_eq!(root, "the entry \".\" wants to replace the directory itself");
}

#[test]
fn a_pipe_is_left_out_and_counted() {
    let pipe = |name| Handmade { mode: 0o010_644, ..stored(name, b"") };
    let target = Target::new();
    let unpacked = target.unzip(&zip_of(&[pipe("p"), stored("f", b"x"), pipe("q")]), 2).unwrap();
    assert_eq!((unpacked.entries, unpacked.pipes), (1, Some((2, "p".to_owned()))));
    assert_eq!(left_behind(&target), 1);
}

#[test]
fn a_zip_that_was_cut_off_is_refused_wherever_it_ends_and_garbage_behind_it_is_not() {
    let whole = zip_of(&[folder("d/"), deflated("d/a", b"hello, hello"), stored("b", b"world")]);
    for length in 4..whole.len() {
        let target = Target::new();
        refusal(&target, &whole[..length], 2);
        assert_eq!(left_behind(&target), 0, "{length} bytes");
    }
    let target = Target::new();
    target.unzip(&[&whole[..], b"garbage"].concat(), 2).unwrap();
    assert_eq!(target.text("d/a"), "hello, hello");
}

#[test]
fn a_directory_with_another_number_of_entries_is_damage() {
    let mut zip = zip_of(&[stored("a", b"x"), stored("b", b"y")]);
    let count = zip.len() - 14;
    zip[count..count + 4].copy_from_slice(&[1, 0, 1, 0]);
    let said = refusal(&Target::new(), &zip, 2);
    assert_eq!(said, "the archive is damaged: its directory has another number of entries than it says");
}

#[test]
fn a_damaged_file_ends_the_work_of_all_threads() {
    let mut entries: Vec<Handmade> = (0..2000).map(|number| stored(&number.to_string(), b"x")).collect();
    entries[1000] = stored("1000", b"x").but_both(|header| header.crc ^= 1);
    let said = refusal(&Target::new(), &zip_of(&entries), 8);
    assert_eq!(said, "the archive is damaged at \"1000\": its checksum is not that of the directory");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes_are_survived(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let entries = [folder("d/"), deflated("d/a", b"hello, hello"), symlink("d/l", "a"), stored("b", b"world")];
        let mut zip = zip_of(&entries);
        for (place, byte) in changes {
            let place = place.index(zip.len());
            zip[place] = byte;
        }
        let target = Target::new();
        let before = target.outside();
        let _ = target.unzip(&zip, 2);
        prop_assert_eq!(target.outside(), before);
    }
}
