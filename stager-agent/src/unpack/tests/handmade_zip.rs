//! Zips made byte by byte, so that they may lie.

use std::io::Write;

/// One of the two headers of an entry.
#[derive(Clone, Debug, Default)]
pub(super) struct Header {
    pub(super) name: Vec<u8>,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: u32,
    pub(super) size: u32,
    pub(super) extra: Vec<u8>,
}

/// An entry; honest as it is made.
#[derive(Clone, Debug)]
pub(super) struct Handmade {
    pub(super) local: Header,
    pub(super) central: Header,
    pub(super) contents: Vec<u8>,
    /// What stands behind the contents: a data descriptor.
    pub(super) behind: Vec<u8>,
    pub(super) mode: u32,
    /// Where the directory says that it is; `None`: where it is.
    pub(super) place: Option<u32>,
}

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// A file that is stored.
pub(super) fn stored(name: &str, contents: &[u8]) -> Handmade {
    made(name, 0o100_644, STORED, contents, contents.to_vec())
}

/// A file that is deflated.
pub(super) fn deflated(name: &str, contents: &[u8]) -> Handmade {
    let mut deflater = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    deflater.write_all(contents).unwrap();
    made(name, 0o100_644, DEFLATED, contents, deflater.finish().unwrap())
}

/// A symbolic link.
pub(super) fn symlink(name: &str, target: &str) -> Handmade {
    made(name, 0o120_777, STORED, target.as_bytes(), target.as_bytes().to_vec())
}

/// A directory.
pub(super) fn folder(name: &str) -> Handmade {
    made(name, 0o040_755, STORED, b"", Vec::new())
}

fn made(name: &str, mode: u32, method: u16, contents: &[u8], packed: Vec<u8>) -> Handmade {
    let header = Header {
        name: name.as_bytes().to_vec(),
        method,
        crc: libdeflater::crc32(contents),
        packed: u32::try_from(packed.len()).unwrap(),
        size: u32::try_from(contents.len()).unwrap(),
        ..Header::default()
    };
    Handmade { local: header.clone(), central: header, contents: packed, behind: Vec::new(), mode, place: None }
}

impl Handmade {
    /// Changes the local header alone.
    pub(super) fn but_local(mut self, change: impl FnOnce(&mut Header)) -> Self {
        change(&mut self.local);
        self
    }

    /// Changes the directory's record alone.
    pub(super) fn but_central(mut self, change: impl FnOnce(&mut Header)) -> Self {
        change(&mut self.central);
        self
    }

    /// Changes both alike.
    pub(super) fn but_both(self, change: impl Fn(&mut Header)) -> Self {
        self.but_local(&change).but_central(&change)
    }

    /// As a program writes it that does not know what is coming: sizes and checksum stand behind the contents.
    pub(super) fn written_to_a_pipe(mut self, signature: &[u8]) -> Self {
        let Header { crc, packed, size, .. } = self.central;
        let numbers = [crc, packed, size].map(u32::to_le_bytes).concat();
        self.behind = [signature, &numbers].concat();
        self.but_both(|header| header.flags |= 8)
            .but_local(|header| (header.crc, header.packed, header.size) = (0, 0, 0))
    }
}

fn bytes(header: &Header) -> Vec<u8> {
    let Header { name, flags, method, crc, packed, size, extra } = header;
    let length = |part: &[u8]| u16::try_from(part.len()).unwrap();
    let mut bytes = Vec::new();
    for number in [20, *flags, *method, 0, 0x21] {
        bytes.extend(number.to_le_bytes());
    }
    for number in [*crc, *packed, *size] {
        bytes.extend(number.to_le_bytes());
    }
    for number in [length(name), length(extra)] {
        bytes.extend(number.to_le_bytes());
    }
    bytes
}

/// A zip of these entries.
pub(super) fn zip_of(entries: &[Handmade]) -> Vec<u8> {
    let (mut zip, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let place = entry.place.unwrap_or(u32::try_from(zip.len()).unwrap());
        zip.extend(b"PK\x03\x04");
        zip.extend(bytes(&entry.local));
        for part in [&entry.local.name, &entry.local.extra, &entry.contents, &entry.behind] {
            zip.extend(part);
        }
        directory.extend(b"PK\x01\x02\x14\x03"); // made on Unix
        directory.extend(bytes(&entry.central));
        directory.extend([0; 6]); // no comment, first disk, no attributes inside
        directory.extend((entry.mode << 16).to_le_bytes());
        directory.extend(place.to_le_bytes());
        directory.extend([&entry.central.name[..], &entry.central.extra].concat());
    }
    let (start, length) = (u32::try_from(zip.len()).unwrap(), u32::try_from(directory.len()).unwrap());
    let count = u16::try_from(entries.len() & 0xffff).unwrap().to_le_bytes();
    zip.extend(directory);
    zip.extend(b"PK\x05\x06\0\0\0\0");
    zip.extend([count, count].concat());
    zip.extend([length.to_le_bytes(), start.to_le_bytes()].concat());
    zip.extend([0; 2]);
    zip
}
