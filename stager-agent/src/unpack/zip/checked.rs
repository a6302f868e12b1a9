//! The header in front of an entry, held against the record of the directory.

use super::contents::{Method, ZipContents};
use super::record::unicode_name;
use crate::unpack::entry_name::shown;
use crate::unpack::error::UnpackError;
use rawzip::extra_fields::ExtraFields;
use rawzip::{CompressionMethod, Error, ErrorKind, ReaderAt, ZipArchive, ZipFileHeaderRecord, ZipLocalFileHeader};
use std::io;

/// The longest name and the longest extra fields that a header can have.
const VARIABLE_PART: usize = 2 * u16::MAX as usize;

/// Reads local headers.
pub(super) struct Headers<'a, R> {
    archive: &'a ZipArchive<R>,
    buffer: Vec<u8>,
}

impl<'a, R: ReaderAt> Headers<'a, R> {
    pub(super) fn new(archive: &'a ZipArchive<R>) -> Self {
        Self { archive, buffer: vec![0; VARIABLE_PART] }
    }

    /// What `record` and the entry's local header agree on. `name` is for error texts.
    ///
    /// # Errors
    /// They disagree, or the entry cannot be unpacked, or is not within the archive.
    pub(super) fn agreed(&mut self, record: &ZipFileHeaderRecord, name: &[u8]) -> Result<ZipContents, UnpackError> {
        let forbidden = |what| UnpackError::Forbidden { entry: shown(name), what };
        let corrupt = |what: &str| UnpackError::damaged(Some(shown(name)), what);
        let entry = self.archive.get_entry(record.wayfinder()).map_err(|error| damaged(Some(name), error))?;
        let local = entry.local_header(&mut self.buffer).map_err(|error| damaged(Some(name), error))?;
        if record.flags().is_encrypted() || local.flags().is_encrypted() {
            return Err(forbidden("is encrypted"));
        }
        if let Some(what) = disagreement(record, &local) {
            return Err(corrupt(what));
        }
        let method = match record.compression_method() {
            CompressionMethod::STORE => Method::Stored,
            CompressionMethod::DEFLATE => Method::Deflated,
            _ => return Err(forbidden("is compressed in a way that is not understood")),
        };
        let (start, end) = entry.compressed_data_range();
        let size = record.uncompressed_size_hint();
        if method == Method::Stored && size != end - start {
            return Err(corrupt("it is not compressed, but has two sizes"));
        }
        Ok(ZipContents { header: record.local_header_offset(), start, end, size, crc: record.crc32(), method })
    }
}

/// What the two headers say differently. A header that was written before its contents were known has no sizes and no
/// checksum: those stand behind the contents then, where nobody can find them without the directory.
fn disagreement(record: &ZipFileHeaderRecord, local: &ZipLocalFileHeader) -> Option<&'static str> {
    let raw = record.file_path().as_bytes();
    let unicode = |extra: ExtraFields<'_>| unicode_name(raw, extra).map(<[u8]>::to_vec);
    let other_unicode = unicode(local.extra_fields()).is_some_and(|name| Some(name) != unicode(record.extra_fields()));
    if local.file_path().as_bytes() != raw || other_unicode {
        return Some("its local header and the directory disagree about its name");
    }
    if local.compression_method() != record.compression_method() {
        return Some("its local header and the directory disagree about its compression");
    }
    if local.flags().has_data_descriptor() {
        return None;
    }
    let sizes = (record.compressed_size_hint(), record.uncompressed_size_hint());
    if (local.compressed_size_hint(), local.uncompressed_size_hint()) != sizes {
        return Some("its local header and the directory disagree about its size");
    }
    if local.crc32() != record.crc32() {
        return Some("its local header and the directory disagree about its checksum");
    }
    None
}

impl UnpackError {
    /// An archive that contradicts itself.
    pub(super) fn damaged(entry: Option<String>, what: &str) -> Self {
        Self::Corrupt { entry, cause: io::Error::new(io::ErrorKind::InvalidData, what) }
    }
}

/// An error of the zip library, in our words.
pub(super) fn damaged(entry: Option<&[u8]>, error: Error) -> UnpackError {
    let what = match error.into_kind() {
        ErrorKind::IO(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => "it ends in the middle".to_owned(),
        ErrorKind::IO(cause) => return UnpackError::Corrupt { entry: entry.map(shown), cause },
        ErrorKind::MissingEndOfCentralDirectory => {
            "it has no directory at its end, as if it had been cut off".to_owned()
        }
        ErrorKind::Eof => "it ends in the middle".to_owned(),
        ErrorKind::InvalidSignature { .. } if entry.is_some() => "there is no header where it should begin".to_owned(),
        ErrorKind::InvalidSignature { .. } | ErrorKind::InvalidEndOfCentralDirectory => {
            "its directory is not where it should be".to_owned()
        }
        other => other.to_string(),
    };
    UnpackError::damaged(entry.map(shown), &what)
}
