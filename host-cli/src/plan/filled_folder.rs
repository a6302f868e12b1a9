//! A folder of a container with files that Diego would mount, and that stand in no image: the container has a volume there,
//! which the engine removes with it, and the files come in before it starts. Pure.

use shared_model::mounted_file::{MountedFile, SERVICE_BINDINGS};
use shared_model::secret::Secret;
use std::collections::BTreeSet;
use std::io;
use tar::{EntryType, Header};

/// As Diego's: everybody reads, only root writes.
const FOLDER: u32 = 0o755;
const FILE: u32 = 0o644;

/// A folder and what it holds. `Debug` hides the contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilledFolder {
    /// An absolute path.
    pub(crate) at: String,
    /// Never empty.
    pub(crate) files: Vec<FilledFile>,
}

/// A file of the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilledFile {
    /// Below the folder.
    pub(crate) path: String,
    pub(crate) content: Secret<Vec<u8>>,
    pub(crate) mode: u32,
    /// Whose it is: user and group.
    pub(crate) owner: (u64, u64),
}

impl FilledFile {
    /// One that everybody reads and root alone writes.
    pub(crate) fn of_root(path: &str, content: Vec<u8>) -> Self {
        Self { path: path.to_owned(), content: Secret::new(content), mode: FILE, owner: (0, 0) }
    }
}

impl FilledFolder {
    /// With the files of service bindings; `None` where a request has none.
    pub(crate) fn of_bindings(files: &[MountedFile]) -> Option<Self> {
        let filled = |file: &MountedFile| FilledFile::of_root(&file.path, file.content.reveal().clone().into_bytes());
        (!files.is_empty()).then(|| Self { at: SERVICE_BINDINGS.to_owned(), files: files.iter().map(filled).collect() })
    }

    /// With the authorities that an app is to trust, at the path that its request names; `None` where there are none, or no
    /// such path.
    pub(crate) fn of_authorities(at: &str, authorities: &[(String, String)]) -> Option<Self> {
        let filled = |(name, pem): &(String, String)| FilledFile::of_root(name, pem.clone().into_bytes());
        (at.starts_with('/') && !authorities.is_empty())
            .then(|| Self { at: at.to_owned(), files: authorities.iter().map(filled).collect() })
    }

    /// What it holds, as a tar whose paths begin below it.
    ///
    /// # Errors
    /// A path leads elsewhere.
    pub(crate) fn archive(&self) -> io::Result<Vec<u8>> {
        let mut archive = tar::Builder::new(Vec::new());
        let mut folders = BTreeSet::new();
        for FilledFile { path, content, mode, owner } in &self.files {
            for (at, _) in path.match_indices('/') {
                if folders.insert(&path[..at]) {
                    let mut header = header(FOLDER, (0, 0), 0);
                    header.set_entry_type(EntryType::Directory);
                    archive.append_data(&mut header, &path[..at], io::empty())?;
                }
            }
            let content = content.reveal().as_slice();
            archive.append_data(&mut header(*mode, *owner, content.len()), path, content)?;
        }
        archive.into_inner()
    }
}

fn header(mode: u32, (user, group): (u64, u64), bytes: usize) -> Header {
    let mut header = Header::new_gnu();
    header.set_mode(mode);
    header.set_uid(user);
    header.set_gid(group);
    header.set_mtime(0);
    header.set_size(bytes as u64);
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn file(path: &str, content: &str) -> MountedFile {
        MountedFile { path: path.to_owned(), content: Secret::new(content.to_owned()) }
    }

    #[test]
    fn the_tar_has_each_folder_once_and_everything_is_roots() {
        let long = format!("{}/{}", "b".repeat(200), "k".repeat(200));
        let files = [file("db/uri", "postgres://"), file("vcap_services", "{}"), file("db/user", "u"), file(&long, "")];
        let archive = FilledFolder::of_bindings(&files).unwrap().archive().unwrap();
        let mut seen = Vec::new();
        for entry in tar::Archive::new(&archive[..]).entries().unwrap() {
            let mut entry = entry.unwrap();
            let (path, header) = (entry.path().unwrap().display().to_string(), entry.header().clone());
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            seen.push(format!("{path} {:o} {text}", header.mode().unwrap()));
        }
        let (folder, deep) = (format!("{} 755 ", "b".repeat(200)), format!("{long} 644 "));
        let expected = ["db 755 ", "db/uri 644 postgres://", "vcap_services 644 {}", "db/user 644 u", &folder, &deep];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_request_without_files_has_no_folder_and_one_with_them_hides_their_contents() {
        assert_eq!(FilledFolder::of_bindings(&[]), None);
        let folder = FilledFolder::of_bindings(&[file("db/uri", "s3cret")]);
        assert!(!format!("{folder:?}").contains("s3cret") && format!("{folder:?}").contains("db/uri"));
    }
}
