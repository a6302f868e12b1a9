//! A stream, whatever it is packed in → its records. What it is decides, not its name: gzip, an archive (`bosh logs`) and the
//! encoding of a text are known by their first bytes.

use super::assemble::Assembler;
use super::backwards::{Bounds, Line};
use super::forwards::each_line;
use encoding_rs::{Encoding as Characters, UTF_16BE, UTF_16LE};
use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::bufread::MultiGzDecoder;
use shared_model::document::{Encoding, encoding};
use std::cell::Cell;
use std::io::{self, BufReader, Cursor, Read};
use tar::EntryType;
use tarball::blocks::has_checksum;
use tarball::members::{MemberError, Members};

/// Bytes by which a stream is known.
pub(crate) const BEGINNING: usize = 512;
const CHUNK: usize = 256 * 1024;
/// Packings within each other: `bosh logs` of several machines packs an archive for each, gzipped, with rotated logs in it.
const DEEPEST: usize = 5;
/// Bytes that each byte of a stream may unpack to; logs unpack to a tenth of it.
const MOST_FOR_ONE: u64 = 300;
/// Bytes that any stream may unpack to.
const ALWAYS: u64 = 64 << 20;
/// Bytes of a file's name in an archive, which nobody looks at.
const LONGEST_NAME: u64 = 4096;

/// What a stream is, by its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Gzip,
    Tar,
    /// A text, and the bytes of its byte order mark.
    Text(Encoding, usize),
}

impl Packing {
    /// Judges the first [`BEGINNING`] bytes, or fewer where there are no more.
    pub(crate) fn of(beginning: &[u8]) -> Self {
        if beginning.starts_with(&[0x1f, 0x8b]) {
            return Self::Gzip;
        }
        // A header ends with NULs, which no text has, whatever a tenant called his app.
        let header = beginning.first_chunk::<BEGINNING>();
        if header.is_some_and(|header| header.ends_with(&[0; 12]) && has_checksum(header)) {
            return Self::Tar;
        }
        let (encoding, mark) = encoding(beginning);
        Self::Text(encoding, mark)
    }
}

/// Gives each record of a stream to `visit`, and back how many were left out for being too long. After an error the records in
/// front of it have been given.
pub(crate) fn each_record(stream: &mut dyn Read, visit: &mut dyn FnMut(Line<'_>)) -> io::Result<u64> {
    let read = Cell::new(0);
    let mut counted = Counted { stream, count: &read };
    within(&mut counted, DEEPEST, &Budget { read: &read, unpacked: Cell::new(0) }, visit)
}

/// What a stream may unpack to, by what was read of it: a few bytes can be made to unpack without end.
struct Budget<'a> {
    read: &'a Cell<u64>,
    unpacked: Cell<u64>,
}

struct Counted<'a, R> {
    stream: R,
    count: &'a Cell<u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        self.count.set(self.count.get() + read as u64);
        Ok(read)
    }
}

/// What is unpacked, as long as the budget allows it.
struct Within<'a, R> {
    stream: R,
    budget: &'a Budget<'a>,
}

impl<R: Read> Read for Within<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Budget { read, unpacked } = self.budget;
        if unpacked.get() > ALWAYS.max(read.get().saturating_mul(MOST_FOR_ONE)) {
            return Err(io::Error::other("it unpacks to far more than a log does"));
        }
        let count = self.stream.read(buffer)?;
        unpacked.set(unpacked.get() + count as u64);
        Ok(count)
    }
}

fn within(
    stream: &mut dyn Read,
    depth: usize,
    budget: &Budget<'_>,
    visit: &mut dyn FnMut(Line<'_>),
) -> io::Result<u64> {
    let mut beginning = Vec::new();
    if let Err(error) = stream.take(BEGINNING as u64).read_to_end(&mut beginning) {
        records(&beginning[..], visit)?;
        return Err(error);
    }
    let packing = Packing::of(&beginning);
    let mut beginning = Cursor::new(beginning);
    if let Packing::Text(_, mark) = packing {
        beginning.set_position(mark as u64);
    }
    let mut stream = beginning.chain(stream);
    match packing {
        Packing::Gzip | Packing::Tar if depth == 0 => Err(io::Error::other("it is packed too many times")),
        Packing::Gzip => {
            let stream = MultiGzDecoder::new(BufReader::with_capacity(CHUNK, stream));
            within(&mut Within { stream, budget }, depth - 1, budget, visit)
        }
        Packing::Tar => {
            let mut members = Members::new(stream, LONGEST_NAME);
            let mut overlong = 0;
            while let Some(member) = members.next_member(|| Ok(())).map_err(io_error)? {
                if member.kind == EntryType::Regular {
                    let no_holes = |_| Err(io::Error::other("a log in it has holes"));
                    overlong += within(&mut members.contents(no_holes), depth - 1, budget, visit)?;
                }
            }
            Ok(overlong)
        }
        Packing::Text(Encoding::Utf8, _) => records(&mut stream, visit),
        Packing::Text(Encoding::Utf16Le, _) => records(decoded(stream, UTF_16LE), visit),
        Packing::Text(Encoding::Utf16Be, _) => records(decoded(stream, UTF_16BE), visit),
    }
}

fn decoded(stream: impl Read, characters: &'static Characters) -> impl Read {
    DecodeReaderBytesBuilder::new().encoding(Some(characters)).build(stream)
}

fn io_error(error: MemberError) -> io::Error {
    match error {
        MemberError::Reading { cause, .. } => cause,
        MemberError::LongName { .. } | MemberError::LongLink { .. } | MemberError::LongRecords { .. } => {
            io::Error::other("a name in it is too long")
        }
    }
}

/// The records of a stream that is packed in nothing.
pub(crate) fn records(stream: impl Read, visit: &mut dyn FnMut(Line<'_>)) -> io::Result<u64> {
    let mut assembler = Assembler::new(Bounds::default().longest);
    let read = each_line(stream, Bounds::default(), None, |line| assembler.line(line, visit));
    assembler.end(visit);
    Ok(read? + assembler.overlong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn found(bytes: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        each_record(&mut &bytes[..], &mut |line| found.push(String::from_utf8_lossy(line.bytes).into_owned())).unwrap();
        found
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    fn tgz(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        for (name, bytes) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            archive.append_data(&mut header, name, *bytes).unwrap();
        }
        gzip(&archive.into_inner().unwrap())
    }

    #[test]
    fn what_a_stream_is_packed_in_makes_no_difference() {
        assert_eq!(found(b"a\nb"), ["a", "b"]);
        assert_eq!(found(&gzip(b"a\nb")), ["a", "b"]);
        let utf16 = |text: &str| {
            [&[0xff, 0xfe][..], &text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()].concat()
        };
        assert_eq!(found(&utf16("ä\r\n\u{1f379}\r\n")), ["ä\r", "\u{1f379}\r"]);
        assert_eq!(found(b""), [""; 0]);
    }

    #[test]
    fn an_archive_gives_all_its_files_also_those_of_archives_in_it() {
        let one = tgz(&[("./stager/stager.stdout.log", b"a"), ("./stager/stager.stdout.log.1.gz", &gzip(b"b"))]);
        assert_eq!(found(&one), ["a", "b"]);
        assert_eq!(found(&tgz(&[("cc-bridge.0.tgz", &one), ("x", b"c")])), ["a", "b", "c"]);
    }

    #[test]
    fn a_mark_in_front_of_a_text_is_no_part_of_it() {
        assert_eq!(found("\u{feff}{\n  \"a\": 1\n}".as_bytes()), ["{\n  \"a\": 1\n}"]);
        let without_mark: Vec<u8> = "{\"a\":1}".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(found(&without_mark), ["{\"a\":1}"]);
    }

    #[test]
    fn archives_in_archives_without_end_are_left() {
        let mut nested = b"x".to_vec();
        for _ in 0..10_000 {
            let mut archive = tar::Builder::new(Vec::new());
            let mut header = tar::Header::new_ustar();
            header.set_size(nested.len() as u64);
            archive.append_data(&mut header, "a", &nested[..]).unwrap();
            nested = archive.into_inner().unwrap();
            if nested.len() > 1 << 20 {
                break;
            }
        }
        let error = each_record(&mut &nested[..], &mut |_| ()).unwrap_err();
        assert_eq!(error.to_string(), "it is packed too many times");
    }

    #[test]
    fn a_header_of_a_gigabyte_is_not_held_in_memory() {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(EntryType::XHeader);
        header.set_size(1 << 30);
        header.set_cksum();
        let archive = header.as_bytes().chain(io::repeat(0).take(1 << 30));
        let error = each_record(&mut { archive }, &mut |_| ()).unwrap_err();
        assert_eq!(error.to_string(), "a name in it is too long");
    }

    #[test]
    fn a_request_with_the_words_of_an_archive_is_a_request() {
        let text = format!("{{\"rootfs\":\"docker:///x/{}\"}}\n{{}}", "ustar".repeat(200));
        assert_eq!(found(text.as_bytes()).len(), 2);
    }

    #[test]
    fn a_few_bytes_that_unpack_without_end_are_left() {
        let mut bomb = gzip(&vec![b'x'; 100 << 20]);
        assert!(each_record(&mut &bomb[..], &mut |_| ()).is_err(), "{}", bomb.len());
        bomb = gzip(&gzip(&vec![0; 1 << 30]));
        let error = each_record(&mut &bomb[..], &mut |_| ()).unwrap_err();
        assert_eq!(error.to_string(), "it unpacks to far more than a log does");
    }

    #[test]
    fn what_is_damaged_gives_what_stands_in_front_of_the_damage() {
        let packed = gzip("a line\n".repeat(10_000).as_bytes());
        let mut lines = 0;
        let read = each_record(&mut &packed[..packed.len() - 20], &mut |_| lines += 1);
        assert!(read.is_err() && lines > 0, "{lines}");
    }
}
