//! Shows a tar entry by entry in bounded memory, in every form that GNU tar, bsdtar and Go write. Holes come as zeros. The
//! headers are read in the crate `tarball`; what may be asked for is here.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use tar::EntryType;
use tarball::blocks::damaged;
use tarball::members::{Member, MemberError, Members};

/// Bytes of a name or a link's target that are read, without the NUL behind it; Linux has no longer paths than 4 KiB.
const LONGEST_NAME: u64 = (64 << 10) - 1;
/// Headers for all entries, and labels, that are read in front of one; each is up to a kibibyte that nothing comes of.
const MOST_GLOBALS: u32 = 1000;
/// Bytes behind the archive's end. A tape's records are the longest padding, and have a mebibyte.
const LONGEST_PADDING: u64 = 16 << 20;
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
    fn from_member(member: Member) -> io::Result<Self> {
        let mode = u32::try_from(member.mode()? & 0o7777).unwrap_or_default();
        let mtime = member.mtime()?.min(LAST_SECOND);
        let Member { name: path, link, kind, size, attributes, .. } = member;
        Ok(Self { path, link, kind, mode, mtime, size, attributes })
    }

    /// The path for a message.
    pub(super) fn shown(&self) -> String {
        shown(&self.path)
    }
}

/// A path for a message, cut where it is longer than anybody reads.
fn shown(path: &[u8]) -> String {
    const ENOUGH: usize = 300;
    String::from_utf8_lossy(&path[..path.len().min(ENOUGH)]).into_owned()
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
    let mut members = Members::new(&mut archive, LONGEST_NAME);
    let mut idle = 0;
    while let Some(member) = next(&mut members, &mut idle).map_err(Stopped::Archive)? {
        if member.is_label() {
            bounded(&mut idle).map_err(Stopped::Archive)?;
            continue;
        }
        idle = 0;
        let entry = Entry::from_member(member).map_err(Stopped::Archive)?;
        visit(&entry, &mut members.contents(|_| Ok(()))).map_err(Stopped::Visitor)?;
    }
    // What follows the last entry is padding, but the checksum of the compression comes after it.
    let padding = io::copy(&mut archive.take(LONGEST_PADDING + 1), &mut io::sink()).map_err(Stopped::Archive)?;
    if padding > LONGEST_PADDING {
        return Err(Stopped::Archive(damaged("it goes on behind its end")));
    }
    Ok(())
}

/// The next member; what stands in front of it for all of them is counted. How many bytes come out of an archive is bounded by
/// whoever reads them.
fn next(members: &mut Members<impl Read>, idle: &mut u32) -> io::Result<Option<Member>> {
    members.next_member(|| bounded(idle)).map_err(|error| match error {
        MemberError::Reading { cause, .. } => cause,
        MemberError::LongName { .. } | MemberError::LongLink { name: None } => {
            damaged("it has a name that is too long")
        }
        MemberError::LongLink { name: Some(name) } => {
            let why = format!("its entry {:?} is a link to a name that is too long", shown(&name));
            io::Error::new(io::ErrorKind::InvalidData, why)
        }
        MemberError::LongRecords { .. } => damaged("it has an extended header of more than 1 MiB"),
    })
}

fn bounded(idle: &mut u32) -> io::Result<()> {
    *idle += 1;
    if *idle > MOST_GLOBALS { Err(damaged("it has too many headers for all members")) } else { Ok(()) }
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
    use tar::Header;

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
    fn what_is_wrong_with_an_archive_is_said_in_words() {
        let described = |kind, text: &[u8]| {
            let mut header = Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            header.set_mtime(1);
            header.set_cksum();
            let padding = vec![0; text.len().next_multiple_of(512) - text.len()];
            [header.as_bytes(), text, &padding].concat()
        };
        let name = described(EntryType::GNULongName, b"name\0");
        let global = described(EntryType::XGlobalHeader, b"16 comment=abcd\n");
        let label = described(EntryType::new(b'V'), b"a tape");
        let mut no_mode = Header::new_gnu();
        no_mode.as_old_mut().mode = *b"none\0\0\0\0";
        no_mode.set_size(0);
        no_mode.set_cksum();
        for (archive, words) in [
            ([&name[..], &name].concat(), "two headers of the same kind describe one member"),
            (name, "the archive ends between a member's headers"),
            (described(EntryType::XGlobalHeader, b"9 path=a\n"), "a header for all members speaks of one"),
            (global.repeat(1001), "it has too many headers for all members"),
            ([&global[..], &label].concat().repeat(501), "it has too many headers for all members"),
            (described(EntryType::GNULongName, &vec![b'n'; 70_000]), "it has a name that is too long"),
            (described(EntryType::GNULongLink, &vec![b'n'; 70_000]), "it has a name that is too long"),
            (
                [described(EntryType::GNULongLink, &vec![b'n'; 70_000]), described(EntryType::Symlink, b"")].concat(),
                "its entry \"\" is a link to a name that is too long",
            ),
            (described(EntryType::XHeader, &vec![b' '; (1 << 20) + 1]), "it has an extended header of more than 1 MiB"),
            (described(EntryType::GNUSparse, b"x"), "the map of a sparse file does not fit its contents"),
            (no_mode.as_bytes().to_vec(), "a number in its header is none"),
        ] {
            let stopped = each_entry(&*archive, |_, _| Ok::<(), ()>(())).unwrap_err();
            assert!(
                matches!(&stopped, Stopped::Archive(error) if error.to_string() == words),
                "{stopped:?}, not {words}"
            );
        }
        let mut seen = 0;
        let archive = [global.repeat(999), label, described(EntryType::Regular, b"x")].concat();
        each_entry(&*archive, |entry, _| {
            seen += entry.size;
            Ok::<(), ()>(())
        })
        .unwrap();
        assert_eq!(seen, 1);
    }
}
