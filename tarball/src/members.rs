//! The members of a tar, one after the other, each with the name, link, size and attributes that the headers in front of
//! it give it: GNU's `L` and `K`, POSIX's `x`. Both crates read every tar with this. Whatever the headers claim, a
//! bounded part of them is held in memory, and nothing of the contents; what an archive may ask for, and what becomes of a
//! member, is for the caller to say.

mod error;
#[cfg(test)]
mod tests;

pub use error::MemberError;

use crate::blocks::{Blocks, damaged, number};
use crate::pax::{self, PaxRecords};
use crate::sparse::{Filled, Map};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::mem;
use tar::{EntryType, Header};

/// Bytes of a target that is too long, and that are passed over to learn whose it is.
const LONGEST_SKIPPED: u64 = 1 << 20;

/// A member as its headers have it. Nothing of it is judged: the name may lead anywhere.
pub struct Member {
    /// Its name.
    pub name: Vec<u8>,
    /// Where it links to; empty where it does not.
    pub link: Vec<u8>,
    /// What it is. A file is [`EntryType::Regular`] however it is stored; a file whose name ends with a slash is a
    /// directory, as tar older than POSIX says it. A volume label of GNU tar is a member too: see [`Member::is_label`].
    pub kind: EntryType,
    /// Bytes of its contents, with its holes.
    pub size: u64,
    /// Its extended attributes, by name.
    pub attributes: BTreeMap<Vec<u8>, Vec<u8>>,
    /// When it was changed, where an extended header says so: whole seconds since 1970, rounded down.
    mtime: Option<i64>,
    header: Header,
}

/// The members of an archive, in order.
pub struct Members<R> {
    blocks: Blocks<R>,
    /// Bytes of a name or of a link's target at most, without the NUL behind it.
    longest_name: u64,
    /// Where the stored bytes of the member belong that came last.
    map: Map,
}

/// What the headers in front of a member say of it.
#[derive(Default)]
struct Prelude {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    /// Whether the target is too long. The name of the member comes behind it.
    long_link: bool,
    records: Option<PaxRecords>,
}

impl Member {
    /// Whether it is a volume label of GNU tar: a name for the tape, and nothing to unpack.
    #[must_use]
    pub fn is_label(&self) -> bool {
        self.kind.as_byte() == b'V'
    }

    /// Its permissions, and whatever else the header has among them.
    ///
    /// # Errors
    /// The header has no number there.
    pub fn mode(&self) -> io::Result<u64> {
        number(&self.header.as_old().mode)
    }

    /// When it was changed: whole seconds since 1970; 0 for what is older.
    ///
    /// # Errors
    /// The header has no number there, and no extended header has one.
    pub fn mtime(&self) -> io::Result<u64> {
        let field = &self.header.as_old().mtime;
        let is_before_1970 = field[0] & 0xc0 == 0xc0; // binary, and its sign
        match self.mtime {
            Some(seconds) => Ok(u64::try_from(seconds).unwrap_or(0)),
            None if is_before_1970 => Ok(0),
            None => number(field),
        }
    }
}

impl<R: Read> Members<R> {
    /// The members of `archive`; names and targets of links have at most `longest_name` bytes, without the NUL behind them.
    pub fn new(archive: R, longest_name: u64) -> Self {
        Self { blocks: Blocks::new(archive), longest_name, map: Map::default() }
    }

    /// The next member, and after it [its contents](Self::contents), which need not be read; `None` at the end. `global` is
    /// called for each header for all members, before its records are read.
    ///
    /// # Errors
    /// See [`MemberError`]; those of `global`. Nothing that comes after one is of use.
    pub fn next_member(&mut self, mut global: impl FnMut() -> io::Result<()>) -> Result<Option<Member>, MemberError> {
        let mut prelude = Prelude::default();
        while let Some(header) = self.blocks.header()? {
            let size = number(&header.as_old().size)?;
            match header.entry_type() {
                EntryType::GNULongName => {
                    let name = self.name(size)?.map_err(|start| MemberError::LongName { start })?;
                    once(&mut prelude.name, name)?;
                }
                EntryType::GNULongLink => match self.name(size)? {
                    Ok(link) => once(&mut prelude.link, link)?,
                    Err(_) if size <= LONGEST_SKIPPED => prelude.long_link = true,
                    Err(_) => return Err(MemberError::LongLink { name: None }),
                },
                EntryType::XHeader => once(&mut prelude.records, self.records(&header, size)?)?,
                EntryType::XGlobalHeader => {
                    global()?;
                    if self.records(&header, size)?.is_about_a_file() {
                        return Err(damaged("a header for all members speaks of one").into());
                    }
                }
                _ => return self.member(header, size, prelude).map(Some),
            }
        }
        match prelude {
            Prelude { long_link: true, .. } => Err(MemberError::LongLink { name: None }),
            Prelude { name: None, link: None, records: None, .. } => Ok(None),
            _ => Err(damaged("the archive ends between a member's headers").into()),
        }
    }

    /// The contents of the member that came last, to be asked for once; holes are filled with zeros. `charge` is told how
    /// many of these come, before they do, and may refuse them.
    pub fn contents(&mut self, charge: impl FnMut(u64) -> io::Result<()>) -> impl Read {
        Filled::new(mem::take(&mut self.map), &mut self.blocks, charge)
    }

    fn member(&mut self, header: Header, size: u64, prelude: Prelude) -> Result<Member, MemberError> {
        let PaxRecords { path, link, size: long_size, mtime, attributes, sparse } = prelude.records.unwrap_or_default();
        let name = sparse.name.clone().or(path).or(prelude.name);
        let name = name.unwrap_or_else(|| header.path_bytes().into_owned());
        if prelude.long_link {
            return Err(MemberError::LongLink { name: Some(name) });
        }
        let link = link.or(prelude.link);
        let link = link.unwrap_or_else(|| header.link_name_bytes().map(Cow::into_owned).unwrap_or_default());
        let stored = if has_contents(header.entry_type()) { long_size.unwrap_or(size) } else { 0 };
        let map = match (header.entry_type(), header.as_gnu()) {
            (EntryType::GNUSparse, None) => Err(damaged("it is a sparse file without a map")),
            (EntryType::GNUSparse, Some(gnu)) => {
                let map = Map::from_header(gnu, stored, &mut self.blocks);
                self.blocks.begin(stored);
                map
            }
            _ => {
                self.blocks.begin(stored);
                Map::from_records(sparse, &mut self.blocks)
            }
        };
        let kind = kind(header.entry_type(), &name);
        match map {
            Ok(map) => self.map = map,
            Err(cause) => return Err(MemberError::Reading { name: Some(name), cause }),
        }
        Ok(Member { name, link, kind, size: self.map.size, attributes, mtime, header })
    }

    /// A name that stands as the contents of a member, with NUL behind it; the inner error is the start of one that is
    /// too long.
    fn name(&mut self, size: u64) -> Result<Result<Vec<u8>, Vec<u8>>, MemberError> {
        let most = self.longest_name.saturating_add(1);
        let mut name = self.text(size, most)?;
        name.truncate(name.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
        Ok(if size > most || name.len() as u64 > self.longest_name { Err(name) } else { Ok(name) })
    }

    fn records(&mut self, header: &Header, size: u64) -> Result<PaxRecords, MemberError> {
        if size > pax::LONGEST {
            return Err(MemberError::LongRecords { name: header.path_bytes().into_owned() });
        }
        Ok(PaxRecords::parse(&self.text(size, size)?)?)
    }

    /// At most `most` bytes of contents that have `size`. Memory grows with what comes, not with what is announced.
    fn text(&mut self, size: u64, most: u64) -> Result<Vec<u8>, MemberError> {
        self.blocks.begin(size);
        let mut text = Vec::new();
        (&mut self.blocks).take(most).read_to_end(&mut text)?;
        Ok(text)
    }
}

/// What a member is, whichever of the forms its header has.
fn kind(kind: EntryType, name: &[u8]) -> EntryType {
    match kind {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse if name.ends_with(b"/") => {
            EntryType::Directory
        }
        EntryType::Continuous | EntryType::GNUSparse => EntryType::Regular,
        kind => kind,
    }
}

/// Whether the size in a header is that of contents; otherwise it may say anything, as Go has it.
fn has_contents(kind: EntryType) -> bool {
    use EntryType::{Block, Char, Directory, Fifo, Link, Symlink};
    !matches!(kind, Link | Symlink | Char | Block | Directory | Fifo)
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), MemberError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(damaged("two headers of the same kind describe one member").into()),
    }
}
