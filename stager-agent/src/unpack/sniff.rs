//! Tells from its first bytes what a file is.

use std::io::{self, Cursor, Read};
use tarball::blocks::{BLOCK, has_checksum};

/// As much as is looked at: a tar header.
const HEAD: usize = BLOCK;
/// Where a tar header has its magic.
const TAR_MAGIC: std::ops::Range<usize> = 257..262;

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ArchiveKind {
    /// No bytes at all.
    Empty,
    Gzip,
    Zip,
    /// A script. It may have a zip behind it: a jar that can be started by its name.
    Script,
    /// POSIX, GNU, or older than both.
    Tar,
    /// In words for people: `an HTML page`.
    Other(String),
}

/// A stream whose first bytes are known.
pub(super) struct Sniffed<R> {
    head: Vec<u8>,
    rest: R,
}

impl<R: Read> Sniffed<R> {
    /// Reads the first bytes of `stream`.
    pub(super) fn new(mut stream: R) -> io::Result<Self> {
        let mut head = Vec::with_capacity(HEAD);
        (&mut stream).take(HEAD as u64).read_to_end(&mut head)?;
        Ok(Self { head, rest: stream })
    }

    pub(super) fn kind(&self) -> ArchiveKind {
        kind(&self.head)
    }

    /// The stream from its beginning.
    pub(super) fn whole(self) -> impl Read {
        Cursor::new(self.head).chain(self.rest)
    }
}

fn kind(head: &[u8]) -> ArchiveKind {
    match head {
        [] => ArchiveKind::Empty,
        [0x1f, 0x8b, 8, ..] => ArchiveKind::Gzip,
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => ArchiveKind::Zip, // the latter has no entries
        _ if is_tar(head) => ArchiveKind::Tar,
        [b'#', b'!', ..] => ArchiveKind::Script,
        _ => ArchiveKind::Other(looks_like(head)),
    }
}

fn is_tar(head: &[u8]) -> bool {
    head.get(TAR_MAGIC) == Some(b"ustar")
        || head.try_into().is_ok_and(|head: &[u8; HEAD]| *head == [0; HEAD] || has_checksum(head))
}

fn looks_like(head: &[u8]) -> String {
    let known: [(&[u8], &str); 8] = [
        (b"BZh", "a bzip2 file"),
        (b"\xfd7zXZ", "an xz file"),
        (b"\x28\xb5\x2f\xfd", "a zstd file"),
        (b"7z\xbc\xaf", "a 7-zip file"),
        (b"Rar!", "a RAR file"),
        (b"\x7fELF", "a program"),
        (b"PK", "a part of a zip file"),
        (b"{", "JSON"),
    ];
    if let Some((_, name)) = known.iter().find(|(magic, _)| head.starts_with(magic)) {
        return (*name).to_owned();
    }
    let text = String::from_utf8_lossy(head).trim_start().to_ascii_lowercase();
    if text.starts_with("<!doctype html") || text.starts_with("<html") {
        return "an HTML page".to_owned();
    }
    if head.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) {
        return "text".to_owned();
    }
    let bytes: Vec<String> = head.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("unknown bytes ({})", bytes.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_archive_is_named() {
        for (head, name) in [
            (&b"  <!DOCTYPE html><html>"[..], "an HTML page"),
            (b"BZh91AY", "a bzip2 file"),
            (b"403 Forbidden\n", "text"),
            (b"{\"code\":1}", "JSON"),
            (b"\x00\x01\xff", "unknown bytes (00 01 ff)"),
        ] {
            assert_eq!(kind(head), ArchiveKind::Other(name.to_owned()));
        }
    }

    #[test]
    fn a_tar_without_magic_is_known_by_its_checksum() {
        let mut header = ::tar::Header::new_old();
        header.set_path("a").unwrap();
        header.set_size(0);
        header.set_cksum();
        assert_eq!(kind(header.as_bytes()), ArchiveKind::Tar);
        let mut other = *header.as_bytes();
        other[0] = b'b';
        assert!(matches!(kind(&other), ArchiveKind::Other(_)));
    }
}
