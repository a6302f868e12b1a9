//! Where the files of an archive lie in its bytes.

use crate::Anything;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use zip::{CompressionMethod, ZipArchive};

/// A file in an archive.
pub(crate) struct Entry<'a> {
    /// Where it goes.
    pub(crate) path: PathBuf,
    /// Its permissions.
    pub(crate) mode: u32,
    /// Its contents as they lie in the archive.
    pub(crate) data: &'a [u8],
    /// How they are packed.
    pub(crate) packing: Packing,
    /// Bytes when unpacked.
    pub(crate) size: usize,
}

/// How an entry is packed.
pub(crate) enum Packing {
    /// Not at all.
    Stored,
    /// By deflate.
    Deflated,
}

/// The files of the zip or tar in `bytes`, which go below `home`. Directories come with their files.
///
/// # Errors
/// It is neither, or damaged.
pub(crate) fn entries<'a>(bytes: &'a [u8], home: &Path) -> Result<Vec<Entry<'a>>, Anything> {
    if bytes.starts_with(b"PK") { in_zip(bytes, home) } else { in_tar(bytes, home) }
}

fn in_zip<'a>(bytes: &'a [u8], home: &Path) -> Result<Vec<Entry<'a>>, Anything> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))?;
    let mut entries = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index)?;
        let packing = match file.compression() {
            _ if file.is_dir() => continue,
            CompressionMethod::Stored => Packing::Stored,
            CompressionMethod::Deflated => Packing::Deflated,
            other => return Err(format!("{}: {other} is not understood", file.name()?).into()),
        };
        let start = usize::try_from(file.data_start().ok_or("an entry without data")?)?;
        let data = bytes.get(start..start + usize::try_from(file.compressed_size())?).ok_or("cut off")?;
        let (mode, size) = (file.unix_mode().unwrap_or(0o644) & 0o777, usize::try_from(file.size())?);
        entries.push(Entry { path: home.join(&*file.name()?), mode, data, packing, size });
    }
    Ok(entries)
}

fn in_tar<'a>(bytes: &'a [u8], home: &Path) -> Result<Vec<Entry<'a>>, Anything> {
    let mut archive = tar::Archive::new(Cursor::new(bytes));
    let mut entries = Vec::new();
    for file in archive.entries()? {
        let file = file?;
        if !file.header().entry_type().is_file() {
            continue;
        }
        let (start, size) = (usize::try_from(file.raw_file_position())?, usize::try_from(file.size())?);
        let data = bytes.get(start..start + size).ok_or("cut off")?;
        let mode = file.header().mode()? & 0o777;
        entries.push(Entry { path: home.join(file.path()?), mode, data, packing: Packing::Stored, size });
    }
    Ok(entries)
}
