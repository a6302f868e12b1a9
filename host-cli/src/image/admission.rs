//! Which entries of a foreign archive may become part of a layer or of a droplet: decided in one place, for both ways. How
//! much of it there may be is `bound.rs`.
//! What may stand where is `layer_tree.rs`.

use super::ImageError;
use super::entries::Entry;
use super::layer_tree::{EntryRefusal, LayerTree};
use std::path::PathBuf;
use tar::EntryType;

/// Bytes; an engine cannot make a link to a longer name.
const LONGEST_TARGET: usize = 4095;

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
    standing: LayerTree,
}

impl Admission {
    /// `archive` is what errors call the source.
    pub(super) fn new(archive: &'static str) -> Self {
        Self { archive, standing: LayerTree::default() }
    }

    /// Where the entry belongs; `None` for what is there already: the folder itself, and a hard link to itself.
    pub(super) fn admit(&mut self, entry: &Entry) -> Result<Option<Place>, ImageError> {
        self.placed(entry).map_err(|refusal| match refusal {
            EntryRefusal::Why(why) => ImageError::Entry { archive: self.archive, entry: entry.shown(), why },
            EntryRefusal::Limit(limit) => ImageError::TooLarge { archive: self.archive, limit },
        })
    }

    fn placed(&mut self, entry: &Entry) -> Result<Option<Place>, EntryRefusal> {
        let path = self.standing.inside(&entry.path)?;
        if path.as_os_str().is_empty() {
            return if entry.kind.is_dir() { Ok(None) } else { Err(EntryRefusal::Why("which is not a folder")) };
        }
        let mut linked = PathBuf::new();
        match entry.kind {
            EntryType::Directory => self.standing.folder(&path)?,
            EntryType::Regular | EntryType::Fifo => self.standing.file(&path)?,
            EntryType::Symlink if entry.link.is_empty() || entry.link.contains(&0) => {
                return Err(EntryRefusal::Why("which is a symbolic link to nowhere"));
            }
            EntryType::Symlink if entry.link.len() > LONGEST_TARGET => {
                return Err(EntryRefusal::Why("which is a symbolic link to a name of more than 4095 bytes"));
            }
            EntryType::Symlink => self.standing.symbolic_link(&path)?,
            EntryType::Link => {
                linked = self.standing.inside(&entry.link)?;
                self.standing.hard_link(&path, &linked)?;
                if linked == path {
                    return Ok(None); // An engine would take the file away first.
                }
            }
            EntryType::Char | EntryType::Block => return Err(EntryRefusal::Why("which is a device")),
            _ => return Err(EntryRefusal::Why("which is of a kind that no layer holds")),
        }
        Ok(Some(Place { path, linked }))
    }
}
