//! Where things lie in a cache's directory, and who may look at them:
//!
//! ```text
//! /            0711   format: the number of this layout
//! /entries/    0711   unpacked trees under random names; a builder can enter those that it is told of, list none
//! /views/      0711   trees of further names for the entries' files, as builders are shown them; see `view.rs`
//! /packages/   0700   archives as they came, under random names
//! /index/      0700   <identity>.json: what an entry is and where; <name>.view: of which entries a view is
//! /locks/      0700   <random name>: held shared while an entry is used or filled; <identity>: held while it is fetched
//! ```
#![expect(clippy::disallowed_methods, reason = "this is the leaf that makes the directories")]

use super::error::CacheError;
use super::identity::EntryKind;
use super::lock::{Hold, Lock};
use rustix::fs::{CWD, Dir, Mode, OFlags, StatVfsMountFlags};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use shared_model::hex::hex;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The number that the format file of this layout holds.
const FORMAT: u32 = 1;
/// Others may enter, if they know the name.
const ENTERED: u32 = 0o711;
/// Nobody but root may enter.
const CLOSED: u32 = 0o700;
/// Directories above a cache, where they are missing, and what its format file is to be read by: whatever the umask is,
/// nobody else may write.
const PARENT: u32 = 0o755;
const READ: u32 = 0o644;
/// Write bits of group and others.
const WRITABLE: u32 = 0o022;
/// Everything that is made in the root.
const FOLDERS: [(&str, u32); 5] =
    [("entries", ENTERED), ("views", ENTERED), ("packages", CLOSED), ("index", CLOSED), ("locks", CLOSED)];
/// Its holder is the one that evicts; several at once would remove too much.
pub(super) const EVICTING: &str = "evicting";
const FORMAT_FILE: &str = "format";
/// What a new file system has in it.
const LOST_AND_FOUND: &str = "lost+found";

/// A random name: 32 hex digits, which nobody guesses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Name(String);

impl Name {
    /// A new one.
    ///
    /// # Errors
    /// The system has no randomness.
    pub(super) fn random() -> io::Result<Self> {
        let mut bytes = [0; 16];
        let mut filled = 0;
        while filled < bytes.len() {
            filled += rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty())?;
        }
        Ok(Self(hex(&bytes)))
    }

    /// One that whoever does not know `text` cannot guess, and always the same.
    pub(super) fn of(text: &[u8]) -> Self {
        let hash: [u8; 32] = Sha256::digest(text).into();
        Self(hex(&hash[..16]))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let lawful = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if lawful { Ok(Self(text)) } else { Err("the name of an entry is 32 hex digits") }
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

/// The paths of one cache.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    root: Arc<Path>,
}

impl Layout {
    /// Opens the cache in `root`; makes it where nothing is yet. Everything in it must be ours.
    pub(super) fn make(root: &Path) -> Result<Self, CacheError> {
        if let Some(parent) = root.parent() {
            let made = DirBuilder::new().recursive(true).mode(PARENT).create(parent);
            made.map_err(CacheError::io("make", parent))?;
        }
        // Before even a mode is changed: whoever gave the wrong name wants those files as they are.
        if fs::metadata(root).is_ok_and(|found| found.is_dir()) && matches!(format(root)?, LayoutFormat::Missing) {
            refuse_foreign(root)?;
        }
        if rustix::fs::statvfs(root).is_ok_and(|disk| disk.f_flag.contains(StatVfsMountFlags::RDONLY)) {
            return Err(refuse(root, "it is mounted read-only, so that no use of an entry can be noted or locked"));
        }
        folder(root, root, ENTERED)?;
        let root = fs::canonicalize(root).map_err(CacheError::io("open", root))?;
        settle_format(&root)?;
        for (name, mode) in FOLDERS {
            folder(&root, &root.join(name), mode)?;
        }
        Ok(Self { root: root.into() })
    }

    /// The cache in `root` that an image holds; `None` where there is none. Nothing is changed.
    pub(super) fn baked(root: &Path) -> Result<Option<Self>, CacheError> {
        let root = match fs::canonicalize(root) {
            Ok(root) => root,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(CacheError::io("open", root)(error)),
        };
        let own = rustix::process::geteuid();
        if !own.is_root() {
            return Err(CacheError::NotOurs {
                root,
                why: format!("the agent is user {own}, and only root may read it"),
            });
        }
        let status = fs::metadata(&root).map_err(CacheError::io("open", &root))?;
        if status.uid() != 0 || status.mode() & WRITABLE != 0 {
            return Err(refuse(&root, "others than root may write to it"));
        }
        match format(&root)? {
            LayoutFormat::Newer(format) => Err(CacheError::TooNew { root, format, known: FORMAT }),
            LayoutFormat::Known | LayoutFormat::Garbage => Ok(Some(Self { root: root.into() })),
            LayoutFormat::Missing => Ok(None),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn place(&self, kind: EntryKind, name: &Name) -> PathBuf {
        self.folder_of(kind).join(name.as_str())
    }

    pub(super) fn folder_of(&self, kind: EntryKind) -> PathBuf {
        self.root.join(match kind {
            EntryKind::Tree => "entries",
            EntryKind::Package => "packages",
        })
    }

    pub(super) fn views(&self) -> PathBuf {
        self.root.join("views")
    }

    pub(super) fn index(&self) -> PathBuf {
        self.root.join("index")
    }

    pub(super) fn locks(&self) -> PathBuf {
        self.root.join("locks")
    }

    /// Takes the lock `name`; `None` while somebody holds it in another way.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn lock(&self, name: &str, hold: Hold) -> Result<Option<Lock>, CacheError> {
        let path = self.locks().join(name);
        Lock::try_take(&path, hold).map_err(CacheError::io("lock", path))
    }

    /// The same alone: nobody uses or fills the entry.
    pub(super) fn lock_alone(&self, name: &str) -> Result<Option<Lock>, CacheError> {
        self.lock(name, Hold::Exclusive)
    }
}

fn refuse(path: &Path, why: impl Into<String>) -> CacheError {
    CacheError::Unusable { path: path.to_owned(), why: why.into() }
}

/// Makes `path` if it is missing, and sees to it that it is a directory of root's with this mode.
fn folder(root: &Path, path: &Path, mode: u32) -> Result<(), CacheError> {
    match DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(CacheError::io("make", path)(error)),
        _ => {}
    }
    // The root may be reached by a link, which whoever names it has made; nothing in it is one.
    let looked = if path == root { fs::metadata(path) } else { fs::symlink_metadata(path) };
    let found = looked.map_err(CacheError::io("open", path))?;
    if !found.is_dir() {
        return Err(refuse(path, "it is no directory"));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        let why = format!("{} belongs to user {}", path.display(), found.uid());
        return Err(CacheError::NotOurs { root: root.to_owned(), why });
    }
    if found.mode() & WRITABLE != 0 {
        let mode = found.mode() & 0o7777;
        return Err(refuse(path, format!("others may write to it (mode {mode:04o}); chmod go-w makes it safe")));
    }
    if found.mode() & 0o7777 == mode {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(CacheError::io("change the mode of", path))?;
    let now = fs::symlink_metadata(path).map_err(CacheError::io("open", path))?.mode() & 0o7777;
    if path != root && now != mode {
        let why = format!("its file system keeps no modes ({} has {now:04o})", path.display());
        return Err(CacheError::NotOurs { root: root.to_owned(), why });
    }
    Ok(())
}

/// What a format file says.
enum LayoutFormat {
    Known,
    Newer(u32),
    /// Nothing that can be read: a power cut may leave it so. The parts of a cache are checked each by itself.
    Garbage,
    Missing,
}

fn format(root: &Path) -> Result<LayoutFormat, CacheError> {
    let path = root.join(FORMAT_FILE);
    match fs::read(&path) {
        Ok(text) => Ok(match String::from_utf8_lossy(&text).trim().parse() {
            Ok(FORMAT) => LayoutFormat::Known,
            Ok(format) if format > FORMAT => LayoutFormat::Newer(format),
            _ => LayoutFormat::Garbage,
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(LayoutFormat::Missing),
        Err(error) => Err(CacheError::io("read", path)(error)),
    }
}

fn settle_format(root: &Path) -> Result<(), CacheError> {
    match format(root)? {
        LayoutFormat::Known => return Ok(()),
        LayoutFormat::Newer(format) => return Err(CacheError::TooNew { root: root.to_owned(), format, known: FORMAT }),
        LayoutFormat::Garbage | LayoutFormat::Missing => {}
    }
    let path = root.join(FORMAT_FILE);
    let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(READ).open(&path);
    opened.and_then(|mut file| writeln!(file, "{FORMAT}")).map_err(CacheError::io("write", path))
}

/// Nothing is put among somebody's files.
fn refuse_foreign(root: &Path) -> Result<(), CacheError> {
    for entry in fs::read_dir(root).map_err(CacheError::io("read", root))? {
        let name = entry.map_err(CacheError::io("read", root))?.file_name();
        if name != LOST_AND_FOUND && name != FORMAT_FILE && FOLDERS.iter().all(|(folder, _)| name != *folder) {
            return Err(refuse(root, format!("it holds other things, such as {}", name.display())));
        }
    }
    Ok(())
}

/// The names in a directory of ours; those that are not UTF-8 are not ours.
pub(super) fn names_in(folder: &Path) -> Result<Vec<String>, CacheError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = rustix::fs::openat(CWD, folder, flags, Mode::empty()).and_then(Dir::new);
    let mut names = Vec::new();
    for entry in opened.map_err(CacheError::io("read", folder))? {
        let entry = entry.map_err(CacheError::io("read", folder))?;
        names.extend(entry.file_name().to_str().map(str::to_owned));
    }
    Ok(names)
}
