//! A folder of a container with files that Diego would mount, and that stand in no image: the container has a volume there,
//! which the engine removes with it, and the files come in before it starts. A supervisor's files come in by the same way, among the
//! container's own. Pure.

use super::error::PlanError;
use super::image_source::ImageSource;
use super::volumes;
use serde::{Deserialize, Serialize};
use shared_model::lifecycle::Lifecycle;
use shared_model::mounted_file::{IDENTITY_FILES, INSTANCE_IDENTITY, MountedFile, SERVICE_BINDINGS};
use shared_model::names::shortened;
use shared_model::plain_line::escape_control;
use shared_model::secret::Secret;
use shared_model::task::is_root;
use std::collections::BTreeSet;
use std::io;
use tar::{EntryType, Header};

/// As Diego's: everybody reads, only root writes.
const FOLDER: u32 = 0o755;
const FILE: u32 = 0o644;
/// Nobody but its owner reads a key.
const KEY: u32 = 0o400;
/// vcap's number, its group's too, in every stack.
const VCAP: u64 = 2000;

/// Who an instance is, from somebody who may say so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// PEM: the instance's certificate, then its authority's.
    pub(crate) certificate: Vec<u8>,
    /// PEM.
    pub(crate) key: Secret<Vec<u8>>,
}

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

    /// With the authorities that an app of this lifecycle is to trust, at the path that its request names; `None` where there
    /// are none, or no such path. `own` is where the launch itself has other volumes.
    ///
    /// # Errors
    /// Something else is there.
    pub(crate) fn of_authorities(
        at: &str,
        authorities: &[(String, String)],
        lifecycle: Lifecycle,
        own: &[String],
    ) -> Result<Option<Self>, PlanError> {
        if at.is_empty() || authorities.is_empty() {
            return Ok(None);
        }
        let meets_own = || volumes::overlaps(at, own).then_some("where the launch mounts other files");
        if let Some(why) = volumes::objection_to_own(at, lifecycle).or_else(meets_own) {
            return Err(PlanError::Authorities { path: shortened(&escape_control(at)), why });
        }
        let filled = |(name, pem): &(String, String)| FilledFile::of_root(name, pem.clone().into_bytes());
        Ok(Some(Self { at: at.to_owned(), files: authorities.iter().map(filled).collect() }))
    }

    /// With an instance identity, whose key is the user's in this image: a name, or a number like the engine's `uid[:gid]`.
    ///
    /// # Errors
    /// Nobody knows the user's number here.
    pub(crate) fn of_identity(identity: &Identity, user: &str, image: &ImageSource) -> Result<Self, PlanError> {
        let owner = owner(user, image).ok_or_else(|| PlanError::NobodysKey { user: user.to_owned() })?;
        let [(_, certificate), (_, key)] = IDENTITY_FILES;
        let certificate = FilledFile::of_root(certificate, identity.certificate.clone());
        let key = FilledFile { path: key.to_owned(), content: identity.key.clone(), mode: KEY, owner };
        Ok(Self { at: INSTANCE_IDENTITY.to_owned(), files: vec![certificate, key] })
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

/// The numbers of a user and its group in this image; `None`: only the container knows them, as whoever a stranger's image calls
/// vcap.
pub(crate) fn owner(user: &str, image: &ImageSource) -> Option<(u64, u64)> {
    let number = |part: usize| match user {
        _ if is_root(user) => Some(0),
        "vcap" if *image == ImageSource::Droplet => Some(VCAP),
        _ => user.split(':').nth(part).map_or(Some(0), |number| number.parse().ok()),
    };
    Some((number(0)?, number(1)?))
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
    use super::super::image_source::of_a_stranger;
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
    fn the_key_of_an_identity_is_its_users_and_nobody_else_reads_it() {
        let identity = Identity { certificate: b"c".to_vec(), key: Secret::new(b"s3cret".to_vec()) };
        for (user, owner) in [("vcap", (2000, 2000)), ("root", (0, 0)), ("77", (77, 0)), ("77:78", (77, 78))] {
            let folder = FilledFolder::of_identity(&identity, user, &ImageSource::Droplet).unwrap();
            let [certificate, key] = &folder.files[..] else { panic!("{folder:?}") };
            assert_eq!((certificate.mode, certificate.owner), (0o644, (0, 0)));
            assert_eq!((key.path.as_str(), key.mode, key.owner), ("instance.key", 0o400, owner), "{user}");
            assert!(!format!("{folder:?} {identity:?}").contains("s3cret"));
        }
        let refused = FilledFolder::of_identity(&identity, "some\u{1b}body", &ImageSource::Droplet).unwrap_err();
        assert_eq!(
            refused.to_string(),
            r#"--instance-key: nobody knows the number of the request's user "some\\u{1b}body""#
        );
    }

    #[test]
    fn of_a_strangers_image_only_root_and_numbers_are_known() {
        let stranger = of_a_stranger();
        for (user, known) in [("vcap", None), ("node", None), ("root", Some((0, 0))), ("2000", Some((2000, 0)))] {
            assert_eq!(owner(user, &stranger), known, "{user}");
        }
        let identity = Identity { certificate: Vec::new(), key: Secret::new(Vec::new()) };
        let refused = FilledFolder::of_identity(&identity, "vcap", &stranger);
        assert_eq!(refused, Err(PlanError::NobodysKey { user: "vcap".into() }));
    }

    #[test]
    fn a_request_without_files_has_no_folder_and_one_with_them_hides_their_contents() {
        assert_eq!(FilledFolder::of_bindings(&[]), None);
        let folder = FilledFolder::of_bindings(&[file("db/uri", "s3cret")]);
        assert!(!format!("{folder:?}").contains("s3cret") && format!("{folder:?}").contains("db/uri"));
    }
}
