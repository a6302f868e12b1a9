//! Reads every byte of a cache again, and removes what is damaged.

use super::entry::damage;
use super::error::{CacheError, is_damage};
use super::identity::EntryKind;
use super::index::Index;
use super::lock::Hold;
use super::record::Record;
use super::store::Cache;
use crate::session::scope::Scope;
use crate::tree_digest::{self, Digest};
use std::io;

/// An entry whose bytes were read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checked {
    /// What is known of it; `None` where its record says nothing.
    pub(crate) record: Option<Record>,
    /// What is wrong with it: it was removed. `None`: it is whole.
    pub(crate) damage: Option<String>,
}

impl Cache {
    /// Reads every byte of all entries, or of those with this key (or of this app), and removes what is damaged, views too,
    /// which the next one to want them makes anew. Gives the
    /// entries to `say` one by one; none where nothing has the key.
    ///
    /// # Errors
    /// [`CacheError::Stopped`], [`CacheError::Io`].
    pub(crate) fn verify(
        &self,
        key: Option<&str>,
        scope: &Scope,
        say: &mut dyn FnMut(Checked),
    ) -> Result<(), CacheError> {
        for indexed in self.wanted(key)? {
            let (record, wrong) = match indexed.record {
                Err(why) => (None, Some(why)),
                Ok(record) => {
                    let lock = self.layout.lock(record.name.as_str(), Hold::Shared)?;
                    // It went, or is just going.
                    if lock.is_none() || !Index::new(&self.layout).leads(&indexed.id, &record.name)? {
                        continue;
                    }
                    let wrong = self.damage_in_depth(&record, scope)?;
                    (Some(record), wrong)
                }
            };
            if wrong.is_some() {
                self.forget(&indexed.id, record.as_ref().map(|record| &record.name))?;
            }
            say(Checked { record, damage: wrong });
        }
        self.forget_damaged_views()
    }

    /// Removes the entry that `record` is about, unless another has come in its place or is just being fetched. Whoever
    /// uses it keeps it until then.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub(crate) fn reject(&self, record: &Record) -> Result<(), CacheError> {
        self.forget(&record.identity().id(), Some(&record.name))
    }

    /// What is wrong with an entry, down to its bytes.
    fn damage_in_depth(&self, record: &Record, scope: &Scope) -> Result<Option<String>, CacheError> {
        let path = self.layout.place(record.kind, &record.name);
        if let Some(why) = damage(&path, record)? {
            return Ok(Some(why));
        }
        let go_on = || scope.go_on().map_err(|_| io::Error::other("stopped"));
        let read = match record.kind {
            EntryKind::Tree => Digest::of_files(&path, &go_on).map(|contents| contents.to_string() == record.contents),
            EntryKind::Package => tree_digest::sha256_of(&path, &go_on).map(|sha256| sha256 == record.facts.sha256),
        };
        match (read, scope.stopped()) {
            (_, Some(why)) => Err(CacheError::Stopped(why)),
            (Ok(true), None) => Ok(None),
            (Ok(false), None) => Ok(Some("bytes in it have changed".to_owned())),
            (Err(error), None) if is_damage(&error) => Ok(Some(format!("it cannot be read: {error}"))),
            (Err(cause), None) => Err(CacheError::io("read", path)(cause)),
        }
    }
}
