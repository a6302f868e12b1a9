//! A registry for tests, in memory: it keeps blobs and manifests, records what it was asked, and can fail.

use super::credentials::{Credentials, Login};
use super::login::LoginError;
use super::reference::Reference;
use super::registries::{Listener, Registries};
use super::registry_error::RegistryError;
use super::repository::{Access, BlobDigest, BlobSource, RemoteManifest, Repository};
use sha2::{Digest, Sha256};
use shared_model::hex::hex;
use std::collections::BTreeMap;
use std::io::{self, Cursor, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard};

/// What the registry is called.
pub(crate) const HOST: &str = "r.io:5000";

/// A repository of a registry whose other repositories are its neighbours.
#[derive(Clone)]
pub(crate) struct FakeRepository {
    host: String,
    path: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub(crate) struct State {
    /// By repository and digest.
    pub(crate) blobs: BTreeMap<(String, String), Vec<u8>>,
    /// By repository and tag or digest.
    pub(crate) manifests: BTreeMap<(String, String), RemoteManifest>,
    /// What was asked, in order.
    pub(crate) calls: Vec<String>,
    /// Verbs that are refused.
    pub(crate) refused: Vec<&'static str>,
    /// Uploads that break off and are begun anew.
    pub(crate) broken_uploads: usize,
}

/// `sha256:…` of bytes.
pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

impl FakeRepository {
    /// A repository of an empty registry.
    pub(crate) fn new(path: &str) -> Self {
        Self { host: HOST.to_owned(), path: path.to_owned(), state: Arc::default() }
    }

    /// One of an empty registry of that name.
    pub(crate) fn on(host: &str, path: &str) -> Self {
        Self { host: host.to_owned(), ..Self::new(path) }
    }

    /// Another repository of the same registry.
    pub(crate) fn neighbour(&self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self.clone() }
    }

    /// What is there.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// What was asked with this verb.
    pub(crate) fn asked(&self, verb: &str) -> Vec<String> {
        self.state().calls.iter().filter(|call| call.starts_with(verb)).cloned().collect()
    }

    /// Puts a blob there.
    pub(crate) fn add(&self, bytes: &[u8]) -> BlobDigest {
        let digest = digest(bytes);
        self.state().blobs.insert((self.path.clone(), digest.clone()), bytes.to_vec());
        BlobDigest { digest, size: bytes.len() as u64 }
    }

    /// A blob that is there.
    pub(crate) fn blob(&self, digest: &str) -> Option<Vec<u8>> {
        self.state().blobs.get(&(self.path.clone(), digest.to_owned())).cloned()
    }

    /// Puts a manifest there, under its digest and a tag.
    pub(crate) fn add_manifest(&self, tag: &str, media_type: &str, bytes: &[u8]) -> RemoteManifest {
        let manifest =
            RemoteManifest { media_type: media_type.to_owned(), digest: digest(bytes), bytes: bytes.to_vec() };
        for name in [tag, &manifest.digest] {
            self.state().manifests.insert((self.path.clone(), name.to_owned()), manifest.clone());
        }
        manifest
    }

    fn call(&self, verb: &'static str, what: &str) -> Result<MutexGuard<'_, State>, RegistryError> {
        let mut state = self.state();
        state.calls.push(format!("{verb} {what}"));
        if state.refused.contains(&verb) {
            return Err(refused(&format!("{verb}: no")));
        }
        Ok(state)
    }
}

fn refused(text: &str) -> RegistryError {
    RegistryError { text: text.to_owned(), advice: "ask its operator".to_owned() }
}

/// Takes so many bytes and breaks off then.
struct Breaking(usize);

impl Write for Breaking {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        if taken == 0 { Err(io::Error::other("reset")) } else { Ok(taken) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Repository for FakeRepository {
    fn registry(&self) -> &str {
        &self.host
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn has_blob(&self, digest: &str) -> Result<bool, RegistryError> {
        drop(self.call("has_blob", digest)?);
        Ok(self.blob(digest).is_some())
    }

    fn mount(&self, digest: &str, from: &str) -> Result<bool, RegistryError> {
        let mut state = self.call("mount", &format!("{digest} {from}"))?;
        let Some(bytes) = state.blobs.get(&(from.to_owned(), digest.to_owned())).cloned() else { return Ok(false) };
        state.blobs.insert((self.path.clone(), digest.to_owned()), bytes);
        Ok(true)
    }

    fn upload(&self, blob: &dyn BlobSource) -> Result<BlobDigest, RegistryError> {
        let breaks = {
            let mut state = self.call("upload", &blob.known().map(|known| known.digest).unwrap_or_default())?;
            let breaks = state.broken_uploads > 0;
            state.broken_uploads = state.broken_uploads.saturating_sub(1);
            breaks
        };
        if breaks {
            blob.write_to(&mut Breaking(9)).unwrap_err();
        }
        let mut bytes = Vec::new();
        blob.write_to(&mut bytes).map_err(|error| refused(&format!("the upload broke off: {error}")))?;
        let name = self.add(&bytes);
        let is_as_named = blob.known().is_none_or(|known| known == name);
        if is_as_named { Ok(name) } else { Err(refused("other bytes than were named")) }
    }

    fn read_blob(&self, blob: &BlobDigest) -> Result<Box<dyn Read + Send + '_>, RegistryError> {
        drop(self.call("read_blob", &blob.digest)?);
        let bytes = self.blob(&blob.digest).ok_or_else(|| refused("no such blob"))?;
        Ok(Box::new(Cursor::new(bytes)))
    }

    fn manifest(&self, tag_or_digest: &str) -> Result<Option<RemoteManifest>, RegistryError> {
        let state = self.call("manifest", tag_or_digest)?;
        Ok(state.manifests.get(&(self.path.clone(), tag_or_digest.to_owned())).cloned())
    }

    fn put_manifest(&self, tag_or_digest: &str, manifest: &RemoteManifest) -> Result<(), RegistryError> {
        let mut state = self.call("put_manifest", tag_or_digest)?;
        for name in [tag_or_digest, &manifest.digest] {
            state.manifests.insert((self.path.clone(), name.to_owned()), manifest.clone());
        }
        Ok(())
    }
}

/// All names lead into this registry.
impl Registries for FakeRepository {
    fn open(
        &self,
        reference: &Reference,
        _: (&Credentials, Access),
        _: Listener,
    ) -> Result<Box<dyn Repository + Send>, RegistryError> {
        Ok(Box::new(self.neighbour(reference.path())))
    }

    fn reader(&self, reference: &Reference) -> Result<Credentials, LoginError> {
        Ok(Credentials::new(reference, Login::Anonymous, String::new()))
    }
}
