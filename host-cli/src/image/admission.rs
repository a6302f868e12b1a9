//! Which entries of a foreign archive may become part of a layer or of a droplet: decided in one place, for both ways.
//!
//! Nothing may leave the folder: not by its path, not through a symbolic link that was written before, and not through
//! a hard link to such a link. Links may *point* anywhere; that is for the container to resolve.

use super::ImageError;
use super::entries::{Entry, below_root};
use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use tar::EntryType;

/// Bytes that an archive may hold. Diego's largest disk quotas are far below; an archive of zeros ends here.
const LARGEST: u64 = 16 << 30;
/// Entries that an archive may have, so that one of nothing but names ends too.
const MOST_ENTRIES: u64 = 2_000_000;
/// Bytes of the paths of symbolic links, which are kept in memory until the archive ends.
const MOST_LINKS: usize = 16 << 20;
/// Bytes of a tar header.
const BLOCK: u64 = 512;

/// Where an entry belongs, below the folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Its own path.
    pub(super) path: PathBuf,
    /// What a hard link is another name of; empty for all other kinds.
    pub(super) linked: PathBuf,
}

/// What was admitted so far of one archive.
pub(super) struct Admission {
    archive: &'static str,
    links: HashSet<PathBuf>,
    link_bytes: usize,
    entries: u64,
    bytes: u64,
}

impl Admission {
    /// `archive` is what errors call the source.
    pub(super) fn new(archive: &'static str) -> Self {
        Self { archive, links: HashSet::new(), link_bytes: 0, entries: 0, bytes: 0 }
    }

    /// Where the entry belongs; `None` for the folder itself.
    pub(super) fn admit(&mut self, entry: &Entry) -> Result<Option<Place>, ImageError> {
        let path = self.inside(entry, &entry.path)?;
        if path.as_os_str().is_empty() {
            return if entry.kind.is_dir() { Ok(None) } else { Err(self.refusal(entry, "which is not a folder")) };
        }
        self.count(entry)?;
        let mut linked = PathBuf::new();
        match entry.kind {
            EntryType::Directory | EntryType::Regular | EntryType::Continuous | EntryType::Fifo => {}
            EntryType::Symlink => self.link(path.clone())?,
            EntryType::Link => {
                linked = self.inside(entry, &entry.link)?;
                if self.links.contains(&linked) {
                    self.link(path.clone())?; // The same symbolic link under one more name.
                }
            }
            EntryType::Char | EntryType::Block => return Err(self.refusal(entry, "which is a device")),
            _ => return Err(self.refusal(entry, "which is of a kind that no layer holds")),
        }
        Ok(Some(Place { path, linked }))
    }

    /// The error that names the entry.
    pub(super) fn refusal(&self, entry: &Entry, why: &'static str) -> ImageError {
        ImageError::Entry { archive: self.archive, entry: entry.shown(), why }
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
}
