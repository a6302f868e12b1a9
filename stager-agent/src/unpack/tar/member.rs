//! The members of a tar, each with the name, link and size that the headers in front of it give it: GNU's `L` and `K`,
//! POSIX's `x`. Whatever they claim, no more than a bound of each is held in memory.

use crate::unpack::entry_name::shown;
use crate::unpack::error::{Bound, UnpackError};
use crate::unpack::limits::Budget;
use std::io::{self, Read};
use tar::{EntryType, Header};
use tarball::blocks::{Blocks, damaged, number};
use tarball::pax::{self, Records};
use tarball::sparse::{Filled, Map};

/// What a header without a readable mode gets.
const MODE_UNKNOWN: u32 = 0o644;

/// A member as its headers have it.
pub(super) struct Member {
    /// Its name.
    pub(super) name: Vec<u8>,
    /// Where it links to; empty where it does not.
    pub(super) link: Vec<u8>,
    /// What it is.
    pub(super) kind: EntryType,
    /// Its permissions, and what else the header has among them.
    pub(super) mode: u32,
    map: Option<Map>,
}

/// The members of an archive, one after the other.
pub(super) struct Members<'a, R> {
    blocks: Blocks<R>,
    budget: &'a Budget<'a>,
}

/// What the headers in front of a member say of it.
#[derive(Default)]
struct Prelude {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    records: Option<Records>,
}

impl<'a, R: Read> Members<'a, R> {
    /// The members of `archive`; each is charged to `budget`.
    pub(super) fn new(archive: R, budget: &'a Budget<'a>) -> Self {
        Self { blocks: Blocks::new(archive), budget }
    }

    /// The next member, and after it [its contents](Self::contents); `None` at the end.
    ///
    /// # Errors
    /// The archive is damaged there ([`UnpackError::Corrupt`] without a name), or asks for too much.
    pub(super) fn next(&mut self) -> Result<Option<Member>, UnpackError> {
        let mut prelude = Prelude::default();
        while let Some(header) = self.blocks.header().map_err(reading)? {
            let size = number(&header.as_old().size).map_err(reading)?;
            match header.entry_type() {
                EntryType::GNULongName => once(&mut prelude.name, self.name(size, Bound::Name)?)?,
                EntryType::GNULongLink => once(&mut prelude.link, self.name(size, Bound::Target)?)?,
                EntryType::XHeader => once(&mut prelude.records, self.records(&header, size)?)?,
                EntryType::XGlobalHeader => {
                    self.budget.entry()?;
                    if self.records(&header, size)?.is_about_a_file() {
                        return Err(reading(damaged("a header for all members speaks of one")));
                    }
                }
                _ => return self.member(&header, size, prelude).map(Some),
            }
        }
        match prelude {
            Prelude { name: None, link: None, records: None } => Ok(None),
            _ => Err(reading(damaged("the archive ends between a member's headers"))),
        }
    }

    /// The contents of `member`, the one that came last; holes are filled with zeros.
    pub(super) fn contents(&mut self, member: &mut Member) -> Box<dyn Read + '_> {
        match member.map.take() {
            Some(map) => {
                let budget = self.budget;
                Box::new(Filled::new(map, &mut self.blocks, |zeros| budget.bytes(zeros).map_err(io::Error::other)))
            }
            None => Box::new(&mut self.blocks),
        }
    }

    fn member(&mut self, header: &Header, size: u64, prelude: Prelude) -> Result<Member, UnpackError> {
        self.budget.entry()?;
        let Records { path, link, size: long_size, sparse, .. } = prelude.records.unwrap_or_default();
        let named = sparse.name.clone().or(path).or(prelude.name);
        let name = named.unwrap_or_else(|| header.path_bytes().into_owned());
        let link = link.or(prelude.link);
        let link = link.unwrap_or_else(|| header.link_name_bytes().unwrap_or_default().into_owned());
        let kind = header.entry_type();
        let mode = number(&header.as_old().mode).ok().and_then(|mode| u32::try_from(mode).ok());

        let stored = if has_contents(kind) { long_size.unwrap_or(size) } else { 0 };
        self.no_more_than_allowed(&name, stored)?;
        let located = |cause| UnpackError::of_reading(Some(shown(&name)), cause);
        let map = if kind == EntryType::GNUSparse {
            let header = header.as_gnu().ok_or_else(|| located(damaged("it is a sparse file without a map")))?;
            let map = Map::of_header(header, stored, &mut self.blocks).map_err(located)?;
            self.blocks.begin(stored);
            Some(map)
        } else {
            self.blocks.begin(stored);
            Map::of_records(sparse, &mut self.blocks).map_err(located)?
        };
        if let Some(map) = &map {
            self.no_more_than_allowed(&name, map.size())?;
        }
        Ok(Member { name, link, kind, mode: mode.unwrap_or(MODE_UNKNOWN), map })
    }

    /// Refuses at once what would be refused in its middle.
    fn no_more_than_allowed(&self, name: &[u8], size: u64) -> Result<(), UnpackError> {
        let limit = self.budget.limits().bytes;
        if size > limit {
            return Err(UnpackError::Beyond { bound: Bound::Bytes, limit, entry: Some(shown(name)) });
        }
        Ok(())
    }

    /// A name that stands as the contents of a member, which ends with NUL.
    fn name(&mut self, size: u64, bound: Bound) -> Result<Vec<u8>, UnpackError> {
        let limit = self.budget.limits().name;
        let most = limit.saturating_add(1);
        let mut name = self.text(size, most)?;
        name.truncate(name.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
        if size > most || name.len() as u64 > limit {
            return Err(UnpackError::Beyond { bound, limit, entry: Some(shown(&name)) });
        }
        Ok(name)
    }

    fn records(&mut self, header: &Header, size: u64) -> Result<Records, UnpackError> {
        if size > pax::LONGEST {
            let what = "has an extended header of more than 1 MiB";
            return Err(UnpackError::Unlawful { entry: shown(&header.path_bytes()), what });
        }
        Records::parse(&self.text(size, size)?).map_err(reading)
    }

    /// At most `most` bytes of contents that have `size`. Memory grows with what comes, not with what is announced.
    fn text(&mut self, size: u64, most: u64) -> Result<Vec<u8>, UnpackError> {
        self.blocks.begin(size);
        let mut text = Vec::new();
        (&mut self.blocks).take(most).read_to_end(&mut text).map_err(reading)?;
        Ok(text)
    }
}

/// Whether the size in a header is that of contents; otherwise it may say anything, as Go has it.
fn has_contents(kind: EntryType) -> bool {
    !matches!(
        kind,
        EntryType::Link
            | EntryType::Symlink
            | EntryType::Char
            | EntryType::Block
            | EntryType::Directory
            | EntryType::Fifo
    )
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), UnpackError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(reading(damaged("two headers of the same kind describe one member"))),
    }
}

fn reading(cause: io::Error) -> UnpackError {
    UnpackError::of_reading(None, cause)
}
