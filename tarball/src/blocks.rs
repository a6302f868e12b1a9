//! A tar as a row of blocks: headers, and after some of them the contents of a member, padded to a whole block.

use std::io::{self, Read};
use tar::Header;

/// Bytes of a block.
pub const BLOCK: usize = 512;
/// Where a header has its checksum.
const CHECKSUM: std::ops::Range<usize> = 148..156;

/// Reads an archive block by block. As a [`Read`] it gives the contents of the member whose header came last, and no
/// more.
pub(crate) struct Blocks<R> {
    archive: R,
    /// Bytes of the contents that were not read yet.
    pub(crate) left: u64,
    padding: usize,
}

impl<R: Read> Blocks<R> {
    /// The blocks of `archive`.
    pub(crate) fn new(archive: R) -> Self {
        Self { archive, left: 0, padding: 0 }
    }

    /// The next header; skips what is left of the contents before it. `None`: the archive ends here, with a block of
    /// zeros or, as GNU tar has it too, without.
    ///
    /// # Errors
    /// The archive cannot be read, or ends in the middle, or the checksum is wrong.
    pub(crate) fn header(&mut self) -> io::Result<Option<Header>> {
        io::copy(self, &mut io::sink())?;
        let mut padding = [0; BLOCK];
        exactly(&mut self.archive, &mut padding[..self.padding])?;
        self.padding = 0;
        let mut header = Header::new_old();
        if !whole_or_nothing(&mut self.archive, header.as_mut_bytes())?
            || header.as_bytes().iter().all(|byte| *byte == 0)
        {
            return Ok(None);
        }
        if !has_checksum(header.as_bytes()) {
            return Err(damaged("the checksum of its header is wrong"));
        }
        Ok(Some(header))
    }

    /// The next block, which belongs to the header before it.
    ///
    /// # Errors
    /// The archive cannot be read, or ends there.
    pub(crate) fn block(&mut self, block: &mut [u8; BLOCK]) -> io::Result<()> {
        exactly(&mut self.archive, block)
    }

    /// From here on there are `size` bytes of contents.
    pub(crate) fn begin(&mut self, size: u64) {
        self.left = size;
        let over = usize::try_from(size % BLOCK as u64).unwrap_or(0);
        self.padding = (BLOCK - over) % BLOCK;
    }
}

impl<R: Read> Read for Blocks<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let count = self.archive.read(&mut buffer[..most])?;
        if count == 0 && most > 0 {
            return Err(cut());
        }
        self.left -= count as u64;
        Ok(count)
    }
}

/// Whether a header has the right checksum, which is also the only sign of a tar that is older than POSIX. Some old
/// programs added the bytes up as signed numbers.
#[must_use]
pub fn has_checksum(header: &[u8; BLOCK]) -> bool {
    let counted = |at: usize| if CHECKSUM.contains(&at) { b' ' } else { header[at] };
    let unsigned: i64 = (0..BLOCK).map(|at| i64::from(counted(at))).sum();
    let signed: i64 = (0..BLOCK).map(|at| i64::from(counted(at).cast_signed())).sum();
    number(&header[CHECKSUM]).is_ok_and(|sum| [Ok(unsigned), Ok(signed)].contains(&i64::try_from(sum).map_err(drop)))
}

/// A number of a header: octal digits, or binary where its first bit is set; nothing is 0.
///
/// # Errors
/// It is no number, is negative, or too large for 64 bits.
pub(crate) fn number(field: &[u8]) -> io::Result<u64> {
    match field {
        [first, ..] if first & 0xc0 == 0xc0 => Err(damaged("a number in its header is negative")),
        [first, rest @ ..] if first & 0x80 != 0 => {
            let start = u64::from(first & 0x3f);
            let digits = rest.iter().try_fold(start, |sum, byte| Some(sum.checked_mul(256)? + u64::from(*byte)));
            digits.ok_or_else(|| damaged("a number in its header is too large"))
        }
        _ => {
            let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
            let digits = field[..end].trim_ascii();
            let digit = |sum: u64, byte: &u8| match byte {
                b'0'..=b'7' => Some(sum.checked_mul(8)? + u64::from(byte - b'0')),
                _ => None,
            };
            digits.iter().try_fold(0, digit).ok_or_else(|| damaged("a number in its header is none"))
        }
    }
}

/// A number in digits and nothing else.
///
/// # Errors
/// It is none, or has more than 64 bits.
pub(crate) fn decimal(digits: &[u8]) -> io::Result<u64> {
    let text = str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    text.and_then(|text| text.parse().ok()).ok_or_else(malformed)
}

/// Why an archive is damaged.
#[must_use]
pub fn damaged(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// What pax and sparse headers say alike where their text is no number or no record.
pub(crate) fn malformed() -> io::Error {
    damaged("its extended header is malformed")
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends in the middle of it")
}

fn exactly(archive: &mut impl Read, buffer: &mut [u8]) -> io::Result<()> {
    if buffer.is_empty() || whole_or_nothing(archive, buffer)? { Ok(()) } else { Err(cut()) }
}

/// Fills `buffer`; `false`: there was nothing to fill it with.
fn whole_or_nothing(archive: &mut impl Read, mut buffer: &mut [u8]) -> io::Result<bool> {
    let wanted = buffer.len() as u64;
    match io::copy(&mut archive.take(wanted), &mut buffer)? {
        0 => Ok(false),
        count if count == wanted => Ok(true),
        _ => Err(cut()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_binary_and_never_negative() {
        let binary = |last: &[u8]| [&[0x80; 1][..], &vec![0; 11 - last.len()], last].concat();
        for (field, expected) in [
            (&b"0000644\0"[..], Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"77777777777 ", Some(0o77_777_777_777)),
            (b"\0\0\0\0\0\0\0\0", Some(0)),
            (&binary(&[1, 0]), Some(256)),
            (&binary(&[255; 8]), Some(u64::MAX)),
            (&binary(&[1, 0, 0, 0, 0, 0, 0, 0, 0]), None),
            (&[0xff; 12], None),
            (b"-0000001", None),
            (b"0x1", None),
            (b"99", None),
        ] {
            assert_eq!(number(field).ok(), expected, "{field:?}");
        }
    }
}
