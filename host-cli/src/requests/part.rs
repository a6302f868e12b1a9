//! A reader of a piece of a file, with a place of its own: several may read one file at once.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// See the module.
pub(crate) struct Part<'a> {
    file: &'a File,
    left: Range<u64>,
}

impl<'a> Part<'a> {
    /// These bytes of the file, as far as it has them.
    pub(crate) fn new(file: &'a File, bytes: Range<u64>) -> Self {
        Self { file, left: bytes }
    }

    /// All of the file, as long as it is when its end is read.
    pub(crate) fn whole(file: &'a File) -> Self {
        Self::new(file, 0..u64::MAX)
    }

    /// Where in the file the next byte is.
    pub(crate) fn at(&self) -> u64 {
        self.left.start
    }
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Range { start, end } = self.left;
        let most = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.file.read_at(&mut buffer[..most], start)?;
        self.left.start += read as u64;
        Ok(read)
    }
}
