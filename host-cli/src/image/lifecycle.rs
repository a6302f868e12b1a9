//! Lifecycle → layer: its programs come to `/tmp/lifecycle`, owned by root and executable for all, at a fixed time, so
//! that an archive and the folder it was unpacked to are worth the same.

#![expect(clippy::disallowed_methods, reason = "reads the folder or archive that was named")]

use super::ImageError;
use super::bound::{Bound, length};
use super::droplet::GZIP;
use super::entries::{Entry, Stopped, below_root, each_entry};
use super::layer::{FIXED_TIME, Layer, LayerWriter, Owner};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, Read, Seek};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use tar::EntryType;
use tarball::gzip::Inflated;

const ROOT: Owner = Owner { uid: 0, gid: 0 };
const ARCHIVE: &str = "lifecycle";
/// Programs and folders alike.
const MODE: u32 = 0o755;
/// `/tmp`, where every user may write and nobody may take away another's.
const TMP_MODE: u32 = 0o1777;
/// Folders in folders; a lifecycle is flat.
const DEEPEST: usize = 20;

/// Where a lifecycle comes from.
#[derive(Debug)]
pub(crate) enum LifecycleSource {
    /// A tar, compressed (tgz) or not, read from its start.
    Archive(File),
    /// A folder with its programs.
    Folder(PathBuf),
    /// Programs by name, `launcher` among them, each read from its start.
    Programs(Vec<(String, File)>),
}

impl LifecycleSource {
    /// What stands at `path`.
    pub(crate) fn at(path: &Path) -> Result<Self, ImageError> {
        let unreadable = |error: std::io::Error| ImageError::Unreadable {
            what: path.display().to_string(),
            reason: error.to_string(),
        };
        if fs::metadata(path).map_err(unreadable)?.is_dir() {
            Ok(Self::Folder(path.to_owned()))
        } else {
            File::open(path).map(Self::Archive).map_err(unreadable)
        }
    }
}

/// The layer; what is newer than `newest`, seconds since 1970, gets that time.
pub(super) fn lifecycle_layer(
    lifecycle: &mut LifecycleSource,
    newest: Option<u64>,
    bound: Bound,
) -> Result<Layer, ImageError> {
    let bound = match lifecycle {
        LifecycleSource::Archive(file) => bound.with_ratio(length(file)),
        LifecycleSource::Folder(_) | LifecycleSource::Programs(_) => bound,
    };
    let layer = LayerWriter::new(ARCHIVE, "tmp/lifecycle", ROOT, newest, bound)?;
    let mut writer = Writer { layer, has_launcher: false };
    writer.layer.folder("tmp", TMP_MODE, ROOT)?;
    writer.layer.folder("tmp/lifecycle", MODE, ROOT)?;
    match lifecycle {
        LifecycleSource::Archive(file) => writer.archive(file)?,
        LifecycleSource::Folder(folder) => writer.folder(folder, Path::new(""), 0)?,
        LifecycleSource::Programs(programs) => {
            programs.sort_by(|one, other| one.0.cmp(&other.0));
            for (name, file) in programs {
                writer.program(Path::new(name), file)?;
            }
        }
    }
    if writer.has_launcher { writer.layer.finish() } else { Err(ImageError::NoLauncher) }
}

struct Writer {
    layer: LayerWriter,
    has_launcher: bool,
}

impl Writer {
    fn archive(&mut self, file: &mut File) -> Result<(), ImageError> {
        let corrupt = |error: std::io::Error| ImageError::Corrupt { archive: ARCHIVE, reason: error.to_string() };
        let mut magic = Vec::new();
        file.rewind().and_then(|()| file.take(2).read_to_end(&mut magic)).map_err(corrupt)?;
        file.rewind().map_err(corrupt)?;
        if magic.is_empty() {
            return Err(ImageError::Empty { archive: ARCHIVE });
        }
        let buffered = BufReader::with_capacity(256 << 10, file);
        let visit = |entry: &Entry, content: &mut dyn Read| self.add(entry, content);
        let outcome =
            if magic == GZIP { each_entry(Inflated::new(buffered), visit) } else { each_entry(buffered, visit) };
        outcome.map_err(|stopped| match stopped {
            Stopped::Visitor(error) => error,
            Stopped::Archive(error) => corrupt(error),
        })
    }

    fn folder(&mut self, root: &Path, below: &Path, depth: usize) -> Result<(), ImageError> {
        let folder = root.join(below);
        let unreadable = |error: std::io::Error| ImageError::Unreadable {
            what: folder.display().to_string(),
            reason: error.to_string(),
        };
        let names = fs::read_dir(&folder).and_then(|list| list.map(|one| one.map(|one| one.file_name())).collect());
        let mut names: Vec<_> = names.map_err(unreadable)?;
        names.sort();
        for name in names {
            let (below, path) = (below.join(&name), folder.join(&name));
            let kind = fs::symlink_metadata(&path).map_err(unreadable)?.file_type();
            if kind.is_dir() && depth < DEEPEST {
                self.add(&entry(&below, EntryType::Directory, 0, Vec::new()), &mut std::io::empty())?;
                self.folder(root, &below, depth + 1)?;
            } else if kind.is_symlink() {
                let target = fs::read_link(&path).map_err(unreadable)?.into_os_string();
                let link = entry(&below, EntryType::Symlink, 0, target.as_bytes().to_vec());
                self.add(&link, &mut std::io::empty())?;
            } else if kind.is_file() {
                self.program(&below, &mut File::open(&path).map_err(unreadable)?)?;
            } else {
                let odd = entry(&below, EntryType::Char, 0, Vec::new());
                self.add(&odd, &mut std::io::empty())?;
            }
        }
        Ok(())
    }

    fn program(&mut self, below: &Path, file: &mut File) -> Result<(), ImageError> {
        let unreadable = |error: std::io::Error| ImageError::Unreadable {
            what: below.display().to_string(),
            reason: error.to_string(),
        };
        file.rewind().map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        self.add(&entry(below, EntryType::Regular, size, Vec::new()), &mut file.take(size))
    }

    fn add(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), ImageError> {
        if below_root(&entry.path).is_some_and(|path| path == Path::new("launcher")) {
            self.has_launcher = matches!(entry.kind, EntryType::Regular | EntryType::Link) || entry.kind.is_symlink();
        }
        let Entry { path, link, kind, size, .. } = entry;
        let plain = Entry {
            path: path.clone(),
            link: link.clone(),
            kind: *kind,
            mode: MODE,
            mtime: FIXED_TIME,
            size: *size,
            attributes: BTreeMap::new(),
        };
        self.layer.add(&plain, content)
    }
}

fn entry(path: &Path, kind: EntryType, size: u64, link: Vec<u8>) -> Entry {
    Entry {
        path: path.as_os_str().as_bytes().to_vec(),
        link,
        kind,
        mode: MODE,
        mtime: FIXED_TIME,
        size,
        attributes: BTreeMap::new(),
    }
}
