//! A repository of a registry, as those see it who send images there or take them from there.

use super::registry_error::RegistryError;
use std::io::{self, Read, Write};

/// The most bytes of a manifest or an index, as the specification asks registries to take.
pub(crate) const LARGEST_MANIFEST: u64 = 4 << 20;

/// What a repository is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// To take images from there.
    Read,
    /// To bring images there, too.
    Write,
    /// To bring an engine's image there, which the engine could do as well.
    Push,
}

impl Access {
    /// As tokens name what they allow.
    pub(crate) fn actions(self) -> &'static str {
        match self {
            Self::Read => "pull",
            Self::Write | Self::Push => "pull,push",
        }
    }
}

/// A repository, with the eyes of one user. Several threads may use it at once.
pub(crate) trait Repository: Sync {
    /// The registry, as names of images have it: `registry.example.com:5000`.
    fn registry(&self) -> &str;

    /// The repository within the registry: `team/app`.
    fn path(&self) -> &str;

    /// Whether the blob of this digest, `sha256:…`, is there.
    fn has_blob(&self, digest: &str) -> Result<bool, RegistryError>;

    /// Has a blob of another repository of the same registry here too, without sending it. `false`: the registry does not do
    /// that, or has it not there, or not for us.
    fn mount(&self, digest: &str, from: &str) -> Result<bool, RegistryError>;

    /// Sends a blob. Nobody sees it before all of it is there.
    fn upload(&self, blob: &dyn BlobSource) -> Result<BlobDigest, RegistryError>;

    /// Reads a blob of this digest and size; goes on where the registry breaks off, and ends with an error where the bytes are
    /// not those of the digest.
    fn read_blob(&self, blob: &BlobDigest) -> Result<Box<dyn Read + Send + '_>, RegistryError>;

    /// The manifest, or index, that bears this tag or digest (`sha256:…`); `None`: there is none.
    fn manifest(&self, tag_or_digest: &str) -> Result<Option<RemoteManifest>, RegistryError>;

    /// Puts a manifest there, under a tag or its digest. All that it names must be there.
    fn put_manifest(&self, tag_or_digest: &str, manifest: &RemoteManifest) -> Result<(), RegistryError>;
}

/// Bytes that can be written as often as it takes, each time the same.
pub(crate) trait BlobSource: Sync {
    /// Digest and size, where they are known before the bytes are made.
    fn known(&self) -> Option<BlobDigest>;

    /// All of it, from the start. An error of `to` ends it and is passed on.
    fn write_to(&self, to: &mut dyn Write) -> io::Result<()>;
}

/// What a blob is named by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BlobDigest {
    /// `sha256:…`
    pub(crate) digest: String,
    /// Bytes.
    pub(crate) size: u64,
}

/// A manifest or index, as it came or goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemoteManifest {
    /// `application/vnd.oci.image.manifest.v1+json` and the like.
    pub(crate) media_type: String,
    /// `sha256:…` of the bytes.
    pub(crate) digest: String,
    /// At most [`LARGEST_MANIFEST`].
    pub(crate) bytes: Vec<u8>,
}
