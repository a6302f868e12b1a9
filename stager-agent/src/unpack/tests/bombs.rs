//! Archives that are small and want to be large.

use super::*;
use crate::unpack::Bound;
use ::zip::ZipWriter;
use ::zip::write::SimpleFileOptions;
use std::io::{Cursor, Write, copy, repeat};

/// What gzip makes of a tar with one file of `size` zeros, and of as many zeros behind the tar's end.
fn zeros_in_tgz(size: u64, behind: u64) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut header = ::tar::Header::new_gnu();
    header.set_path("zeros").unwrap();
    header.set_mode(0o644);
    header.set_size(size);
    header.set_cksum();
    gzip.write_all(header.as_bytes()).unwrap();
    copy(&mut repeat(0).take(size.next_multiple_of(512) + 1024 + behind), &mut gzip).unwrap();
    gzip.finish().unwrap()
}

fn zeros_in_zip(files: usize, size: u64) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for number in 0..files {
        zip.start_file(number.to_string(), SimpleFileOptions::default().large_file(true)).unwrap();
        copy(&mut repeat(0).take(size), &mut zip).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn refusal(limits: Limits, archive: &[u8]) -> (Bound, u64) {
    let target = Target { limits, ..Target::new() };
    match target.unpack(archive).unwrap_err() {
        UnpackError::LimitExceeded { bound, limit, .. } => (bound, limit),
        other => panic!("{other}"),
    }
}

#[test]
fn an_archive_that_swells_is_refused() {
    let swelling = [zeros_in_tgz(120 << 20, 0), zeros_in_tgz(0, 120 << 20), zeros_in_zip(12, 10 << 20)];
    for archive in &swelling {
        assert_eq!(refusal(Limits::GENEROUS, archive), (Bound::Ratio, 200));
    }
    let trusting = Limits { ratio: 2000, ..Limits::GENEROUS };
    for archive in &swelling {
        Target { limits: trusting, ..Target::new() }.unpack(archive).unwrap();
    }
}

#[test]
fn a_small_archive_of_zeros_is_no_bomb() {
    for archive in [zeros_in_tgz(90 << 20, 0), zeros_in_zip(9, 10 << 20)] {
        Target::new().unpack(&archive).unwrap();
    }
}

#[test]
fn an_archive_of_too_many_bytes_or_entries_is_refused() {
    let bytes = Limits { bytes: 4000, ..Limits::GENEROUS };
    let entries = Limits { entries: 2, ..Limits::GENEROUS };
    let three = tar_of(&["a", "b", "c"].map(|name| file(name, "")));
    for (limits, archive, bound) in [
        (bytes, tar_of(&[file("a", &"x".repeat(4000))]), Bound::Packed),
        (bytes, gzip(&tar_of(&[file("a", &"x".repeat(4000))])), Bound::Bytes),
        (bytes, zeros_in_zip(5, 1000), Bound::Bytes),
        (entries, three, Bound::Entries),
        (entries, zeros_in_zip(3, 0), Bound::Entries),
    ] {
        assert_eq!(refusal(limits, &archive).0, bound);
    }
    Target { limits: bytes, ..Target::new() }.unpack(&zeros_in_zip(4, 1000)).unwrap();
    Target { limits: entries, ..Target::new() }.unpack(&zeros_in_zip(2, 0)).unwrap();
}
