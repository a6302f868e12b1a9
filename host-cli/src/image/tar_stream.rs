//! A tar that is made while it is read: of bytes at hand and of finished layers, whose sizes are known before.

use super::ImageError;
use super::layer::{FIXED_TIME, Layer};
use std::io::{self, Cursor, Read};
use tar::Header;

const BLOCK: u64 = 512;

/// A tar under way; [`Self::end`] closes it.
pub(super) struct TarStream(Box<dyn Read + Send>);

impl TarStream {
    pub(super) fn new() -> Self {
        Self(Box::new(io::empty()))
    }

    /// Adds a file. `name` has at most 100 bytes.
    pub(super) fn file(self, name: &str, content: impl Into<Vec<u8>>) -> Result<Self, ImageError> {
        let content = content.into();
        self.part(name, content.len() as u64, Cursor::new(content))
    }

    /// Adds a layer as a file.
    pub(super) fn layer(self, name: &str, layer: &Layer) -> Result<Self, ImageError> {
        self.part(name, layer.bytes, layer.content())
    }

    /// The stream with its end.
    pub(super) fn end(self) -> Box<dyn Read + Send> {
        Box::new(self.0.chain(io::repeat(0).take(2 * BLOCK)))
    }

    fn part(self, name: &str, length: u64, content: impl Read + Send + 'static) -> Result<Self, ImageError> {
        let mut header = Header::new_gnu();
        header.set_path(name).map_err(|error| ImageError::spool(&error))?;
        header.set_size(length);
        header.set_mode(0o644);
        header.set_mtime(FIXED_TIME);
        header.set_cksum();
        let padding = io::repeat(0).take(length.next_multiple_of(BLOCK) - length);
        let part = Cursor::new(header.as_bytes().to_vec()).chain(content).chain(padding);
        Ok(Self(Box::new(self.0.chain(part))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_comes_out_as_a_tar() {
        let stream = TarStream::new().file("a", "x".repeat(513)).unwrap().file("b/c", "").unwrap();
        let mut bytes = Vec::new();
        stream.end().read_to_end(&mut bytes).unwrap();
        let mut archive = tar::Archive::new(&*bytes);
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            (entry.path().unwrap().display().to_string(), entry.size())
        });
        assert_eq!(entries.collect::<Vec<_>>(), [("a".to_owned(), 513), ("b/c".to_owned(), 0)]);
        assert_eq!(bytes.len(), 6 * 512);
    }
}
