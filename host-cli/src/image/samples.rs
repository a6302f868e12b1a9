//! Archives for tests, as tar and as tgz.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{Seek, Write};
use tar::{Builder, EntryType, Header};

/// An archive that is being filled. Nothing is checked: hostile ones are wanted too.
pub(super) struct Sample(Builder<Vec<u8>>);

impl Sample {
    pub(super) fn new() -> Self {
        Self(Builder::new(Vec::new()))
    }

    /// The least that is a droplet.
    pub(super) fn droplet() -> Self {
        Self::new().folder("./", 0o700).folder("./app/", 0o755).file("./app/run.sh", b"echo hello", 0o755)
    }

    /// The same of a CNB app, whose root file system has an `app`, as the stacks have.
    pub(super) fn cnb_droplet() -> Self {
        Self::new()
            .folder("./", 0o700)
            .folder("./app/", 0o755)
            .file("./layers/config/metadata.toml", b"", 0o644)
            .folder("./workspace/", 0o755)
            .file("./workspace/app.py", b"pass", 0o644)
    }

    pub(super) fn folder(self, path: &str, mode: u32) -> Self {
        self.entry(EntryType::Directory, path, "", mode, b"")
    }

    pub(super) fn file(self, path: &str, content: &[u8], mode: u32) -> Self {
        self.entry(EntryType::Regular, path, "", mode, content)
    }

    /// PAX records for the next entry.
    pub(super) fn records(mut self, records: &[(&str, &[u8])]) -> Self {
        self.0.append_pax_extensions(records.iter().copied()).unwrap();
        self
    }

    pub(super) fn link(self, kind: EntryType, path: &str, target: &str) -> Self {
        self.entry(kind, path, target, 0o777, b"")
    }

    /// Any entry; long paths and targets get GNU's extension headers.
    pub(super) fn entry(mut self, kind: EntryType, path: &str, target: &str, mode: u32, content: &[u8]) -> Self {
        for (kind, text) in [(EntryType::GNULongName, path), (EntryType::GNULongLink, target)] {
            if text.len() > 100 {
                let mut header = Header::new_gnu();
                header.set_entry_type(kind);
                header.set_size(text.len() as u64);
                header.set_cksum();
                self.0.append(&header, text.as_bytes()).unwrap();
            }
        }
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        let name = &path.as_bytes()[..path.len().min(100)];
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        let link = &target.as_bytes()[..target.len().min(100)];
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link);
        header.set_mode(mode);
        header.set_mtime(1_466_017_043);
        header.set_size(content.len() as u64);
        header.set_cksum();
        self.0.append(&header, content).unwrap();
        self
    }

    pub(super) fn tar(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }

    pub(super) fn tgz(self) -> Vec<u8> {
        let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
        gz.write_all(&self.tar()).unwrap();
        gz.finish().unwrap()
    }
}

/// The bytes as a file, from its start.
pub(super) fn as_file(bytes: &[u8]) -> std::fs::File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}
