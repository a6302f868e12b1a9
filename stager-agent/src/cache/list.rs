//! What is in a cache.

use super::error::CacheError;
use super::index::{Index, Indexed};
use super::record::Record;
use super::store::Cache;
use std::time::SystemTime;

/// An entry as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) record: Record,
    pub(crate) used: SystemTime,
}

impl Cache {
    /// All entries, the one last used first. Records that cannot be read are left out; [`Cache::verify`] names them.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub(crate) fn list(&self) -> Result<Vec<Listed>, CacheError> {
        let all = Index::new(&self.layout).all()?;
        let mut all: Vec<Listed> =
            all.into_iter().filter_map(|it| Some(Listed { record: it.record.ok()?, used: it.used })).collect();
        all.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.record.key.cmp(&b.record.key)));
        Ok(all)
    }

    /// All entries, or those with this key (or of this app), also those whose records cannot be read where all are wanted.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub(super) fn wanted(&self, key: Option<&str>) -> Result<Vec<Indexed>, CacheError> {
        let mut all = Index::new(&self.layout).all()?;
        all.retain(|indexed| match (key, &indexed.record) {
            (None, _) => true,
            (Some(key), Ok(record)) => record.key == key || record.facts.app.as_deref() == Some(key),
            (Some(_), Err(_)) => false,
        });
        Ok(all)
    }
}
