//! Writes a layer: a tar whose entries all lie below one folder, owned by one user, in a file that has no name. The same
//! entries in the same order give the same bytes. What may be in it is decided in `admission.rs`.

use super::ImageError;
use super::admission::Admission;
use super::attributes::{self, LeftOut};
use super::bound::{Bound, Bounded};
use super::compressed_ahead::CompressedAhead;
use super::entries::Entry;
use super::growing::{Content, Growing, GrowingWriter};
use super::sha256::Hashing;
use std::fs::File;
use std::io::{self, BufWriter, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tar::{Builder, EntryType, Header};

/// Of a mode: what vcap's tar leaves of it under umask 022 in Diego's container. Neither the bits that make a program another
/// user's, nor the right to write for group and others.
const PERMISSIONS: u32 = 0o755;
/// Of a symbolic link's mode, of which no umask takes anything.
const PERMISSIONS_OF_LINK: u32 = 0o777;
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
pub(crate) struct Layer {
    file: Arc<Growing>,
    pub(super) bytes: u64,
    /// Of the bytes, in hexadecimal.
    pub(super) sha256: String,
    /// The layer compressed, where that was begun while it was written.
    pub(super) ahead: Option<CompressedAhead>,
}

impl Layer {
    /// One that somebody else wrote: all of `file`, of so many bytes with this sha256.
    pub(super) fn written(file: File, bytes: u64, sha256: String) -> Self {
        Self { file: Growing::whole(file, bytes), bytes, sha256, ahead: None }
    }

    /// With what is being made of it.
    pub(super) fn compressed(self, ahead: Option<CompressedAhead>) -> Self {
        Self { ahead, ..self }
    }

    /// Its bytes from the start. Several may read at once.
    pub(super) fn content(&self) -> impl Read + Send + 'static {
        self.file.content()
    }
}

/// A layer that is being written.
pub(crate) struct LayerWriter {
    archive: &'static str,
    root: PathBuf,
    owner: Owner,
    newest: Option<u64>,
    file: Arc<Growing>,
    tar: Builder<Bounded<Hashing<BufWriter<GrowingWriter>>>>,
    bound: Bound,
    admission: Admission,
    left_out: LeftOut,
}

impl LayerWriter {
    /// Below `root` (relative, `home/vcap`); `archive` is what errors call the source. What is newer than `newest`,
    /// seconds since 1970, gets that time. What would make it larger than `bound` is refused.
    pub(super) fn new(
        archive: &'static str,
        root: &str,
        owner: Owner,
        newest: Option<u64>,
        bound: Bound,
    ) -> Result<Self, ImageError> {
        let (writer, file) = Growing::begin().map_err(|error| ImageError::spool(&error))?;
        Ok(Self {
            archive,
            root: PathBuf::from(root),
            owner,
            newest,
            file,
            tar: Builder::new(Bounded::new(Hashing::new(BufWriter::with_capacity(256 << 10, writer)), bound)),
            bound,
            admission: Admission::new(archive),
            left_out: LeftOut::default(),
        })
    }

    /// A folder outside of [`Self::new`]'s root or the root itself, owned by `owner`.
    pub(super) fn folder(&mut self, path: &str, mode: u32, owner: Owner) -> Result<(), ImageError> {
        let mut header = header(EntryType::Directory, mode, self.time(FIXED_TIME), owner);
        let written = self.tar.append_data(&mut header, format!("{path}/"), io::empty());
        written.map_err(|error| self.failed(&error))
    }

    /// Adds the entry below the root, with its mode and time. The archive's own root entry is left out: the folder is
    /// made by [`Self::folder`], since a droplet's has mode 0700.
    pub(super) fn add(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), ImageError> {
        let Some(place) = self.admission.admit(entry)? else { return Ok(()) };
        let target = self.root.join(&place.path);
        let attributes = attributes::append(&mut self.tar, entry, &mut self.left_out);
        attributes.map_err(|error| self.failed(&error))?;
        let kept = if entry.kind == EntryType::Symlink { PERMISSIONS_OF_LINK } else { PERMISSIONS };
        let mut header = header(entry.kind, entry.mode & kept, self.time(entry.mtime), self.owner);
        let written = match entry.kind {
            EntryType::Directory => self.tar.append_data(&mut header, directory(&target), io::empty()),
            EntryType::Symlink => symlink(&mut self.tar, header, &target, &entry.link),
            EntryType::Link => self.tar.append_link(&mut header, &target, self.root.join(place.linked)),
            EntryType::Fifo => self.tar.append_data(&mut header, &target, io::empty()),
            _ => {
                header.set_size(entry.size);
                return self.file(header, &target, content);
            }
        };
        written.map_err(|error| self.failed(&error))
    }

    /// Why something could not be written.
    fn failed(&self, error: &io::Error) -> ImageError {
        if self.tar.get_ref().is_passed() {
            return ImageError::LimitExceeded { archive: self.archive, bound: self.bound };
        }
        ImageError::spool(error)
    }

    /// Its bytes from the start, as they come; whoever reads them waits for the rest.
    pub(super) fn content(&self) -> Content {
        self.file.content()
    }

    /// What was left out by now.
    pub(super) fn left_out(&self) -> &LeftOut {
        &self.left_out
    }

    fn time(&self, mtime: u64) -> u64 {
        self.newest.map_or(mtime, |newest| mtime.min(newest))
    }

    /// The end of the layer.
    pub(super) fn finish(mut self) -> Result<Layer, ImageError> {
        self.tar.finish().map_err(|error| self.failed(&error))?;
        let finish = || {
            let (buffer, sha256, bytes) = self.tar.into_inner()?.inner.finish();
            let writer = buffer.into_inner().map_err(io::IntoInnerError::into_error)?;
            Ok(Layer { file: writer.finish(), bytes, sha256, ahead: None })
        };
        finish().map_err(|error: io::Error| ImageError::spool(&error))
    }

    fn file(&mut self, mut header: Header, target: &Path, content: &mut dyn Read) -> Result<(), ImageError> {
        // Before the first byte of it, whatever its content turns out to be.
        if self.tar.get_mut().is_too_much(header.entry_size().unwrap_or(u64::MAX)) {
            return Err(ImageError::LimitExceeded { archive: self.archive, bound: self.bound });
        }
        let mut content = Remembering::new(content);
        let written = self.tar.append_data(&mut header, target, &mut content);
        match (written, content.error) {
            (Ok(()), _) => Ok(()),
            (Err(_), Some(reason)) => Err(ImageError::Corrupt { archive: self.archive, reason }),
            (Err(error), None) => Err(self.failed(&error)),
        }
    }
}

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

/// Byte for byte; the crate's own way would tidy the target up.
fn symlink(tar: &mut Builder<impl io::Write>, mut header: Header, path: &Path, target: &[u8]) -> io::Result<()> {
    if target.len() > SHORT_LINK {
        let mut long = Header::new_gnu();
        long.set_entry_type(EntryType::GNULongLink);
        long.set_path("././@LongLink")?;
        long.set_mode(0o644);
        long.set_size(target.len() as u64 + 1);
        long.set_cksum();
        tar.append(&long, target.chain(&[0][..]))?;
    }
    header.set_link_name_literal(&target[..target.len().min(SHORT_LINK)])?;
    tar.append_data(&mut header, path, io::empty())
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
