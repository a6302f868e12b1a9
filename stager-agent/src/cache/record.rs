//! What is known of an entry: the document in its index file.

use super::identity::{EntryKind, Identity};
use super::layout::Name;
use crate::tree_digest::Structure;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What whoever fetched an entry says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// What the request calls it: `staticfile_buildpack`. `None`: it says nothing, or the record is of a stager that did not
    /// write it down.
    pub(crate) name: Option<String>,
    /// The app that it was fetched for; `None` where nobody said.
    pub(crate) app: Option<String>,
    /// Bytes of the archive.
    pub(crate) packed_bytes: u64,
    /// Entries of the archive; 0 for a package, which nobody unpacked.
    pub(crate) entries: u64,
    /// Of the archive: 64 hex digits.
    pub(crate) sha256: String,
    /// Further checksums of the archive that a request gave and that were right: `md5` → hex digits.
    pub(crate) checksums: BTreeMap<String, String>,
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
    /// Whether TLS said who the server was, or a checksum of the request what it is.
    pub(crate) verified: bool,
    /// The address and port that it came from, or a proxy's: `10.0.0.2:80`. `None`: nobody could tell, or the record is of
    /// a stager that did not write it down.
    pub(crate) address: Option<String>,
}

/// The document in an entry's index file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) kind: EntryKind,
    /// See [`Identity::key`].
    pub(crate) key: String,
    /// See [`Identity::origin`].
    pub(crate) origin: String,
    /// When it was published: seconds since 1970.
    pub(crate) fetched: u64,
    /// What it takes on a disk of 4 KiB blocks, about what `du` says.
    pub(crate) bytes: u64,
    pub(crate) facts: Facts,
    /// Where it is.
    pub(super) name: Name,
    /// Of names, kinds, modes, owners, sizes and times: see [`crate::tree_digest::Structure`].
    pub(super) structure: String,
    /// Of every byte: see [`crate::tree_digest::Digest::of_files`].
    pub(super) contents: String,
}

impl Record {
    /// What it is a copy of.
    pub(crate) fn identity(&self) -> Identity {
        Identity { kind: self.kind, key: self.key.clone(), origin: self.origin.clone() }
    }

    /// Whether a tree with this structure is what it is about.
    pub(crate) fn has(&self, structure: &Structure) -> bool {
        structure.digest.to_string() == self.structure
    }

    /// Reads an index file's text, which should be about the identity `id`.
    ///
    /// # Errors
    /// Why it cannot be believed, in words.
    pub(super) fn parse(text: &[u8], id: &str) -> Result<Self, String> {
        let record: Self = serde_json::from_slice(text).map_err(|error| format!("its record is no record: {error}"))?;
        if record.identity().id() != id {
            return Err("its record is about another entry".to_owned());
        }
        Ok(record)
    }

    pub(super) fn text(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("strings and numbers can always be written as JSON");
        text.push(b'\n');
        text
    }
}
