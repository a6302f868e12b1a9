//! Empties a cache, but for what is in use.

use super::error::CacheError;
use super::evict::Removal;
use super::gc;
use super::index::Indexed;
use super::record::Record;
use super::store::Cache;

/// An entry that was to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cleared {
    /// What is known of it; `None` where its record says nothing.
    pub(crate) record: Option<Record>,
    pub(crate) removal: Removal,
}

impl Cache {
    /// Removes all entries, or those with this key (or of this app), except those in use.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub(crate) fn clear(&self, key: Option<&str>) -> Result<Vec<Cleared>, CacheError> {
        let mut cleared = Vec::new();
        for Indexed { id, record, .. } in self.wanted(key)? {
            cleared.push(if let Ok(record) = record {
                let removal = self.remove(&id, &record.name)?;
                Cleared { record: Some(record), removal }
            } else {
                self.forget(&id, None)?;
                Cleared { record: None, removal: Removal::Removed }
            });
        }
        gc::collect(&self.layout)?;
        Ok(cleared)
    }
}
