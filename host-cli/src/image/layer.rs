//! Writes a layer: a tar whose entries all lie below one folder, owned by one user, in a file that has no name. The same
//! entries in the same order give the same bytes.
//!
//! Nothing may leave the folder: not by its path, not through a symbolic link that was written before, and not through
//! a hard link to such a link. Links may *point* anywhere; that is for the container to resolve.

use super::ImageError;
use super::entries::{Entry, below_root};
use super::sha256::Hashing;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tar::{Builder, EntryType, Header};

/// Bytes that a layer may have. Diego's largest disk quotas are far below; an archive of zeros ends here.
const LARGEST: u64 = 16 << 30;
/// Entries that a layer may have, so that an archive of nothing but names ends too.
const MOST_ENTRIES: u64 = 2_000_000;
/// Bytes of the paths of symbolic links, which are kept in memory until the layer is finished.
const MOST_LINKS: usize = 16 << 20;
/// Bytes of a tar header.
const BLOCK: u64 = 512;
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
    links: HashSet<PathBuf>,
    link_bytes: usize,
    entries: u64,
    bytes: u64,
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
            links: HashSet::new(),
            link_bytes: 0,
            entries: 0,
            bytes: 0,
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
        let path = self.inside(entry, &entry.path)?;
        if path.as_os_str().is_empty() {
            return if entry.kind.is_dir() { Ok(()) } else { Err(self.refusal(entry, "which is not a folder")) };
        }
        self.count(entry)?;
        let target = self.root.join(&path);
        if !entry.attributes.is_empty() {
            let attributes = entry.attributes.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
            self.tar.append_pax_extensions(attributes).map_err(|error| ImageError::spool(&error))?;
        }
        let mut header = header(entry.kind, entry.mode, entry.mtime, self.owner);
        let written = match entry.kind {
            EntryType::Directory => self.tar.append_data(&mut header, directory(&target), io::empty()),
            EntryType::Regular | EntryType::Continuous => {
                header.set_entry_type(EntryType::Regular);
                header.set_size(entry.size);
                return self.file(header, &target, content);
            }
            EntryType::Fifo => self.tar.append_data(&mut header, &target, io::empty()),
            EntryType::Symlink => {
                self.link(path)?;
                symlink(&mut self.tar, header, &target, &entry.link)
            }
            EntryType::Link => {
                let linked = self.inside(entry, &entry.link)?;
                if self.links.contains(&linked) {
                    self.link(path)?; // The same symbolic link under one more name.
                }
                self.tar.append_link(&mut header, &target, self.root.join(linked))
            }
            EntryType::Char | EntryType::Block => return Err(self.refusal(entry, "which is a device")),
            _ => return Err(self.refusal(entry, "which is of a kind that no layer holds")),
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
        let mut content = Remembering { inner: content, error: None };
        let written = self.tar.append_data(&mut header, target, &mut content);
        match (written, content.error) {
            (Ok(()), _) => Ok(()),
            (Err(_), Some(reason)) => Err(ImageError::Corrupt { archive: self.archive, reason }),
            (Err(error), None) => Err(ImageError::spool(&error)),
        }
    }

    /// The path below the root that `path` of `entry` means.
    fn inside(&self, entry: &Entry, path: &[u8]) -> Result<PathBuf, ImageError> {
        let Some(below) = below_root(path) else { return Err(self.refusal(entry, "which leads out of its folder")) };
        if below.ancestors().skip(1).any(|ancestor| self.links.contains(ancestor)) {
            return Err(self.refusal(entry, "which leads through a symbolic link"));
        }
        if below.components().any(|part| part.as_os_str().as_bytes().starts_with(b".wh.")) {
            return Err(self.refusal(entry, "whose name means a deletion in a layer"));
        }
        Ok(below)
    }

    fn link(&mut self, path: PathBuf) -> Result<(), ImageError> {
        self.link_bytes += path.as_os_str().len() + size_of::<PathBuf>();
        if self.link_bytes > MOST_LINKS {
            return Err(ImageError::TooLarge { archive: self.archive, limit: "16 MiB of symbolic links".to_owned() });
        }
        self.links.insert(path);
        Ok(())
    }

    fn count(&mut self, entry: &Entry) -> Result<(), ImageError> {
        self.entries += 1;
        self.bytes = self.bytes.saturating_add(entry.size).saturating_add(BLOCK);
        let limit = if self.entries > MOST_ENTRIES {
            format!("{MOST_ENTRIES} entries")
        } else if self.bytes > LARGEST {
            shared_model::size::bytes(LARGEST)
        } else {
            return Ok(());
        };
        Err(ImageError::TooLarge { archive: self.archive, limit })
    }

    fn refusal(&self, entry: &Entry, why: &'static str) -> ImageError {
        ImageError::Entry { archive: self.archive, entry: entry.shown(), why }
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
struct Remembering<'a> {
    inner: &'a mut dyn Read,
    error: Option<String>,
}

impl Read for Remembering<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).inspect_err(|error| self.error = Some(error.to_string()))
    }
}

#[cfg(test)]
mod tests;
