//! Folders and archives: unpacking what is a tar, gzipped or not, and writing one that is the same whenever the folder is.

use flate2::read::GzDecoder;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// 1 January 1980 and a second, UTC: the time of everything in an archive of buildpacks.
const LONG_AGO: u64 = 315_532_801;

const PRIVATE: u32 = 0o700;

const LONG_NAME: &[u8] = b"././@LongLink";

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Unpacks a tar below `into`; nothing gets out of it.
pub(super) fn unpack(archive: &Path, into: &Path) -> io::Result<()> {
    let mut file = BufReader::new(File::open(archive)?);
    let mut magic = [0; 2];
    let read = file.read(&mut magic)?;
    file.seek(SeekFrom::Start(0))?;
    let reader: Box<dyn Read> = if magic[..read] == GZIP { Box::new(GzDecoder::new(file)) } else { Box::new(file) };
    fs::create_dir_all(into)?;
    let mut archive = tar::Archive::new(reader);
    archive.set_preserve_permissions(true);
    archive.set_preserve_mtime(false);
    archive.unpack(into)
}

/// An archive that is being written: whose everything is, and what names begin with.
pub(super) struct TreeWriter<W: Write> {
    builder: tar::Builder<W>,
    owner: [u64; 2],
}

impl<W: Write> TreeWriter<W> {
    pub(super) fn new(writer: W, owner: [u64; 2]) -> Self {
        Self { builder: tar::Builder::new(writer), owner }
    }

    /// Adds a folder as `name`, and what is in it in the order of names, but for what `leave_out` says. Sockets and the
    /// like are left out.
    pub(super) fn add(&mut self, path: &Path, name: &str, leave_out: &dyn Fn(&Path) -> bool) -> io::Result<()> {
        let metadata = path.symlink_metadata()?;
        let kind = metadata.file_type();
        if leave_out(path) || kind.is_socket() || kind.is_fifo() || kind.is_block_device() || kind.is_char_device() {
            return Ok(());
        }
        // The folder that all lies in is closed to others, whatever it was.
        let mode = if name == "." { PRIVATE } else { metadata.mode() };
        let mut header = self.header(mode);
        if kind.is_symlink() {
            header.set_entry_type(tar::EntryType::Symlink);
            let target = fs::read_link(path)?;
            return self.append(header, name, Some(target.as_os_str().as_bytes()), 0, io::empty());
        }
        if kind.is_file() {
            return self.append(header, name, None, metadata.len(), File::open(path)?.take(metadata.len()));
        }
        header.set_entry_type(tar::EntryType::Directory);
        self.append(header, &format!("{name}/"), None, 0, io::empty())?;
        for entry in sorted(path)? {
            let below = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
            self.add(&entry, &format!("{name}/{below}"), leave_out)?;
        }
        Ok(())
    }

    /// Adds a file with this text.
    pub(super) fn add_text(&mut self, name: &str, text: &[u8]) -> io::Result<()> {
        const READABLE: u32 = 0o644;
        self.append(self.header(READABLE), name, None, text.len() as u64, text)
    }

    /// With the name as it stands, `./` and `/` at its start included, which the library would take away.
    fn append(
        &mut self,
        mut header: tar::Header,
        name: &str,
        target: Option<&[u8]>,
        size: u64,
        contents: impl Read,
    ) -> io::Result<()> {
        let name = self.short(name.as_bytes(), tar::EntryType::GNULongName)?;
        let target = target.map(|target| self.short(target, tar::EntryType::GNULongLink)).transpose()?;
        header.set_size(size);
        let fields = header.as_old_mut();
        fields.name[..name.len()].copy_from_slice(&name);
        if let Some(target) = target {
            fields.linkname[..target.len()].copy_from_slice(&target);
        }
        header.set_cksum();
        self.builder.append(&header, contents)
    }

    /// What of a name stands in a header; a longer one is written before, whole, as GNU does it.
    fn short(&mut self, name: &[u8], kind: tar::EntryType) -> io::Result<Vec<u8>> {
        const FIELD: usize = 100;
        if name.len() > FIELD {
            let mut header = self.header(0);
            header.set_entry_type(kind);
            header.set_size(name.len() as u64 + 1);
            header.as_old_mut().name[..LONG_NAME.len()].copy_from_slice(LONG_NAME);
            header.set_cksum();
            self.builder.append(&header, name.chain(&[0][..]))?;
        }
        Ok(name[..name.len().min(FIELD)].to_vec())
    }

    /// Ends the archive, and gives back what it was written to.
    pub(super) fn finish(self) -> io::Result<W> {
        self.builder.into_inner()
    }

    fn header(&self, mode: u32) -> tar::Header {
        const PERMISSIONS: u32 = 0o7777;
        let mut header = tar::Header::new_gnu();
        header.set_mode(mode & PERMISSIONS);
        header.set_uid(self.owner[0]);
        header.set_gid(self.owner[1]);
        header.set_mtime(LONG_AGO);
        header
    }
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries: io::Result<Vec<PathBuf>> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect();
    let mut entries = entries?;
    entries.sort();
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_folder_comes_back_as_it_was_and_gives_the_same_bytes_again() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source");
        fs::create_dir_all(source.join("empty")).unwrap();
        fs::write(source.join("run"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(source.join("run"), fs::Permissions::from_mode(0o750)).unwrap();
        symlink("run", source.join("link")).unwrap();
        fs::write(source.join("not"), "").unwrap();
        let long = "long/".repeat(30);
        fs::create_dir_all(source.join(&long)).unwrap();
        symlink("x".repeat(150), source.join(&long).join("link")).unwrap();
        let packed = || {
            let mut writer = TreeWriter::new(Vec::new(), [1, 2]);
            writer.add(&source, ".", &|path| path.ends_with("not")).unwrap();
            writer.finish().unwrap()
        };
        let archive = folder.path().join("archive");
        fs::write(&archive, packed()).unwrap();
        assert_eq!(fs::read(&archive).unwrap(), packed());
        let there = folder.path().join("there");
        unpack(&archive, &there).unwrap();
        assert_eq!(fs::metadata(there.join("run")).unwrap().mode() & 0o777, 0o750);
        assert_eq!(fs::read_link(there.join("link")).unwrap(), PathBuf::from("run"));
        assert_eq!(fs::read_link(there.join(&long).join("link")).unwrap(), PathBuf::from("x".repeat(150)));
        assert!(there.join("empty").is_dir() && !there.join("not").exists());
    }
}
