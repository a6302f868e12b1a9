//! Writes a layer: a tar whose entries all lie below one folder, owned by one user, in a file that has no name. The same
//! entries in the same order give the same bytes. What may be in it is decided in `admission.rs`.

use super::ImageError;
use super::admission::Admission;
use super::entries::Entry;
use super::sha256::Hashing;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tar::{Builder, EntryType, Header};

/// What a link's target may have in a header of its own.
const SHORT_LINK: usize = 100;
/// 1980-01-01, as other image builders have it, for what has no time of its own: zip cannot say less.
pub(super) const FIXED_TIME: u64 = 315_532_800;

/// Whose the entries are.
#[derive(Clone, Copy)]
pub(super) struct Owner {
    pub(super) uid: u64,
    pub(super) gid: u64,
}

/// A finished layer. The file has no name and is gone with the last that reads it.
pub(super) struct Layer {
    file: Arc<File>,
    pub(super) bytes: u64,
    /// Of the bytes, in hexadecimal.
    pub(super) sha256: String,
}

impl Layer {
    /// Its bytes from the start. Several may read at once.
    pub(super) fn content(&self) -> impl Read + Send + 'static {
        Content { file: Arc::clone(&self.file), at: 0 }.take(self.bytes)
    }
}

struct Content {
    file: Arc<File>,
    at: u64,
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read_at(buffer, self.at)?;
        self.at += length as u64;
        Ok(length)
    }
}

/// A layer that is being written.
pub(super) struct LayerWriter {
    archive: &'static str,
    root: PathBuf,
    owner: Owner,
    tar: Builder<Hashing<BufWriter<File>>>,
    admission: Admission,
}

impl LayerWriter {
    /// Below `root` (relative, `home/vcap`); `archive` is what errors call the source.
    pub(super) fn new(archive: &'static str, root: &str, owner: Owner) -> Result<Self, ImageError> {
        let file = tempfile::tempfile().map_err(|error| ImageError::spool(&error))?;
        Ok(Self {
            archive,
            root: PathBuf::from(root),
            owner,
            tar: Builder::new(Hashing::new(BufWriter::with_capacity(256 << 10, file))),
            admission: Admission::new(archive),
        })
    }

    /// A folder outside of [`Self::new`]'s root or the root itself, owned by `owner`.
    pub(super) fn folder(&mut self, path: &str, mode: u32, owner: Owner) -> Result<(), ImageError> {
        let mut header = header(EntryType::Directory, mode, FIXED_TIME, owner);
        let written = self.tar.append_data(&mut header, format!("{path}/"), io::empty());
        written.map_err(|error| ImageError::spool(&error))
    }

    /// Adds the entry below the root, with its mode and time. The archive's own root entry is left out: the folder is
    /// made by [`Self::folder`], since a droplet's has mode 0700.
    pub(super) fn add(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), ImageError> {
        let Some(place) = self.admission.admit(entry)? else { return Ok(()) };
        let target = self.root.join(&place.path);
        if !entry.attributes.is_empty() {
            let attributes = entry.attributes.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
            self.tar.append_pax_extensions(attributes).map_err(|error| ImageError::spool(&error))?;
        }
        let mut header = header(entry.kind, entry.mode, entry.mtime, self.owner);
        let written = match entry.kind {
            EntryType::Directory => self.tar.append_data(&mut header, directory(&target), io::empty()),
            EntryType::Symlink => symlink(&mut self.tar, header, &target, &entry.link),
            EntryType::Link => self.tar.append_link(&mut header, &target, self.root.join(place.linked)),
            EntryType::Fifo => self.tar.append_data(&mut header, &target, io::empty()),
            _ => {
                header.set_entry_type(EntryType::Regular);
                header.set_size(entry.size);
                return self.file(header, &target, content);
            }
        };
        written.map_err(|error| ImageError::spool(&error))
    }

    /// The end of the layer.
    pub(super) fn finish(self) -> Result<Layer, ImageError> {
        let finish = || {
            let (buffer, sha256, bytes) = self.tar.into_inner()?.finish();
            let file = buffer.into_inner().map_err(io::IntoInnerError::into_error)?;
            Ok(Layer { file: Arc::new(file), bytes, sha256 })
        };
        finish().map_err(|error: io::Error| ImageError::spool(&error))
    }

    fn file(&mut self, mut header: Header, target: &Path, content: &mut dyn Read) -> Result<(), ImageError> {
        let mut content = Remembering::new(content);
        let written = self.tar.append_data(&mut header, target, &mut content);
        match (written, content.error) {
            (Ok(()), _) => Ok(()),
            (Err(_), Some(reason)) => Err(ImageError::Corrupt { archive: self.archive, reason }),
            (Err(error), None) => Err(ImageError::spool(&error)),
        }
    }
}

/// Of extended attributes the user's own are taken over, before this. A file capability among the others would give a
/// program more than its user has.
fn header(kind: EntryType, mode: u32, mtime: u64, owner: Owner) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_mtime(mtime);
    header.set_uid(owner.uid);
    header.set_gid(owner.gid);
    header.set_size(0);
    header
}

fn directory(path: &Path) -> PathBuf {
    path.join("")
}

fn symlink(tar: &mut Builder<impl io::Write>, mut header: Header, path: &Path, target: &[u8]) -> io::Result<()> {
    if target.len() <= SHORT_LINK {
        // Byte for byte; `append_link` would tidy it up.
        header.set_link_name_literal(target)?;
        tar.append_data(&mut header, path, io::empty())
    } else {
        tar.append_link(&mut header, path, Path::new(OsStr::from_bytes(target)))
    }
}

/// Tells a broken archive from a full disk.
pub(super) struct Remembering<'a> {
    inner: &'a mut dyn Read,
    /// What was wrong with the archive, if anything.
    pub(super) error: Option<String>,
}

impl<'a> Remembering<'a> {
    pub(super) fn new(inner: &'a mut dyn Read) -> Self {
        Self { inner, error: None }
    }
}

impl Read for Remembering<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).inspect_err(|error| self.error = Some(error.to_string()))
    }
}

#[cfg(test)]
mod tests;
