//! Reads a tar entry by entry in bounded memory, in every form that GNU tar, bsdtar and Go write. Holes come as zeros.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use tar::{EntryType, Header};
use tarball::blocks::{Blocks, damaged, number};
use tarball::pax::{self, Records};
use tarball::sparse::{Filled, Map};

/// Bytes of a name or a link's target that are read; Linux has no longer paths than 4 KiB.
const LONGEST_NAME: u64 = 64 << 10;
/// Headers for all entries that are read in front of one; each is a kibibyte that nothing comes of.
const MOST_GLOBALS: u32 = 1000;
/// Bytes behind the archive's end. A tape's records are the longest padding, and have a mebibyte.
const LONGEST_PADDING: u64 = 16 << 20;
/// A volume label of GNU tar: a name for the tape.
const VOLUME: u8 = b'V';
/// The last second that a header can tell in digits; in the year 2242.
const LAST_SECOND: u64 = 0o77_777_777_777;

/// The head of an entry. Where it stands in the file system is not told yet: the path is as the archive has it.
pub(super) struct Entry {
    /// Its path.
    pub(super) path: Vec<u8>,
    /// What a symbolic or hard link names.
    pub(super) link: Vec<u8>,
    /// A file is [`EntryType::Regular`], however it is stored.
    pub(super) kind: EntryType,
    /// With set-user-id, set-group-id and sticky bits.
    pub(super) mode: u32,
    /// Whole seconds since 1970; what is older is 0, as engines have it.
    pub(super) mtime: u64,
    /// Bytes of its content, with its holes.
    pub(super) size: u64,
    /// Its extended attributes, by name.
    pub(super) attributes: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Entry {
    /// The path for a message.
    pub(super) fn shown(&self) -> String {
        String::from_utf8_lossy(&self.path).into_owned()
    }
}

/// Why the reading ended early.
#[derive(Debug)]
pub(super) enum Stopped<E> {
    /// The archive is no tar, or cut off.
    Archive(io::Error),
    /// The visitor's own reason.
    Visitor(E),
}

/// Shows every entry and its content to `visit`, in order, and then reads `archive` to its end.
pub(super) fn each_entry<E>(
    mut archive: impl Read,
    mut visit: impl FnMut(&Entry, &mut dyn Read) -> Result<(), E>,
) -> Result<(), Stopped<E>> {
    let mut blocks = Blocks::new(&mut archive);
    while let Some((entry, map)) = next(&mut blocks).map_err(Stopped::Archive)? {
        let outcome = match map {
            Some(map) => visit(&entry, &mut Filled::new(map, &mut blocks, |_| Ok(()))),
            None => visit(&entry, &mut blocks),
        };
        outcome.map_err(Stopped::Visitor)?;
    }
    // What follows the last entry is padding, but the checksum of the compression comes after it.
    let padding = io::copy(&mut archive.take(LONGEST_PADDING + 1), &mut io::sink()).map_err(Stopped::Archive)?;
    if padding > LONGEST_PADDING {
        return Err(Stopped::Archive(damaged("it goes on behind its end")));
    }
    Ok(())
}

/// What extension headers say of the next entry.
#[derive(Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    records: Option<Records>,
    globals: u32,
}

fn next<R: Read>(blocks: &mut Blocks<R>) -> io::Result<Option<(Entry, Option<Map>)>> {
    let mut extensions = Extensions::default();
    while let Some(header) = blocks.header()? {
        let size = number(&header.as_old().size)?;
        match header.entry_type() {
            EntryType::GNULongName => once(&mut extensions.path, name(blocks, size)?)?,
            EntryType::GNULongLink => once(&mut extensions.link, name(blocks, size)?)?,
            EntryType::XHeader => once(&mut extensions.records, records(blocks, size)?)?,
            EntryType::XGlobalHeader => {
                extensions.globals += 1;
                if extensions.globals > MOST_GLOBALS || records(blocks, size)?.is_about_a_file() {
                    return Err(damaged("it has a header for all entries that speaks of one"));
                }
            }
            kind if kind.as_byte() == VOLUME => blocks.begin(size),
            _ => return complete(extensions, &header, size, blocks).map(Some),
        }
    }
    match extensions {
        Extensions { path: None, link: None, records: None, .. } => Ok(None),
        _ => Err(damaged("it ends between an entry's headers")),
    }
}

/// The entry; `blocks` stand at its content after this.
fn complete<R: Read>(
    extensions: Extensions,
    header: &Header,
    size: u64,
    blocks: &mut Blocks<R>,
) -> io::Result<(Entry, Option<Map>)> {
    let Records { path, link, size: long_size, mtime, attributes, sparse } = extensions.records.unwrap_or_default();
    let path = sparse.name.clone().or(path).or(extensions.path);
    let path = path.unwrap_or_else(|| header.path_bytes().into_owned());
    let link = link.or(extensions.link);
    let mut kind = header.entry_type();
    let stored = if has_content(kind) { long_size.unwrap_or(size) } else { 0 };
    let map = if kind == EntryType::GNUSparse {
        let header = header.as_gnu().ok_or_else(|| damaged("it has a sparse file without a map"))?;
        let map = Map::of_header(header, stored, blocks)?;
        blocks.begin(stored);
        Some(map)
    } else {
        blocks.begin(stored);
        Map::of_records(sparse, blocks)?
    };
    if matches!(kind, EntryType::Continuous | EntryType::GNUSparse) {
        kind = EntryType::Regular;
    }
    if kind.is_file() && path.ends_with(b"/") {
        kind = EntryType::Directory; // as tar older than POSIX says it
    }
    let entry = Entry {
        link: link.or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned)).unwrap_or_default(),
        path,
        kind,
        mode: u32::try_from(number(&header.as_old().mode)? & 0o7777).unwrap_or_default(),
        mtime: time(mtime, &header.as_old().mtime)?,
        size: map.as_ref().map_or(stored, Map::size),
        attributes,
    };
    Ok((entry, map))
}

/// What a record says, else what the header says.
fn time(record: Option<i64>, field: &[u8]) -> io::Result<u64> {
    let is_before_1970 = field.first().is_some_and(|first| first & 0xc0 == 0xc0); // binary, and its sign
    let seconds = match record {
        Some(seconds) => u64::try_from(seconds).unwrap_or(0),
        None if is_before_1970 => 0,
        None => number(field)?,
    };
    Ok(seconds.min(LAST_SECOND))
}

/// Whether the size in a header is that of content; otherwise it may say anything.
fn has_content(kind: EntryType) -> bool {
    use EntryType::{Block, Char, Directory, Fifo, Link, Symlink};
    !matches!(kind, Link | Symlink | Char | Block | Directory | Fifo)
}

fn once<T>(place: &mut Option<T>, value: T) -> io::Result<()> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(damaged("it has two headers of the same kind for one entry")),
    }
}

/// A name that stands as content; GNU's end with a zero byte.
fn name<R: Read>(blocks: &mut Blocks<R>, size: u64) -> io::Result<Vec<u8>> {
    if size > LONGEST_NAME {
        return Err(damaged("it has a name that is too long"));
    }
    let mut name = content(blocks, size)?;
    name.truncate(name.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
    Ok(name)
}

fn records<R: Read>(blocks: &mut Blocks<R>, size: u64) -> io::Result<Records> {
    if size > pax::LONGEST {
        return Err(damaged("it has an extended header of more than 1 MiB"));
    }
    Records::parse(&content(blocks, size)?)
}

fn content<R: Read>(blocks: &mut Blocks<R>, size: u64) -> io::Result<Vec<u8>> {
    blocks.begin(size);
    let mut content = Vec::new();
    blocks.read_to_end(&mut content)?;
    Ok(content)
}

/// The path below the archive's root, empty for the root itself; `None` when it leads out or is none.
pub(super) fn below_root(path: &[u8]) -> Option<PathBuf> {
    if path.is_empty() || path.contains(&0) {
        return None;
    }
    let mut below = PathBuf::new();
    for component in Path::new(OsStr::from_bytes(path)).components() {
        match component {
            Component::Normal(name) => below.push(name),
            Component::CurDir => {}
            Component::RootDir | Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    Some(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_below_the_root_or_none() {
        for (path, below) in
            [("./", ""), (".", ""), ("./a/./b//c/", "a/b/c"), ("a", "a"), ("...", "..."), ("a\\..\\b", "a\\..\\b")]
        {
            assert_eq!(below_root(path.as_bytes()), Some(PathBuf::from(below)), "{path}");
        }
        for path in ["", "/a", "..", "a/../b", "a/..", "./../a", "a\0b"] {
            assert_eq!(below_root(path.as_bytes()), None, "{path:?}");
        }
    }

    #[test]
    fn a_name_that_claims_gigabytes_is_refused_without_being_read() {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::GNULongName);
        header.set_path("././@LongLink").unwrap();
        header.set_size(4 << 30);
        header.set_cksum();
        let endless = header.as_bytes().chain(io::repeat(b'a'));
        let stopped = each_entry(endless, |_, _| Ok::<(), ()>(())).unwrap_err();
        assert!(matches!(stopped, Stopped::Archive(error) if error.to_string().contains("too long")));
    }
}
