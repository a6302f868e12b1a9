//! Checksums in the forms that Cloud Foundry writes them.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::Sha256;

const CHUNK: usize = 64 * 1024;

/// MD5, SHA-1 and SHA-256 of one pass over some bytes.
#[derive(Default)]
pub(crate) struct SumsHasher {
    md5: Md5,
    sha1: Sha1,
    sha256: Sha256,
}

impl SumsHasher {
    /// Takes the next bytes in.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.sha1.update(bytes);
        self.sha256.update(bytes);
    }

    /// The sums of what was taken in.
    pub(crate) fn finish(self) -> Sums {
        Sums {
            md5_base64: STANDARD.encode(self.md5.finalize()),
            sha1: hex(&self.sha1.finalize()),
            sha256_base64: STANDARD.encode(self.sha256.clone().finalize()),
            sha256: hex(&self.sha256.finalize()),
        }
    }
}

/// Checksums as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sums {
    /// As in a `Content-MD5` header.
    pub(crate) md5_base64: String,
    /// As between the colons of a `Content-Digest` header.
    pub(crate) sha256_base64: String,
    /// In hexadecimal digits; blobstore keys hold it.
    pub(crate) sha1: String,
    /// In hexadecimal digits; today's requests hold it.
    pub(crate) sha256: String,
}

/// The sums of a file's contents.
pub(crate) fn sums_of_file(path: &Path) -> io::Result<Sums> {
    let mut file = File::open(path)?;
    let mut digests = SumsHasher::default();
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(digests.finish()),
            read => digests.update(chunk.get(..read).unwrap_or_default()),
        }
    }
}

/// MD5 in hexadecimal digits.
pub(crate) fn md5_hex(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // writing to a String cannot fail
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_of_abc_are_those_of_the_standards() {
        let mut digests = SumsHasher::default();
        digests.update(b"a");
        digests.update(b"bc");
        let sums = digests.finish();
        assert_eq!(sums.md5_base64, "kAFQmDzST7DWlj99KOF/cg==");
        assert_eq!(sums.sha1, "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert!(sums.sha256.starts_with("ba7816bf8f01cfea"));
        assert_eq!(md5_hex(b"abc"), "900150983cd24fb0d6963f7d28e17f72");
    }
}
