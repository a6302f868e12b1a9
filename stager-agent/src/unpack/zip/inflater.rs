//! Contents of entries, out of the archive and checked: size and CRC-32, for every entry.
//!
//! What is small is inflated whole, from memory to memory: about twice as fast as a stream. What is large is a stream.

use super::contents::{Method, ZipContents};
use super::spool::Spool;
use crate::unpack::tree::Sum;
use flate2::bufread::DeflateDecoder;
use libdeflater::{DecompressionError, Decompressor, crc32};
use std::cmp::Ordering;
use std::io::{self, BufReader, Read};

/// Bytes read at a time for a stream.
const BUFFER: usize = 64 * 1024;

/// A buffer that grows to what it is used for and is used again, and the tables of the decompressor.
pub(super) struct Inflater {
    tables: Decompressor,
    buffer: Vec<u8>,
}

impl Inflater {
    /// With an empty buffer.
    pub(super) fn new() -> Self {
        Self { tables: Decompressor::new(), buffer: Vec::new() }
    }

    /// All of `contents` at once.
    ///
    /// # Errors
    /// The archive cannot be read, or the contents are not what the directory says.
    pub(super) fn whole(&mut self, spool: &Spool, contents: &ZipContents) -> io::Result<&[u8]> {
        let Self { tables, buffer } = self;
        let packed = usize::try_from(contents.packed()).map_err(io::Error::other)?;
        let buffer = space(buffer, in_memory(contents))?;
        let whole = match contents.method {
            Method::Stored => {
                let whole = &mut buffer[..packed];
                spool.read_exact_at(whole, contents.start)?;
                whole
            }
            Method::Deflated => {
                let (packed, unpacked) = buffer.split_at_mut(packed);
                spool.read_exact_at(packed, contents.start)?;
                let written = tables.deflate_decompress(packed, unpacked).map_err(|error| match error {
                    DecompressionError::BadData => invalid("it cannot be inflated"),
                    DecompressionError::InsufficientSpace => invalid(TOO_LARGE),
                })?;
                &mut unpacked[..written]
            }
        };
        as_stated(contents, Sum { size: whole.len() as u64, crc32: crc32(whole) })?;
        Ok(whole)
    }
}

/// Bytes of memory that [`Inflater::whole`] takes: the contents lie there packed and unpacked.
pub(super) fn in_memory(contents: &ZipContents) -> u64 {
    contents.packed().saturating_add(contents.size)
}

/// The first `size` bytes of `buffer`, which grows to no more than that.
fn space(buffer: &mut Vec<u8>, size: u64) -> io::Result<&mut [u8]> {
    let size = usize::try_from(size).map_err(io::Error::other)?;
    if buffer.len() < size {
        buffer.reserve_exact(size - buffer.len());
        buffer.resize(size, 0);
    }
    Ok(&mut buffer[..size])
}

/// The same as [`Inflater::whole`], bit by bit and unchecked: the sum of what came is for [`as_stated`].
pub(super) fn stream<'s>(spool: &'s Spool, contents: &ZipContents) -> Box<dyn Read + 's> {
    let packed = spool.part(contents.start, contents.end);
    let enough = contents.size.saturating_add(1);
    match contents.method {
        Method::Stored => Box::new(packed),
        Method::Deflated => Box::new(DeflateDecoder::new(BufReader::with_capacity(BUFFER, packed)).take(enough)),
    }
}

/// Compares what came out with what the directory says of `contents`.
///
/// # Errors
/// It is something else.
pub(super) fn as_stated(contents: &ZipContents, out: Sum) -> io::Result<()> {
    match out.size.cmp(&contents.size) {
        Ordering::Greater => Err(invalid(TOO_LARGE)),
        Ordering::Less => Err(invalid(TOO_SMALL)),
        Ordering::Equal if out.crc32 != contents.crc => Err(invalid(OTHER_CRC)),
        Ordering::Equal => Ok(()),
    }
}

const TOO_LARGE: &str = "more comes out of it than the directory says";
const TOO_SMALL: &str = "less comes out of it than the directory says";
const OTHER_CRC: &str = "its checksum is not that of the directory";

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
