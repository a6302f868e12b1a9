//! A cache that an image holds: nothing in it changes, so nothing is locked, and nothing is written.

use super::entry::{Entry, Found, Held, damage};
use super::error::CacheError;
use super::identity::Identity;
use super::index::Index;
use super::layout::Layout;
use std::path::Path;

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Baked {
    layout: Layout,
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
    pub(crate) fn find(&self, identity: &Identity) -> Result<Found, CacheError> {
        let record = match Index::of(&self.layout).read(&identity.id())? {
            None => return Ok(Found::Nothing),
            Some(Err(why)) => return Ok(Found::Damaged(why)),
            Some(Ok(record)) => record,
        };
        let path = self.layout.place(record.kind, &record.name);
        Ok(match damage(&path, &record)? {
            Some(why) => Found::Damaged(why),
            None => Found::Entry(Box::new(Entry::new(path, record, Held::Baked))),
        })
    }
}
