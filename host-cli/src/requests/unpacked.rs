//! A stream, whatever it is packed in → its records. What it is decides, not its name: gzip, an archive (`bosh logs`) and a
//! text in UTF-16 are known by their first bytes.

use super::assemble::Assembler;
use super::backwards::{Bounds, Line};
use super::forwards::each_line;
use encoding_rs_io::DecodeReaderBytes;
use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufReader, Cursor, Read};

/// Bytes by which a stream is known.
pub(crate) const BEGINNING: usize = 512;
const CHUNK: usize = 256 * 1024;
/// Gzip within gzip: `bosh logs` of several machines packs an archive for each.
const DEEPEST: usize = 3; // with the rotated logs in it

/// What a stream is, by its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Gzip,
    Tar,
    Utf16,
    Plain,
}

impl Packing {
    /// Judges the first [`BEGINNING`] bytes, or fewer where there are no more.
    pub(crate) fn of(beginning: &[u8]) -> Self {
        const MAGIC: usize = 257; // of a tar header
        match beginning {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Self::Utf16,
            _ if beginning.get(MAGIC..).is_some_and(|rest| rest.starts_with(b"ustar")) => Self::Tar,
            _ => Self::Plain,
        }
    }
}

/// Gives each record of a stream to `visit`, and back how many were left out for being too long. After an error the records in
/// front of it have been given.
pub(crate) fn each_record(stream: &mut dyn Read, visit: &mut dyn FnMut(Line<'_>)) -> io::Result<u64> {
    within(stream, DEEPEST, visit)
}

fn within(stream: &mut dyn Read, depth: usize, visit: &mut dyn FnMut(Line<'_>)) -> io::Result<u64> {
    let mut beginning = Vec::new();
    if let Err(error) = stream.take(BEGINNING as u64).read_to_end(&mut beginning) {
        records(&beginning[..], visit)?;
        return Err(error);
    }
    let packing = Packing::of(&beginning);
    let mut stream = Cursor::new(beginning).chain(stream);
    match packing {
        Packing::Gzip if depth > 0 => {
            let mut unpacked = MultiGzDecoder::new(BufReader::with_capacity(CHUNK, stream));
            within(&mut unpacked, depth - 1, visit)
        }
        Packing::Tar => {
            let mut overlong = 0;
            for entry in tar::Archive::new(stream).entries()? {
                let mut entry = entry?;
                if entry.header().entry_type().is_file() {
                    overlong += within(&mut entry, depth, visit)?;
                }
            }
            Ok(overlong)
        }
        Packing::Utf16 => records(DecodeReaderBytes::new(stream), visit),
        Packing::Gzip | Packing::Plain => records(&mut stream, visit),
    }
}

fn records(stream: impl Read, visit: &mut dyn FnMut(Line<'_>)) -> io::Result<u64> {
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
    fn what_is_damaged_gives_what_stands_in_front_of_the_damage() {
        let packed = gzip("a line\n".repeat(10_000).as_bytes());
        let mut lines = 0;
        let read = each_record(&mut &packed[..packed.len() - 20], &mut |_| lines += 1);
        assert!(read.is_err() && lines > 0, "{lines}");
    }
}
