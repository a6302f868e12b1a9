//! What is in a cache.

use super::error::CacheError;
use super::index::{Index, Indexed};
use super::record::Record;
use super::store::Cache;
use std::collections::BTreeSet;
use std::time::SystemTime;

/// Bytes of a key that may stand for all of it.
const SHORTEST_START: usize = 8;

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

    /// All entries, or those with this key (or of this app), also those whose records cannot be read where all are wanted. The
    /// start of a key ([`SHORTEST_START`]) will do where no other key begins so.
    ///
    /// # Errors
    /// [`CacheError::NoSuchKey`], [`CacheError::AmbiguousKey`], [`CacheError::Io`].
    pub(super) fn wanted(&self, key: Option<&str>) -> Result<Vec<Indexed>, CacheError> {
        let mut all = Index::new(&self.layout).all()?;
        let Some(key) = key else { return Ok(all) };
        let is_whole = |record: &Record| record.key == key || record.facts.app.as_deref() == Some(key);
        let begins = |record: &Record| key.len() >= SHORTEST_START && record.key.starts_with(key);
        let records = || all.iter().filter_map(|indexed| indexed.record.as_ref().ok());
        let keys: BTreeSet<String> =
            records().filter(|record| begins(record)).map(|record| record.key.clone()).collect();
        if records().any(is_whole) {
            all.retain(|indexed| indexed.record.as_ref().is_ok_and(is_whole));
        } else if keys.is_empty() {
            return Err(CacheError::NoSuchKey { key: key.to_owned() });
        } else if keys.len() > 1 {
            return Err(CacheError::AmbiguousKey { key: key.to_owned(), keys: keys.into_iter().collect() });
        } else {
            all.retain(|indexed| indexed.record.as_ref().is_ok_and(begins));
        }
        Ok(all)
    }
}
