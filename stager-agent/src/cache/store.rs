//! A cache: opened, looked into, written down in.

use super::entry::{CacheEntry, EntryGuard, Lookup, damage};
use super::error::CacheError;
use super::gc;
use super::identity::Identity;
use super::index::Index;
use super::layout::{Layout, Name};
use super::lock::Hold;
use super::record::Record;
use super::remove::remove_entry;
use crate::clock::Clock;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// How long a look-up waits for somebody who is just removing what it found.
const NAP: Duration = Duration::from_millis(2);
/// How often it looks again before it takes the entry for gone.
const LOOKS: usize = 50;

/// A cache that is open.
#[derive(Debug)]
pub(crate) struct Cache {
    pub(super) layout: Layout,
    /// Bytes that it keeps, as [`Record::bytes`] counts them.
    pub(super) limit: u64,
    /// Says when something is fetched and used.
    pub(super) clock: Clock,
}

impl Cache {
    /// Opens the cache in the directory `root`, which is made where it is missing (and its parents), and removes what
    /// killed processes left. It will keep up to `limit` bytes, as [`Record::bytes`] counts them.
    pub(crate) fn open(root: &Path, limit: u64) -> Result<Self, CacheError> {
        let own = rustix::process::geteuid();
        if !own.is_root() {
            let why = format!("the agent is user {own}, and only root's files are safe from the builder");
            return Err(CacheError::NotOurs { root: root.to_owned(), why });
        }
        Self::open_own(root, limit)
    }

    /// The same for whatever user we are.
    pub(super) fn open_own(root: &Path, limit: u64) -> Result<Self, CacheError> {
        let layout = Layout::make(root)?;
        gc::collect(&layout)?;
        Ok(Self { layout, limit, clock: Clock::on_the_wall() })
    }

    /// Its directory, without links on the way: where links to its entries lead.
    pub(crate) fn root(&self) -> &Path {
        self.layout.root()
    }

    /// Looks for an entry, looks it over, and notes that it is used.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub(crate) fn find(&self, identity: &Identity) -> Result<Lookup, CacheError> {
        let (index, id) = (Index::new(&self.layout), identity.id());
        for _ in 0..LOOKS {
            let record = match index.read(&id)? {
                None => return Ok(Lookup::Nothing),
                Some(Ok(record)) => record,
                Some(Err(why)) => {
                    self.forget(&id, None)?;
                    return Ok(Lookup::Damaged(why));
                }
            };
            let Some(lock) = self.layout.lock(record.name.as_str(), Hold::Shared)? else {
                thread::sleep(NAP);
                continue;
            };
            // It may have been removed or replaced before we had the lock.
            if !index.leads(&id, &record.name)? {
                continue;
            }
            let path = self.layout.place(record.kind, &record.name);
            if let Some(why) = damage(&path, &record)? {
                drop(lock);
                self.forget(&id, Some(&record.name))?;
                return Ok(Lookup::Damaged(why));
            }
            // Where this fails, only the order in which entries go suffers.
            let _ = index.touch(&id, self.clock.now());
            return Ok(Lookup::Found(Box::new(CacheEntry::new(path, record, EntryGuard::InUse(Some(lock))))));
        }
        Ok(Lookup::Nothing)
    }

    /// Removes an entry whose bytes turned out to be others than they were; once nobody else uses it.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub(crate) fn discard(&self, entry: CacheEntry) -> Result<(), CacheError> {
        let (id, name) = (entry.record().identity().id(), entry.record().name.clone());
        drop(entry);
        self.forget(&id, Some(&name))
    }

    /// Makes `record` what is known of `id`, and gives the name of what was there before.
    pub(super) fn put(&self, id: &str, record: &Record) -> Result<Option<Name>, CacheError> {
        if record.bytes > self.limit {
            return Err(CacheError::TooLarge { bytes: record.bytes, limit: self.limit });
        }
        let index = Index::new(&self.layout);
        let before = index.read(id)?.and_then(Result::ok);
        index.write(id, record, self.clock.now())?;
        Ok(before.map(|before| before.name))
    }

    /// Forgets an entry that is damaged: `name`, or whatever it was that a record did not say. Not while somebody is
    /// fetching it anew, who will replace it.
    pub(super) fn forget(&self, id: &str, name: Option<&Name>) -> Result<(), CacheError> {
        let Some(_turn) = self.layout.lock_alone(id)? else { return Ok(()) };
        let index = Index::new(&self.layout);
        let now = index.read(id)?.map(Result::ok);
        // Somebody may have fetched it since.
        if now.is_some_and(|record| record.map(|record| record.name).as_ref() == name) {
            index.remove(id)?;
        }
        name.map_or(Ok(()), |name| self.remove_unused(name))
    }

    /// Removes what no record leads to any more, unless it is in use.
    pub(super) fn remove_unused(&self, name: &Name) -> Result<(), CacheError> {
        match self.layout.lock_alone(name.as_str())? {
            Some(alone) => remove_entry(&self.layout, name, &alone),
            None => Ok(()),
        }
    }
}
