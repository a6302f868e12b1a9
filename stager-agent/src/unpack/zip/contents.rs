//! Where an entry of a zip lies in its archive, and how it is packed.

/// A stretch of the archive, and what it becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ZipContents {
    /// Where the local header begins.
    pub(super) header: u64,
    /// Where the contents begin.
    pub(super) start: u64,
    /// Where they end.
    pub(super) end: u64,
    /// Bytes that come out.
    pub(super) size: u64,
    /// CRC-32 of what comes out.
    pub(super) crc: u32,
    /// How they are packed.
    pub(super) method: Method,
}

impl ZipContents {
    /// Bytes in the archive.
    pub(super) fn packed(&self) -> u64 {
        self.end - self.start
    }
}

/// How contents are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Deflated,
}
