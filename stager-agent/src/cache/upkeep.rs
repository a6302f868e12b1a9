//! What people do with a cache: see what is in it, have every byte read again, empty it.

use super::entry::damage;
use super::error::{CacheError, is_damage};
use super::evict::Removal;
use super::identity::Identity;
use super::identity::Kind;
use super::index::{Index, Indexed};
use super::lock::{Hold, Lock};
use super::record::Record;
use super::rubbish;
use super::store::Cache;
use crate::scope::Scope;
use crate::tree_digest::{self, Contents};
use std::io;
use std::time::SystemTime;

/// An entry as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// What is known of it.
    pub(crate) record: Record,
    /// When it was last used.
    pub(crate) used: SystemTime,
}

/// An entry whose bytes were read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checked {
    /// What is known of it; `None` where its record says nothing.
    pub(crate) record: Option<Record>,
    /// What is wrong with it: it was removed. `None`: it is whole.
    pub(crate) damage: Option<String>,
}

/// An entry that was to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cleared {
    /// What it is a copy of; `None` where its record says nothing.
    pub(crate) identity: Option<Identity>,
    /// What it took, or takes; 0 where its record says nothing.
    pub(crate) bytes: u64,
    /// Whether it is gone.
    pub(crate) removal: Removal,
}

impl Cache {
    /// All entries, the one last used first. Records that cannot be read are left out; [`Cache::verify`] names them.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub(crate) fn list(&self) -> Result<Vec<Listed>, CacheError> {
        let all = Index::of(&self.layout).all()?;
        let mut all: Vec<Listed> =
            all.into_iter().filter_map(|it| Some(Listed { record: it.record.ok()?, used: it.used })).collect();
        all.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.record.key.cmp(&b.record.key)));
        Ok(all)
    }

    /// Reads every byte of all entries, or of those with this key (or of this app), and removes what is damaged. Gives
    /// them to `say` one by one; none where nothing has the key.
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
                    let path = self.layout.locks().join(record.name.as_str());
                    let lock = Lock::try_take(&path, Hold::Shared).map_err(CacheError::io("lock", path))?;
                    // It went, or is just going.
                    if lock.is_none() || !Index::of(&self.layout).leads(&indexed.id, &record.name)? {
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
        Ok(())
    }

    /// Removes the entry that `record` is about, unless another has come in its place or is just being fetched. Whoever
    /// uses it keeps it until then.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub(crate) fn reject(&self, record: &Record) -> Result<(), CacheError> {
        self.forget(&record.identity().id(), Some(&record.name))
    }

    /// Removes all entries, or those with this key (or of this app), except those in use.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub(crate) fn clear(&self, key: Option<&str>) -> Result<Vec<Cleared>, CacheError> {
        let mut cleared = Vec::new();
        for Indexed { id, record, .. } in self.wanted(key)? {
            cleared.push(if let Ok(record) = record {
                let removal = self.remove(&id, &record.name)?;
                Cleared { identity: Some(record.identity()), bytes: record.bytes, removal }
            } else {
                self.forget(&id, None)?;
                Cleared { identity: None, bytes: 0, removal: Removal::Removed }
            });
        }
        rubbish::collect(&self.layout)?;
        Ok(cleared)
    }

    fn wanted(&self, key: Option<&str>) -> Result<Vec<Indexed>, CacheError> {
        let mut all = Index::of(&self.layout).all()?;
        all.retain(|indexed| match (key, &indexed.record) {
            (None, _) => true,
            (Some(key), Ok(record)) => record.key == key || record.facts.app.as_deref() == Some(key),
            (Some(_), Err(_)) => false,
        });
        Ok(all)
    }

    /// What is wrong with an entry, down to its bytes.
    fn damage_in_depth(&self, record: &Record, scope: &Scope) -> Result<Option<String>, CacheError> {
        let path = self.layout.place(record.kind, &record.name);
        if let Some(why) = damage(&path, record)? {
            return Ok(Some(why));
        }
        let go_on = || scope.stopped().map_or(Ok(()), |_| Err(io::Error::other("stopped")));
        let read = match record.kind {
            Kind::Tree => Contents::of(&path, &go_on).map(|contents| contents.to_string() == record.contents),
            Kind::Package => tree_digest::sha256_of(&path, &go_on).map(|sha256| sha256 == record.facts.sha256),
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
