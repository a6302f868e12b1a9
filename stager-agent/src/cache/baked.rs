//! A cache that an image holds: nothing in it changes, so nothing is locked, and nothing is written.

use super::entry::{CacheEntry, EntryGuard, Lookup, damage};
use super::error::CacheError;
use super::identity::Identity;
use super::index::Index;
use super::layout::Layout;
use std::path::Path;

/// A cache that is only read.
#[derive(Debug)]
pub(crate) struct Baked {
    pub(super) layout: Layout,
}

impl Baked {
    /// Opens the cache in `root`; `None` where there is none.
    ///
    /// # Errors
    /// [`CacheError::TooNew`]; [`CacheError::NotOurs`] where only root may read it; [`CacheError::Io`].
    pub(crate) fn open(root: &Path) -> Result<Option<Self>, CacheError> {
        Ok(Layout::baked(root)?.map(|layout| Self { layout }))
    }

    /// Looks for an entry and looks it over. What is damaged stays where it is.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub(crate) fn find(&self, identity: &Identity) -> Result<Lookup, CacheError> {
        let record = match Index::new(&self.layout).read(&identity.id())? {
            None => return Ok(Lookup::Nothing),
            Some(Err(why)) => return Ok(Lookup::Damaged(why)),
            Some(Ok(record)) => record,
        };
        let path = self.layout.place(record.kind, &record.name);
        Ok(match damage(&path, &record)? {
            Some(why) => Lookup::Damaged(why),
            None => Lookup::Found(Box::new(CacheEntry::new(path, record, EntryGuard::Baked))),
        })
    }
}
