//! How large a layer may become: as large as the staging request's disk, or as the user says, and not out of all proportion to
//! the archive that it is made of. Every byte counts that is written, those of names, attributes and holes too.

use shared_model::size;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};

/// Bytes of a layer where neither a request nor the user says how many; Diego's largest disk quotas are far below.
pub(crate) const GENEROUS: u64 = 16 << 30;
/// Bytes that come out for each that an archive has; asked from [`RATIO_FLOOR`] on. Both as the agent has them for archives.
const RATIO: u64 = 200;
/// What an archive may become whatever its own size: a small file of zeros is no bomb.
const RATIO_FLOOR: u64 = 100 << 20;

/// How large a layer may become, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    /// Bytes of the uncompressed layer.
    pub(crate) bytes: u64,
    /// Whose word that is.
    pub(crate) by: BoundBy,
}

/// Who says how large a layer may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BoundBy {
    /// The staging request, in MiB.
    Request { disk_mb: i32 },
    /// `--max-layer`, or what it is where it was not typed.
    Option,
    /// The archive's own size.
    Ratio,
}

impl Bound {
    /// What a request's `disk_mb` allows; 0: it sets no limit.
    pub(crate) fn from_request(disk_mb: i32) -> Self {
        match u64::try_from(disk_mb) {
            Ok(mib) if mib > 0 => Self { bytes: mib << 20, by: BoundBy::Request { disk_mb } },
            _ => Self::from_option(GENEROUS),
        }
    }

    /// What the user allows.
    pub(crate) const fn from_option(bytes: u64) -> Self {
        Self { bytes, by: BoundBy::Option }
    }

    /// The same for what an archive of this size is unpacked to.
    pub(super) fn with_ratio(self, packed: u64) -> Self {
        let bytes = packed.saturating_mul(RATIO).max(RATIO_FLOOR);
        if bytes < self.bytes { Self { bytes, by: BoundBy::Ratio } } else { self }
    }
}

impl fmt::Display for BoundBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { disk_mb } => write!(f, "the most that its request allows (disk_mb={disk_mb})"),
            Self::Option => f.write_str("the most that --max-layer allows"),
            Self::Ratio => write!(f, "more than {RATIO} times its own size"),
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", size::bytes(self.bytes), self.by)
    }
}

/// Passes on what is written until it is too much.
pub(super) struct Bounded<W> {
    pub(super) inner: W,
    left: u64,
    is_passed: bool,
}

impl<W> Bounded<W> {
    pub(super) fn new(inner: W, bound: Bound) -> Self {
        Self { inner, left: bound.bytes, is_passed: false }
    }

    /// Whether so many more bytes would be too much; remembered, so that [`Self::is_passed`] tells it from other errors.
    pub(super) fn is_too_much(&mut self, bytes: u64) -> bool {
        self.is_passed |= bytes > self.left;
        self.is_passed
    }

    /// Whether more was to be written than may be.
    pub(super) fn is_passed(&self) -> bool {
        self.is_passed
    }
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if self.is_too_much(buffer.len() as u64) {
            return Err(io::Error::other("more than a layer may hold"));
        }
        let length = self.inner.write(buffer)?;
        self.left -= length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Bytes of a file; 0 where nobody knows.
pub(super) fn length(file: &File) -> u64 {
    file.metadata().map_or(0, |metadata| metadata.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_word_counts() {
        assert_eq!(Bound::from_request(1024).bytes, 1 << 30);
        assert_eq!(
            (Bound::from_request(0), Bound::from_request(-1)),
            (Bound::from_option(GENEROUS), Bound::from_option(GENEROUS))
        );
        let bound = Bound::from_request(1024);
        assert_eq!(bound.with_ratio(1 << 30), bound);
        assert_eq!(bound.with_ratio(3 << 20), Bound { bytes: 600 << 20, by: BoundBy::Ratio });
        assert_eq!(bound.with_ratio(1).bytes, RATIO_FLOOR);
    }

    #[test]
    fn nothing_is_written_beyond_the_bound() {
        let mut bounded = Bounded::new(Vec::new(), Bound::from_option(3));
        bounded.write_all(b"ab").unwrap();
        assert!(!bounded.is_passed());
        bounded.write_all(b"cd").unwrap_err();
        assert!(bounded.is_passed());
        assert_eq!(bounded.inner, b"ab");
    }
}
