//! Unpacks a zip. Its directory stands at its end, so it is first spooled into a file without a name on the disk that
//! it is unpacked to. Not the zip library's own `extract`: that sets modes late, leaves DOS-made directories without x,
//! and refuses a whole archive for one absolute symbolic link.

use super::entry_name::{EntryName, link_target, shown};
use super::limits::Budget;
use super::tree::Tree;
use super::{Unpacked, unless_stopped};
use crate::fetch::error::UnpackError;
use crate::scope::Scope;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, Write as _};
use zip::read::ZipFile;
use zip::result::ZipError;
use zip::{System, ZipArchive};

/// Bytes spooled at a time.
const BLOCK: usize = 64 * 1024;
/// The kinds of file in the upper bits of a Unix mode.
const KIND: u32 = 0o170_000;
const SYMLINK: u32 = 0o120_000;
const FIFO: u32 = 0o010_000;
const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;

/// Unpacks `archive` into `tree`.
///
/// # Errors
/// See [`UnpackError`].
pub(super) fn unpack(
    archive: &mut dyn Read,
    tree: &mut Tree,
    budget: &Budget,
    scope: &Scope,
) -> Result<Unpacked, UnpackError> {
    let spooled = spool(archive, tree)?;
    let mut archive = ZipArchive::new(BufReader::new(spooled)).map_err(|error| corrupt(None, error))?;
    let mut unpacked = Unpacked::default();
    for index in 0..archive.len() {
        unless_stopped(scope)?;
        let name = archive.name_for_index(index).and_then(Result::ok).map(std::borrow::Cow::into_owned);
        let mut entry = archive.by_index(index).map_err(|error| broken(name.unwrap_or_default(), error))?;
        budget.entry()?;
        budget.bytes(entry.size())?;
        unpack_entry(&mut entry, tree, budget, scope, &mut unpacked)?;
    }
    Ok(unpacked)
}

fn spool(archive: &mut dyn Read, tree: &Tree) -> Result<File, UnpackError> {
    let disk = |cause| UnpackError::Disk { path: tree.path().to_owned(), cause };
    let mut spool = tempfile::tempfile_in(tree.path()).map_err(disk)?;
    let mut block = vec![0; BLOCK];
    loop {
        match archive.read(&mut block) {
            Ok(0) => break,
            Ok(count) => spool.write_all(&block[..count]).map_err(disk)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(UnpackError::Corrupt { entry: None, cause }),
        }
    }
    spool.rewind().map_err(disk)?;
    Ok(spool)
}

fn unpack_entry<R: Read>(
    entry: &mut ZipFile<R>,
    tree: &mut Tree,
    budget: &Budget,
    scope: &Scope,
    unpacked: &mut Unpacked,
) -> Result<(), UnpackError> {
    let raw = raw_name(entry, unpacked);
    let name = EntryName::parse(&raw, budget.limits())?;
    let unlawful = |what| Err(UnpackError::Unlawful { entry: shown(&raw), what });
    let mode = entry.unix_mode().filter(|mode| mode & !KIND != 0);
    let kind = entry.unix_mode().unwrap_or_default() & KIND;
    if raw.ends_with(b"/") || kind == DIRECTORY {
        // A directory that cannot be entered is a DOS attribute read as a mode.
        tree.directory(&name, if made_by_unix(entry) { mode.unwrap_or(0o755) } else { 0o755 })?;
    } else if kind == SYMLINK {
        let mut target = Vec::new();
        let read = entry.take(budget.limits().name.saturating_add(1)).read_to_end(&mut target);
        read.map_err(|cause| UnpackError::Corrupt { entry: Some(name.shown()), cause })?;
        tree.symlink(&name, link_target(&raw, &target, budget.limits())?)?;
    } else if kind == FIFO {
        unpacked.pipes.get_or_insert_with(|| (0, shown(&raw))).0 += 1;
        return Ok(());
    } else if kind == REGULAR || kind == 0 {
        tree.file(&name, mode.unwrap_or(0o644), entry, &|| unless_stopped(scope))?;
    } else {
        return unlawful("is a device or a socket");
    }
    unpacked.entries += 1;
    Ok(())
}

/// The name with `/` between its parts. Without the UTF-8 flag the bytes may still be UTF-8 (Info-ZIP on Linux).
///
/// Windows programs that do not know better write `\`; as unzip does, that is believed of archives that were not made
/// on Unix, where a `\` may stand in a name.
fn raw_name<R: Read>(entry: &ZipFile<R>, unpacked: &mut Unpacked) -> Vec<u8> {
    let raw = entry.name_raw();
    let mut name = match (std::str::from_utf8(raw), entry.name()) {
        (Err(_), Ok(decoded)) => decoded.as_bytes().to_vec(),
        _ => raw.to_vec(),
    };
    if name.contains(&b'\\') && !made_by_unix(entry) {
        unpacked.backslashes = true;
        name.iter_mut().filter(|byte| **byte == b'\\').for_each(|byte| *byte = b'/');
    }
    name
}

fn made_by_unix<R: Read>(entry: &ZipFile<R>) -> bool {
    matches!(entry.system(), System::Unix | System::OsDarwin)
}

fn broken(entry: String, error: ZipError) -> UnpackError {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
            UnpackError::Unlawful { entry, what: "is encrypted" }
        }
        ZipError::CompressionMethodNotSupported(_) | ZipError::UnsupportedArchive(_) => {
            UnpackError::Unlawful { entry, what: "is compressed in a way that is not understood" }
        }
        error => corrupt(Some(entry), error),
    }
}

fn corrupt(entry: Option<String>, error: ZipError) -> UnpackError {
    let cause = match error {
        ZipError::Io(cause) => cause,
        other => io::Error::new(io::ErrorKind::InvalidData, other.to_string()),
    };
    UnpackError::Corrupt { entry, cause }
}
