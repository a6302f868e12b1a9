//! Droplet layer → droplet: what lies below `/home/vcap` in the layer, in its order, as an archive that Diego unpacks
//! there: `./`, `./app/`, … `./staging_info.yml`, or `./workspace/`, `./layers/`, all of it vcap's, as builders write it.
//! The same layer gives the same bytes, and a droplet made so gives the layer that it came from.

use super::super::ImageError;
use super::super::admission::Admission;
use super::super::attributes::{self, LeftOut};
use super::super::droplet::VCAP;
use super::super::droplet_folders::DropletFolders;
use super::super::entries::{Entry, Stopped, below_root, each_entry};
use super::super::layer::{FIXED_TIME, Remembering};
use super::super::sha256::{Hashing, read_to_end};
use super::engine_export::{each_file, inflated, unusable};
use super::target::Exported;
use crate::engine::Image;
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use tar::{Builder, EntryType, Header};

const ARCHIVE: &str = "droplet layer";
const HOME: &str = "home/vcap";
const LIFECYCLE: &str = "tmp/lifecycle";
/// As builders leave it: their assembly folder is closed to others.
const ROOT_MODE: u32 = 0o700;
const USER: &str = "vcap";
/// What gzip itself takes, and so builders do.
const LEVEL: u32 = 6;
/// Bytes of a name that fit into a header; a longer one comes before it.
const SHORT_NAME: usize = 100;

/// Finds the image's droplet layer in its export, and writes the droplet to `file`, which errors call `called`.
pub(super) fn droplet(
    export: impl Read + Send,
    image: &Image,
    file: &mut File,
    called: &str,
) -> Result<Exported, ImageError> {
    let Some(layer) = image.details.layers.last() else { return Err(ImageError::NoDropletLayer) };
    let found = each_file(export, |_, content| {
        let Ok(Some(content)) = inflated(content) else { return Ok(()) };
        let mut content = Hashing::new(content);
        let converted = converted(&mut content, file, called);
        // It is the layer if the digest of all of it says so; until then nothing that is wrong with it matters.
        if read_to_end(&mut content).is_err() || format!("sha256:{}", content.finish().1) != *layer {
            return Ok(());
        }
        Err(Ended(converted))
    });
    match found {
        Err(Ended(converted)) => converted,
        Ok(()) => Err(unusable(format!("it does not hold the droplet layer {layer}"))),
    }
}

/// Why the reading of an export ended before the export.
struct Ended(Result<Exported, ImageError>);

impl From<ImageError> for Ended {
    fn from(error: ImageError) -> Self {
        Self(Err(error))
    }
}

/// Writes the droplet of what may be a droplet layer to `file`, from its start.
fn converted(layer: impl Read, file: &mut File, called: &str) -> Result<Exported, ImageError> {
    let unwritable = |error: io::Error| ImageError::unwritable(called, &error);
    file.rewind().and_then(|()| file.set_len(0)).map_err(unwritable)?;
    let hashing = Hashing::new(BufWriter::with_capacity(256 << 10, file));
    // No name and no time: the same layer is the same file.
    let gzip = GzBuilder::new().mtime(0).write(hashing, Compression::new(LEVEL));
    let mut droplet = DropletWriter::new(gzip, called);
    match each_entry(layer, |entry, content| droplet.add(entry, content)) {
        Ok(()) => {}
        Err(Stopped::Visitor(error)) => return Err(error),
        Err(Stopped::Archive(error)) => {
            return Err(ImageError::Corrupt { archive: ARCHIVE, reason: error.to_string() });
        }
    }
    let gzip = droplet.finish()?;
    let (mut buffer, sha256, bytes) = gzip.finish().map_err(unwritable)?.finish();
    buffer.flush().map_err(unwritable)?;
    Ok(Exported { digest: format!("sha256:{sha256}"), bytes })
}

/// A droplet that is being written.
struct DropletWriter<'a, W: Write> {
    tar: Builder<GzEncoder<W>>,
    called: &'a str,
    admission: Admission,
    has_root: bool,
    folders: DropletFolders,
}

impl<'a, W: Write> DropletWriter<'a, W> {
    fn new(gzip: GzEncoder<W>, called: &'a str) -> Self {
        let admission = Admission::new(ARCHIVE);
        Self { tar: Builder::new(gzip), called, admission, has_root: false, folders: DropletFolders::default() }
    }

    /// Adds an entry of the layer. The folders above its own things are not a droplet's.
    fn add(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), ImageError> {
        let outside =
            || ImageError::Entry { archive: ARCHIVE, entry: entry.shown(), why: "which is outside of /home/vcap" };
        // Podman's build makes one layer of both, and the lifecycle is no droplet's either.
        let is_others = |path: PathBuf| {
            entry.kind.is_dir() && [Path::new("home"), Path::new("tmp")].contains(&path.as_path())
                || path.starts_with(LIFECYCLE)
        };
        if below_root(&entry.path).is_some_and(is_others) {
            return Ok(());
        }
        let path = below_home(&entry.path).ok_or_else(outside)?;
        let link = if entry.kind == EntryType::Link { below_home(&entry.link) } else { Some(entry.link.clone()) };
        let attributes = entry.attributes.clone();
        let entry = Entry { path, link: link.ok_or_else(outside)?, attributes, ..*entry };
        if !self.has_root {
            self.has_root = true;
            let mut root = header(EntryType::Directory, ROOT_MODE, FIXED_TIME);
            self.entry(&mut root, b"./", b"", &mut io::empty())?;
        }
        let Some(place) = self.admission.admit(&entry)? else { return Ok(()) };
        self.folders.see(&entry);
        // None is left out: a layer of ours has the user's own and no others.
        let written = attributes::append(&mut self.tar, &entry, &mut LeftOut::default());
        written.map_err(|error| ImageError::unwritable(self.called, &error))?;
        let mut header = header(entry.kind, entry.mode, entry.mtime);
        let mut name = below_dot(&place.path);
        match entry.kind {
            EntryType::Directory => {
                name.push(b'/');
                self.entry(&mut header, &name, b"", &mut io::empty())
            }
            EntryType::Symlink => self.entry(&mut header, &name, &entry.link, &mut io::empty()),
            EntryType::Link => self.entry(&mut header, &name, &below_dot(&place.linked), &mut io::empty()),
            EntryType::Fifo => self.entry(&mut header, &name, b"", &mut io::empty()),
            _ => {
                header.set_size(entry.size);
                self.entry(&mut header, &name, b"", content)
            }
        }
    }

    fn finish(self) -> Result<GzEncoder<W>, ImageError> {
        if self.folders.lifecycle().is_none() {
            return Err(ImageError::NoDropletLayer);
        }
        self.tar.into_inner().map_err(|error| ImageError::unwritable(self.called, &error))
    }

    /// Name and target byte for byte: `tar` would take the `./` away and tidy targets up.
    fn entry(
        &mut self,
        header: &mut Header,
        name: &[u8],
        target: &[u8],
        content: &mut dyn Read,
    ) -> Result<(), ImageError> {
        let mut content = Remembering::new(content);
        let written = self.append(header, name, target, &mut content);
        match (written, content.error) {
            (Ok(()), _) => Ok(()),
            (Err(_), Some(reason)) => Err(ImageError::Corrupt { archive: ARCHIVE, reason }),
            (Err(error), None) => Err(ImageError::unwritable(self.called, &error)),
        }
    }

    fn append(&mut self, header: &mut Header, name: &[u8], target: &[u8], content: impl Read) -> io::Result<()> {
        for (kind, text) in [(EntryType::GNULongName, name), (EntryType::GNULongLink, target)] {
            if text.len() > SHORT_NAME {
                let mut long = Header::new_gnu();
                long.as_old_mut().name[..13].copy_from_slice(b"././@LongLink");
                long.set_entry_type(kind);
                long.set_size(text.len() as u64 + 1);
                long.set_mtime(0);
                long.set_cksum();
                self.tar.append(&long, text.chain(&[0][..]))?;
            }
        }
        let fields = header.as_old_mut();
        let (name, target) = (&name[..name.len().min(SHORT_NAME)], &target[..target.len().min(SHORT_NAME)]);
        fields.name[..name.len()].copy_from_slice(name);
        fields.linkname[..target.len()].copy_from_slice(target);
        header.set_cksum();
        self.tar.append(header, content)
    }
}

/// `./app/x` of `home/vcap/app/x`, `./` of the home itself; `None` outside.
fn below_home(path: &[u8]) -> Option<Vec<u8>> {
    let path = below_root(path)?;
    Some(below_dot(path.strip_prefix(HOME).ok()?))
}

fn below_dot(path: &Path) -> Vec<u8> {
    [b"./", path.as_os_str().as_bytes()].concat()
}

fn header(kind: EntryType, mode: u32, mtime: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_mtime(mtime);
    header.set_uid(VCAP.uid);
    header.set_gid(VCAP.gid);
    // Five letters of ASCII; they fit.
    let _ = header.set_username(USER).and_then(|()| header.set_groupname(USER));
    header.set_size(0);
    header
}
