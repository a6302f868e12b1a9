//! An archive to fetch, and what came of it.

use super::checksum::Checksum;
use super::validators::Validators;
use crate::disk_budget::DiskBudget;
use crate::tree_digest::Digest;
use crate::unpack::{Limits, Owner};
use shared_model::safe_url::SafeUrl;
use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

/// One archive to fetch.
#[derive(Clone, Debug)]
pub(crate) struct Archive<'a> {
    /// What it is, for people: `nodejs_buildpack`; may be empty.
    pub(crate) name: &'a str,
    /// Where from. Userinfo becomes basic authentication.
    pub(crate) from: &'a SafeUrl,
    /// Where it appears, for people; absolute.
    pub(crate) to: &'a Path,
    /// The directory that it is unpacked in; absolute. `None`: `to`. It and its parents are made where missing (0755).
    pub(crate) into: Option<&'a Path>,
    /// What the body must hash to; `None`: only an ETag that is an MD5 is compared.
    pub(crate) checksum: Option<Checksum>,
    /// Who shall own what is unpacked, and the directories made for it; only root can give things away.
    /// `None`: whoever we are.
    pub(crate) owner: Option<Owner>,
    /// The validators of the one that is there already: the server is asked for another one only, and asked once, for
    /// whoever has one can do without an answer. They must be of the same origin. `None`: there is none.
    pub(crate) known: Option<&'a Validators>,
    /// A file, to be written and read, that gets the archive as it came; empty where nothing arrived. It is whole when
    /// the archive is [`Fetched`].
    pub(crate) copy: Option<&'a File>,
    pub(crate) limits: &'a Limits,
    /// What its contents draw on, while they are there; `None`: on nobody's.
    pub(crate) disk: Option<&'a Arc<DiskBudget>>,
}

/// An archive that was fetched and unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fetched {
    /// Bytes of the archive, compressed as it came.
    pub(crate) bytes: u64,
    pub(crate) entries: u64,
    /// Of the archive as it came, in lower-case hex.
    pub(crate) sha256: String,
    /// What the server gave to ask for another one with.
    pub(crate) validators: Validators,
    /// Whether it came over TLS with verified certificates all the way. A checksum of the request is another matter.
    pub(crate) verified: bool,
    /// The address and port that it came from, the last one after redirects, or a proxy's; `None`: nobody can tell.
    pub(crate) peer: Option<SocketAddr>,
    /// A digest of all files unpacked, for the cache; `None` where it takes reading them to tell.
    pub(crate) contents: Option<Digest>,
}
