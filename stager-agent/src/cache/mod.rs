//! Keeps what was fetched, unpacked, for the next staging: on a disk that many stagings share at once. No HTTP here.
//! Start with [`Cache`].
//!
//! Two rules hold it together. *A record changes only under the lock of its identity*, which whoever fetches holds
//! alone. *What has a random name changes only under the lock of that name*, which whoever uses it holds with others,
//! and whoever fills it too. There is no lock over all, so nobody waits for a staging that was paused in the middle.
//! An entry is there as soon as its record is: one rename. What no record leads to and nobody holds is rubbish,
//! whoever left it, and the next one to open the cache removes it.

mod baked;
mod claim;
mod entry;
mod error;
mod evict;
mod identity;
mod index;
mod layout;
mod lock;
mod record;
mod rubbish;
mod upkeep;

#[cfg(test)]
mod tests;

pub(crate) use baked::Baked;
pub(crate) use claim::Claim;
pub(crate) use entry::Entry;
pub(crate) use error::CacheError;
pub(crate) use evict::Removal;
pub(crate) use identity::Identity;
pub(crate) use record::{Facts, Kind, Record};
pub(crate) use upkeep::{Checked, Listed};

use crate::clock::Clock;
use crate::scope::Scope;
use crate::tree_digest::Structure;
use entry::Held;
use index::Index;
use layout::{Layout, Name};
use lock::{Hold, Lock};
use rustix::fs::{CWD, Dir, Mode, OFlags};
use rustix::io::Errno;
use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// How long a look-up waits for somebody who is just removing what it found.
const NAP: Duration = Duration::from_millis(2);
/// How often it looks again before it takes the entry for gone.
const LOOKS: usize = 50;

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Cache {
    layout: Layout,
    limit: u64,
    /// Says when something is fetched and used.
    clock: Clock,
}

/// What a cache has of an identity.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nothing.
    Nothing,
    /// Something that cannot be used, and why. It was removed; where it is being fetched again, by whoever does that.
    Damaged(String),
    /// A whole entry.
    Entry(Box<Entry>),
}

impl Cache {
    /// Opens the cache in the directory `root`, which is made where it is missing (and its parents), and removes what
    /// killed processes left. It will keep up to `limit` bytes, as [`Record::bytes`] counts them.
    ///
    /// # Errors
    /// See [`CacheError`].
    pub(crate) fn open(root: &Path, limit: u64) -> Result<Self, CacheError> {
        let own = rustix::process::geteuid();
        if !own.is_root() {
            let why = format!("the agent is user {own}, and only root's files are safe from the builder");
            return Err(CacheError::NotOurs { root: root.to_owned(), why });
        }
        Self::open_own(root, limit)
    }

    /// The same for whatever user we are.
    fn open_own(root: &Path, limit: u64) -> Result<Self, CacheError> {
        let layout = Layout::make(root)?;
        rubbish::collect(&layout)?;
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
    pub(crate) fn find(&self, identity: &Identity) -> Result<Found, CacheError> {
        let (index, id) = (Index::of(&self.layout), identity.id());
        for _ in 0..LOOKS {
            let record = match index.read(&id)? {
                None => return Ok(Found::Nothing),
                Some(Ok(record)) => record,
                Some(Err(why)) => {
                    self.forget(&id, None)?;
                    return Ok(Found::Damaged(why));
                }
            };
            let path = self.layout.locks().join(record.name.as_str());
            let lock = Lock::try_take(&path, Hold::Shared).map_err(CacheError::io("lock", path))?;
            let Some(lock) = lock else {
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
                return Ok(Found::Damaged(why));
            }
            // Where this fails, only the order in which entries go suffers.
            let _ = index.touch(&id, self.clock.now());
            return Ok(Found::Entry(Box::new(Entry::new(path, record, Held::InUse(Some(lock))))));
        }
        Ok(Found::Nothing)
    }

    /// The right to fetch `identity`: waits until nobody else does, or `scope` is stopped. Look again with
    /// [`Cache::find`] when you have it: whoever had it before may have brought what you want.
    ///
    /// # Errors
    /// [`CacheError::Stopped`], [`CacheError::Io`].
    pub(crate) fn claim(&self, identity: &Identity, scope: &Scope) -> Result<Claim<'_>, CacheError> {
        Claim::wait(self, identity, scope)
    }

    /// Removes an entry whose bytes turned out to be others than they were; once nobody else uses it.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub(crate) fn discard(&self, entry: Entry) -> Result<(), CacheError> {
        let (id, name) = (entry.record().identity().id(), entry.record().name.clone());
        drop(entry);
        self.forget(&id, Some(&name))
    }

    /// Makes `record` what is known of `id`, and gives the name of what was there before.
    fn put(&self, id: &str, record: &Record) -> Result<Option<Name>, CacheError> {
        if record.bytes > self.limit {
            return Err(CacheError::TooLarge { bytes: record.bytes, limit: self.limit });
        }
        let index = Index::of(&self.layout);
        let before = index.read(id)?.and_then(Result::ok);
        index.write(id, record, self.clock.now())?;
        Ok(before.map(|before| before.name))
    }

    /// Forgets an entry that is damaged: `name`, or whatever it was that a record did not say. Not while somebody is
    /// fetching it anew, who will replace it.
    fn forget(&self, id: &str, name: Option<&Name>) -> Result<(), CacheError> {
        let Some(_turn) = rubbish::alone(&self.layout, id)? else { return Ok(()) };
        let index = Index::of(&self.layout);
        let now = index.read(id)?.map(Result::ok);
        // Somebody may have fetched it since.
        if now.is_some_and(|record| record.map(|record| record.name).as_ref() == name) {
            index.remove(id)?;
        }
        name.map_or(Ok(()), |name| self.remove_unused(name))
    }

    /// Removes what no record leads to any more, unless it is in use.
    fn remove_unused(&self, name: &Name) -> Result<(), CacheError> {
        match rubbish::alone(&self.layout, name.as_str())? {
            Some(alone) => rubbish::remove(&self.layout, name, &alone),
            None => Ok(()),
        }
    }
}

/// What is wrong with an entry; `None`: nothing that a look can tell.
fn damage(path: &Path, record: &Record) -> Result<Option<String>, CacheError> {
    match Structure::of(path) {
        Ok(structure) if structure.digest.to_string() == record.structure => Ok(None),
        Ok(_) => Ok(Some("something in it is missing, was added or has changed".to_owned())),
        Err(error) if is_damage(&error) => Ok(Some(format!("it cannot be looked at: {error}"))),
        Err(error) => Err(CacheError::io("look at", path)(error)),
    }
}

/// Whether an error says that a file is not what it was; else it says something of us, such as too many open files.
fn is_damage(error: &io::Error) -> bool {
    const EUCLEAN: i32 = 117; // "structure needs cleaning", which rustix does not name
    let of_disk =
        [Errno::NOENT, Errno::NOTDIR, Errno::ISDIR, Errno::LOOP, Errno::IO, Errno::BADMSG].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|code| of_disk.contains(&code) || code == EUCLEAN)
}

/// The names in a directory of ours; those that are not UTF-8 are not ours.
fn names_in(folder: &Path) -> Result<Vec<String>, CacheError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = rustix::fs::openat(CWD, folder, flags, Mode::empty()).and_then(Dir::new);
    let mut names = Vec::new();
    for entry in opened.map_err(CacheError::io("read", folder))? {
        let entry = entry.map_err(CacheError::io("read", folder))?;
        names.extend(entry.file_name().to_str().map(str::to_owned));
    }
    Ok(names)
}
