//! The index: one small file for each identity. A file's own time says when its entry was last used.
//!
//! A record is replaced whole, by renaming, and only by whoever holds the lock of its identity. Nothing is synced: after
//! a power cut a record or files of its tree may be missing or short, which the check before every use finds.
#![expect(clippy::disallowed_methods, reason = "this is the leaf that reads and writes index files")]

use super::disk::remove_all;
use super::error::{CacheError, is_damage};
use super::layout::{Layout, Name, names_in};
use super::record::Record;
use rustix::fs::OFlags;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// No record is longer; a damaged disk may claim so.
const LONGEST: u64 = 1 << 20;
const SUFFIX: &str = ".json";
const UNFINISHED: &str = ".new";
/// No record is a link.
const UNFOLLOWED: i32 = OFlags::NOFOLLOW.bits().cast_signed();

/// The directory of index files.
pub(super) struct Index {
    folder: PathBuf,
}

/// A file of the index.
pub(super) struct Indexed {
    /// The identity's id.
    pub(super) id: String,
    /// What it says, or why it says nothing.
    pub(super) record: Result<Record, String>,
    /// When its entry was last used.
    pub(super) used: SystemTime,
}

impl Index {
    /// Of the cache with this layout.
    pub(super) fn new(layout: &Layout) -> Self {
        Self { folder: layout.index() }
    }

    /// What is known of `id`: nothing, a record, or why its file cannot be believed.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn read(&self, id: &str) -> Result<Option<Result<Record, String>>, CacheError> {
        let path = self.path(id);
        match read_file(&path) {
            Ok(text) => Ok(Some(Record::parse(&text, id))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if is_damage(&error) => Ok(Some(Err(format!("its record cannot be read: {error}")))),
            Err(error) => Err(CacheError::io("read", path)(error)),
        }
    }

    /// Whether `id` leads to `name`.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn leads(&self, id: &str, name: &Name) -> Result<bool, CacheError> {
        Ok(self.read(id)?.is_some_and(|record| record.is_ok_and(|record| record.name == *name)))
    }

    /// Puts `record` in the place of what was there, used at `now`.
    ///
    /// # Errors
    /// The system refuses; then nothing is known that was not known before, and what is unfinished goes with the pending entry.
    pub(super) fn write(&self, id: &str, record: &Record, now: SystemTime) -> Result<(), CacheError> {
        let unfinished = self.unfinished(&record.name);
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&unfinished)
            .and_then(|mut file| {
                file.write_all(&record.text())?;
                // Where this fails, only the order in which entries go suffers.
                let _ = file.set_modified(now);
                Ok(())
            })
            .and_then(|()| fs::rename(&unfinished, self.path(id)));
        written.map_err(CacheError::io("write", self.path(id)))
    }

    /// Notes that the entry was used at `when`.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn touch(&self, id: &str, when: SystemTime) -> Result<(), CacheError> {
        let opened = OpenOptions::new().write(true).custom_flags(UNFOLLOWED).open(self.path(id));
        opened.and_then(|file| file.set_modified(when)).map_err(CacheError::io("touch", self.path(id)))
    }

    /// Removes what is known of `id`.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn remove(&self, id: &str) -> Result<(), CacheError> {
        remove_all(&self.path(id))
    }

    /// The names of entries whose records were never finished.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn all_unfinished(&self) -> Result<Vec<Name>, CacheError> {
        let stems = self.stems(UNFINISHED)?;
        Ok(stems.into_iter().filter_map(|stem| Name::try_from(stem).ok()).collect())
    }

    /// All that is known, in no order.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn all(&self) -> Result<Vec<Indexed>, CacheError> {
        let mut all = Vec::new();
        for id in self.stems(SUFFIX)? {
            // In between, somebody may have removed it.
            let Some(record) = self.read(&id)? else { continue };
            let Ok(used) = fs::symlink_metadata(self.path(&id)).and_then(|status| status.modified()) else { continue };
            all.push(Indexed { id, record, used });
        }
        Ok(all)
    }

    fn stems(&self, suffix: &str) -> Result<Vec<String>, CacheError> {
        let names = names_in(&self.folder)?;
        Ok(names.into_iter().filter_map(|name| name.strip_suffix(suffix).map(str::to_owned)).collect())
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}{SUFFIX}"))
    }

    /// Where the record of the entry `name` is until it is finished.
    pub(super) fn unfinished(&self, name: &Name) -> PathBuf {
        self.folder.join(format!("{}{UNFINISHED}", name.as_str()))
    }
}

/// The text of a file of the index.
pub(super) fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    OpenOptions::new().read(true).custom_flags(UNFOLLOWED).open(path)?.take(LONGEST).read_to_end(&mut text)?;
    Ok(text)
}
