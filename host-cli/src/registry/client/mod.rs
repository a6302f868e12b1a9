//! Speaks to registries, as the distribution specification has it: whom it wants to be told of, what it has, and what it is
//! sent. Start with [`open`].
//!
//! - `transport`: one question and its answer, with `authorization` (`challenge`, tokens), certificates (`certs_d`) and
//!   redirects. `small_answer`: what comes at once. `said`, `trouble`: what a refusal means. `retry`: what failed in passing is
//!   tried again.
//! - `conversation`: who speaks to whom, and how often something is tried. `manifests`: what images are named by.
//! - `upload`: a blob on its way, which goes on where it broke off; `pipe` between who makes it and who sends it.
//! - `download`: a blob on its way here, judged by its digest.

mod authorization;
mod certs_d;
mod challenge;
mod conversation;
mod download;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzed;
mod manifests;
mod outgoing;
mod pipe;
mod retry;
mod said;
mod small_answer;
mod transport;
mod trouble;
mod upload;

use super::credentials::Credentials;
use super::reference::{DOCKER_HUB, Reference};
use super::registry_error::RegistryError;
use super::repository::{Access, BlobDigest, BlobSource, RemoteManifest, Repository};
use authorization::is_here;
use conversation::Conversation;
use download::Download;
use http_client::{Address, Client, Timeouts, TransferError, Trust};
use shared_model::event::EventSink;
use shared_model::safe_url::SafeUrl;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use transport::Transport;
use trouble::Trouble;
use upload::Upload;

/// Docker Hub's registry, which has another name than Docker Hub.
const HUB_ORIGIN: &str = "https://registry-1.docker.io";
/// What Docker Hub puts before names without a user.
const HUB_LIBRARY: &str = "library/";
/// How long nothing may move.
const IDLE: Duration = Duration::from_secs(30);
/// Bytes a second of a layer that move at least: as slow as the slowest lines, and what moves less never ends.
const LOWEST_RATE: u64 = 1000;

/// A repository of a registry. Its clones are the same.
#[derive(Clone)]
pub(crate) struct RegistryRepository(Arc<Conversation>);

/// The repository of `reference`, as `credentials` see it, for this purpose. Asks the registry whether it is one. `ca`: certificates
/// that are believed besides the system's and docker's. `events` hears of what is tried again.
///
/// # Errors
/// There is no registry, or nobody is sure that it is it.
pub(crate) fn open(
    reference: &Reference,
    (credentials, access): (&Credentials, Access),
    ca: Option<&Path>,
    events: &Arc<dyn EventSink + Send + Sync>,
) -> Result<RegistryRepository, RegistryError> {
    let trust = certs_d::trust(reference.registry(), ca);
    // Docker's folder for it has something: then it has TLS.
    let has_tls = trust.own.is_some() || trust.files.len() > usize::from(ca.is_some());
    let refused = |text: String, advice: &str| RegistryError { text, advice: advice.to_owned() };
    let timeouts = Timeouts { idle: IDLE, lowest_rate: Some(LOWEST_RATE), ..Timeouts::default() };
    let client = |trust: &Trust| {
        Client::new(trust, timeouts).map_err(|error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            refused(format!("{}: {error}{cause}", reference.registry()), "check --ca, certs.d and HTTPS_PROXY")
        })
    };
    let clients = (client(&trust)?, client(&Trust { own: None, ..trust.clone() })?);
    let at = |origin: &str| {
        let path = path_in_registry(reference);
        let origin = Address::parse(&SafeUrl::new(origin))
            .map_err(|error| refused(format!("{}: {error}", reference.registry()), "check the registry's name"))?;
        let scope = format!("repository:{path}:{}", access.actions());
        let transport = Transport::new(clients.clone(), origin, scope, credentials.login.clone());
        let name = format!("{}/{path}", reference.registry());
        let (reference, credentials, was_reached) = (reference.clone(), credentials.clone(), AtomicBool::new(false));
        Ok(RegistryRepository(Arc::new(Conversation {
            reference,
            credentials,
            access,
            path,
            name,
            transport,
            events: Arc::clone(events),
            was_reached,
        })))
    };
    if reference.registry() == DOCKER_HUB {
        return at(HUB_ORIGIN);
    }
    let repository = at(&format!("https://{}", reference.registry()))?;
    match repository.0.ping() {
        // As Docker does for registries on this machine. Some without TLS hang up on who tries it.
        Err(Trouble::Transfer(
            TransferError::Tls { .. } | TransferError::CutOff { .. } | TransferError::Protocol { .. },
        )) if is_here(reference.registry()) && !has_tls => {
            let plain = at(&format!("http://{}", reference.registry()))?;
            plain.0.persist(|| plain.0.ping())?;
            Ok(plain)
        }
        first => {
            let mut first = Some(first);
            repository.0.persist(|| first.take().unwrap_or_else(|| repository.0.ping()))?;
            Ok(repository)
        }
    }
}

fn path_in_registry(reference: &Reference) -> String {
    let path = reference.path();
    let is_library = reference.registry() == DOCKER_HUB && !path.contains('/');
    if is_library { format!("{HUB_LIBRARY}{path}") } else { path.to_owned() }
}

impl Repository for RegistryRepository {
    fn registry(&self) -> &str {
        self.0.reference.registry()
    }

    fn path(&self) -> &str {
        &self.0.path
    }

    fn has_blob(&self, digest: &str) -> Result<bool, RegistryError> {
        self.0.persist(|| self.0.has_blob(digest))
    }

    fn mount(&self, digest: &str, from: &str) -> Result<bool, RegistryError> {
        upload::mount(&self.0, digest, from)
    }

    fn upload(&self, blob: &dyn BlobSource) -> Result<BlobDigest, RegistryError> {
        Upload::new(&self.0, blob).run()
    }

    fn read_blob(&self, blob: &BlobDigest) -> Result<Box<dyn Read + Send + '_>, RegistryError> {
        Ok(Box::new(Download::open(&self.0, blob)?))
    }

    fn manifest(&self, tag_or_digest: &str) -> Result<Option<RemoteManifest>, RegistryError> {
        self.0.persist(|| self.0.fetch_manifest(tag_or_digest))
    }

    fn put_manifest(&self, tag_or_digest: &str, manifest: &RemoteManifest) -> Result<(), RegistryError> {
        self.0.persist(|| self.0.send_manifest(tag_or_digest, manifest))
    }
}
