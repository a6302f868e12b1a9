//! The header in front of an entry, held against the record of the directory.

use super::contents::{Method, ZipContents};
use super::record::{is_same_name, unicode_name};
use crate::unpack::entry_name::shown;
use crate::unpack::error::UnpackError;
use rawzip::{CompressionMethod, Error, ErrorKind, ReaderAt, ZipArchive, ZipFileHeaderRecord, ZipLocalFileHeader};
use std::io;

/// The longest name and the longest extra fields that a header can have.
const VARIABLE_PART: usize = 2 * u16::MAX as usize;
/// Bytes of a deflated stream of which nothing comes: 03 00.
const EMPTY_STREAM: u64 = 2;

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
        let end = if is_empty_directory(record, &local) { start } else { end };
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
    if !is_one_name(record, local) {
        return Some("its local header and the directory disagree about its name");
    }
    if is_empty_directory(record, local) {
        return None;
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

fn is_one_name(record: &ZipFileHeaderRecord, local: &ZipLocalFileHeader) -> bool {
    let system = record.version_made_by().creator_system();
    let (raw, local_raw) = (record.file_path().as_bytes(), local.file_path().as_bytes());
    let unicode = unicode_name(raw, record.extra_fields());
    let same_unicode = |name: &[u8]| unicode.is_some_and(|unicode| is_same_name(name, unicode, system));
    is_same_name(local_raw, raw, system) && unicode_name(local_raw, local.extra_fields()).is_none_or(same_unicode)
}

/// Whether both say of a directory that nothing comes out of it. Some packers of jars say in one of the headers, or in both,
/// that it is deflated to [`EMPTY_STREAM`], and leave the stream out. Nobody reads it.
fn is_empty_directory(record: &ZipFileHeaderRecord, local: &ZipLocalFileHeader) -> bool {
    let is_nothing = |packed, size, crc| packed <= EMPTY_STREAM && size == 0 && crc == 0;
    record.file_path().as_bytes().ends_with(b"/")
        && is_nothing(record.compressed_size_hint(), record.uncompressed_size_hint(), record.crc32())
        && is_nothing(local.compressed_size_hint(), local.uncompressed_size_hint(), local.crc32())
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
