//! Reads a tar entry by entry in bounded memory. `tar::Archive`'s own way believes whatever length an extension
//! header claims for a name and keeps it all; here the raw headers are read and the extensions bounded.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use tar::{Archive, EntryType, PaxExtensions};

/// Bytes of an extension header that are read; Linux has no longer paths than 4 KiB.
const LONGEST_EXTENSION: u64 = 64 << 10;

/// The head of an entry. Where it stands in the file system is not told yet: the path is as the archive has it.
pub(super) struct Entry {
    /// Its path.
    pub(super) path: Vec<u8>,
    /// What a symbolic or hard link names.
    pub(super) link: Vec<u8>,
    pub(super) kind: EntryType,
    /// With set-user-id, set-group-id and sticky bits.
    pub(super) mode: u32,
    /// Seconds since 1970.
    pub(super) mtime: u64,
    /// Bytes of its content.
    pub(super) size: u64,
    /// Its extended attributes as PAX records, as far as they are the user's own.
    pub(super) attributes: Vec<(String, Vec<u8>)>,
}

/// How PAX records of the user's own extended attributes begin.
const USERS_ATTRIBUTE: &str = "SCHILY.xattr.user.";

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
    archive: impl Read,
    mut visit: impl FnMut(&Entry, &mut dyn Read) -> Result<(), E>,
) -> Result<(), Stopped<E>> {
    let mut archive = Archive::new(archive);
    let mut extensions = Extensions::default();
    for raw in archive.entries().map_err(Stopped::Archive)?.raw(true) {
        let mut raw = raw.map_err(Stopped::Archive)?;
        if extensions.take(&mut raw).map_err(Stopped::Archive)? {
            continue;
        }
        let entry = std::mem::take(&mut extensions).complete(raw.header()).map_err(Stopped::Archive)?;
        visit(&entry, &mut raw).map_err(Stopped::Visitor)?;
    }
    // What follows the last entry is padding, but the checksum of the compression comes after it.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(Stopped::Archive)?;
    Ok(())
}

/// What extension headers say of the next entry.
#[derive(Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    attributes: Vec<(String, Vec<u8>)>,
}

impl Extensions {
    /// True: it was an extension and is noted.
    fn take<R: Read>(&mut self, raw: &mut tar::Entry<'_, R>) -> io::Result<bool> {
        let kind = raw.header().entry_type();
        match kind {
            EntryType::GNULongName => self.path = Some(name(bounded(raw)?)),
            EntryType::GNULongLink => self.link = Some(name(bounded(raw)?)),
            EntryType::XHeader => self.read_pax(&bounded(raw)?)?,
            EntryType::XGlobalHeader => drop(bounded(raw)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn read_pax(&mut self, bytes: &[u8]) -> io::Result<()> {
        for record in PaxExtensions::new(bytes) {
            let record = record?;
            match record.key_bytes() {
                b"path" => self.path = Some(record.value_bytes().to_vec()),
                b"linkpath" => self.link = Some(record.value_bytes().to_vec()),
                b"size" => self.size = record.value().ok().and_then(|size| size.parse().ok()),
                _ if record.key().is_ok_and(|key| key.starts_with(USERS_ATTRIBUTE)) => {
                    let name = record.key().unwrap_or_default().to_owned();
                    self.attributes.push((name, record.value_bytes().to_vec()));
                }
                key if key.starts_with(b"GNU.sparse.") => return Err(io::Error::other("it holds a sparse file")),
                _ => {}
            }
        }
        Ok(())
    }

    fn complete(self, header: &tar::Header) -> io::Result<Entry> {
        let size = header.entry_size()?;
        if self.size.is_some_and(|other| other != size) {
            return Err(io::Error::other("it tells two sizes for one entry"));
        }
        Ok(Entry {
            path: self.path.unwrap_or_else(|| header.path_bytes().into_owned()),
            link: self.link.or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned)).unwrap_or_default(),
            kind: header.entry_type(),
            mode: header.mode()? & 0o7777,
            mtime: header.mtime()?,
            size,
            attributes: self.attributes,
        })
    }
}

fn bounded<R: Read>(raw: &mut tar::Entry<'_, R>) -> io::Result<Vec<u8>> {
    if raw.size() > LONGEST_EXTENSION {
        return Err(io::Error::other("it holds a name that is too long"));
    }
    let mut bytes = Vec::new();
    raw.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// GNU's long names end with a zero byte.
fn name(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.last() == Some(&0) {
        bytes.pop();
    }
    bytes
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
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(EntryType::GNULongName);
        header.set_path("././@LongLink").unwrap();
        header.set_size(4 << 30);
        header.set_cksum();
        let endless = header.as_bytes().chain(io::repeat(b'a'));
        let stopped = each_entry(endless, |_, _| Ok::<(), ()>(())).unwrap_err();
        assert!(matches!(stopped, Stopped::Archive(error) if error.to_string().contains("too long")));
    }
}
