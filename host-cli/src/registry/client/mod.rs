//! Speaks to registries, as the distribution specification has it: whom it wants to be told of, what it has, and what it is
//! sent. Start with [`open`].
//!
//! - `transport`: one question and its answer, with `authorization` (`challenge`, tokens), certificates (`certs_d`) and
//!   redirects. `said`, `trouble`: what a refusal means. `retry`: what failed in passing is tried again.
//! - `upload`: a blob on its way, which goes on where it broke off; `pipe` between who makes it and who sends it.
//! - `download`: a blob on its way here, judged by its digest.

mod authorization;
mod certs_d;
mod challenge;
mod download;
mod pipe;
mod retry;
mod said;
mod transport;
mod trouble;
mod upload;

#[cfg(test)]
mod tests;

use super::credentials::Credentials;
use super::reference::{DOCKER_HUB, Reference};
use super::refusal::{Refusal, Speaker};
use super::registry_error::RegistryError;
use super::repository::{BlobDigest, BlobSource, RemoteManifest, Repository};
use authorization::Authorization;
use download::Download;
use http_client::{Answer, Client, Timeouts, TransferError};
use retry::Tries;
use sha2::{Digest as _, Sha256};
use shared_model::event::EventSink;
use shared_model::hex::hex;
use std::io::Read;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use transport::{Sent, Transport};
use trouble::Trouble;
use upload::Upload;
use ureq::http::{HeaderName, Method, header};

/// Docker Hub's registry, which has another name than Docker Hub.
const HUB_ORIGIN: &str = "https://registry-1.docker.io";
/// What Docker Hub puts before names without a user.
const HUB_LIBRARY: &str = "library/";
/// The most bytes of a manifest, as the specification asks registries to take.
const LARGEST_MANIFEST: u64 = 4 << 20;
/// How long nothing may move.
const IDLE: Duration = Duration::from_secs(30);
/// Manifests and indexes that we can read.
const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
                         application/vnd.docker.distribution.manifest.v2+json, \
                         application/vnd.docker.distribution.manifest.list.v2+json";
const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// A repository of a registry. Its clones are the same.
#[derive(Clone)]
pub(crate) struct RegistryRepository(Arc<Inner>);

struct Inner {
    reference: Reference,
    credentials: Credentials,
    /// Within the registry: Docker Hub's has `library/` where a name has no user.
    path: String,
    /// `r.io:5000/team/app`, for people.
    name: String,
    transport: Transport,
    events: Arc<dyn EventSink + Send + Sync>,
    /// Whether the registry has answered at all.
    was_reached: AtomicBool,
}

/// The repository of `reference`, as `credentials` see it. Asks the registry whether it is one. `ca`: certificates that are
/// believed besides the system's and docker's. `events` hears of what is tried again.
///
/// # Errors
/// There is no registry, or nobody is sure that it is it.
pub(crate) fn open(
    reference: &Reference,
    credentials: &Credentials,
    ca: Option<&Path>,
    events: Arc<dyn EventSink + Send + Sync>,
) -> Result<RegistryRepository, RegistryError> {
    let trust = certs_d::trust(reference.registry(), ca);
    let refused = |text: String, advice: &str| RegistryError { text, advice: advice.to_owned() };
    let timeouts = Timeouts { idle: IDLE, ..Timeouts::default() };
    let client = Client::new(&trust, timeouts).map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        refused(format!("{}: {error}{cause}", reference.registry()), "check --ca, certs.d and HTTPS_PROXY")
    })?;
    let at = |origin: String| {
        let path = path_in_registry(reference);
        let authorization = Authorization::new(credentials.login.clone(), origin.starts_with("https:"));
        let transport = Transport::new(client.clone(), origin, &path, authorization);
        let name = format!("{}/{path}", reference.registry());
        let (reference, credentials, was_reached) = (reference.clone(), credentials.clone(), AtomicBool::new(false));
        RegistryRepository(Arc::new(Inner {
            reference,
            credentials,
            path,
            name,
            transport,
            events: Arc::clone(&events),
            was_reached,
        }))
    };
    if reference.registry() == DOCKER_HUB {
        return Ok(at(HUB_ORIGIN.to_owned()));
    }
    let repository = at(format!("https://{}", reference.registry()));
    match repository.0.ping() {
        // As Docker does for registries on this machine.
        Err(Trouble::Transfer(TransferError::Tls { .. })) if is_here(reference.registry()) => {
            let plain = at(format!("http://{}", reference.registry()));
            plain.0.persist(|| plain.0.ping())?;
            Ok(plain)
        }
        Err(_) => {
            repository.0.persist(|| repository.0.ping())?;
            Ok(repository)
        }
        Ok(()) => Ok(repository),
    }
}

fn path_in_registry(reference: &Reference) -> String {
    let path = reference.path();
    let is_library = reference.registry() == DOCKER_HUB && !path.contains('/');
    if is_library { format!("{HUB_LIBRARY}{path}") } else { path.to_owned() }
}

/// Whether a registry (`HOST[:PORT]`) is on this machine.
fn is_here(registry: &str) -> bool {
    let host = match registry.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => registry.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl Inner {
    /// Whether it is a registry: whatever it wants to be shown.
    fn ping(&self) -> Result<(), Trouble> {
        let answer = self.transport.client.send(http_client::Request::new(Method::GET, &self.transport.at("/v2/")?))?;
        match answer.http.status().as_u16() {
            200 | 401 | 403 => {
                self.was_reached.store(true, Ordering::Relaxed);
                Ok(())
            }
            404 => {
                Err(Trouble::Wrong { refusal: Refusal::Other, what: "it is no registry: it has no /v2/".to_owned() })
            }
            _ => Err(self.refused(answer)),
        }
    }

    /// Tries as often as it may help.
    fn persist<T>(&self, mut go: impl FnMut() -> Result<T, Trouble>) -> Result<T, RegistryError> {
        let mut tries = self.tries();
        loop {
            match go() {
                Ok(done) => {
                    self.was_reached.store(true, Ordering::Relaxed);
                    return Ok(done);
                }
                Err(trouble) => tries.again(trouble).map_err(|trouble| self.error(&trouble))?,
            }
        }
    }

    fn tries(&self) -> Tries<'_> {
        Tries::new(&self.name, self.was_reached.load(Ordering::Relaxed), &*self.events)
    }

    fn error(&self, trouble: &Trouble) -> RegistryError {
        let (refusal, speaker) = (trouble.refusal(), Speaker::Ourselves);
        let text = match trouble {
            Trouble::Source { what } => what.clone(),
            _ => format!("{}: {}", refusal.text(speaker, &self.reference, &self.credentials), trouble.reason()),
        };
        RegistryError { text, advice: refusal.advice(speaker, &self.reference, &self.credentials) }
    }

    fn refused(&self, answer: Answer) -> Trouble {
        self.transport.refused(answer)
    }

    /// `None`: 404.
    fn head(&self, path: &str, headers: &[(HeaderName, String)]) -> Result<Option<Answer>, Trouble> {
        let answer = self.transport.ask(&Method::HEAD, &self.transport.at(path)?, headers, Sent::Bytes(&[]))?;
        match answer.http.status().as_u16() {
            200 => Ok(Some(answer)),
            // Where blobs lie elsewhere, it is there.
            300..=399 => Ok(Some(answer)),
            404 => Ok(None),
            _ => Err(self.refused(answer)),
        }
    }

    fn fetch_manifest(&self, tag_or_digest: &str) -> Result<Option<RemoteManifest>, Trouble> {
        let address = self.transport.at(&self.manifest_path(tag_or_digest))?;
        let answer = self.transport.get(&address, &[(header::ACCEPT, MANIFESTS.to_owned())])?;
        match answer.http.status().as_u16() {
            200 => {}
            404 => return Ok(None),
            _ => return Err(self.refused(answer)),
        }
        let media_type = answer.http.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_owned();
        let mut bytes = Vec::new();
        let reader = answer.http.into_body().into_reader();
        let read = reader.take(LARGEST_MANIFEST + 1).read_to_end(&mut bytes);
        read.map_err(|error| self.transport.client.broken(error, self.reference.registry()))?;
        if bytes.len() as u64 > LARGEST_MANIFEST {
            let what = format!("the manifest {tag_or_digest} has more than {LARGEST_MANIFEST} bytes");
            return Err(Trouble::Wrong { refusal: Refusal::Other, what });
        }
        let digest = format!("sha256:{}", hex(&Sha256::digest(&bytes)));
        if tag_or_digest.starts_with("sha256:") && tag_or_digest != digest {
            let what = format!("asked for {tag_or_digest}, it sent {digest}");
            return Err(Trouble::Wrong { refusal: Refusal::Digest, what });
        }
        Ok(Some(RemoteManifest { media_type, digest, bytes }))
    }

    fn send_manifest(&self, tag_or_digest: &str, manifest: &RemoteManifest) -> Result<(), Trouble> {
        let address = self.transport.at(&self.manifest_path(tag_or_digest))?;
        let headers = [(header::CONTENT_TYPE, manifest.media_type.clone())];
        let answer = self.transport.ask(&Method::PUT, &address, &headers, Sent::Bytes(&manifest.bytes))?;
        if !answer.http.status().is_success() {
            return Err(self.refused(answer));
        }
        // What is asked for by that name from now on. A registry that does not answer is believed.
        let asked = self.head(&self.manifest_path(tag_or_digest), &[(header::ACCEPT, MANIFESTS.to_owned())]);
        let found = asked.ok().flatten();
        let found = found.as_ref().and_then(|answer| answer.http.headers().get(DIGEST)?.to_str().ok());
        match found {
            Some(found) if found != manifest.digest => {
                let what = format!("{} was sent, and {tag_or_digest} is {found}", manifest.digest);
                Err(Trouble::Wrong { refusal: Refusal::Digest, what })
            }
            _ => Ok(()),
        }
    }

    fn manifest_path(&self, tag_or_digest: &str) -> String {
        format!("/v2/{}/manifests/{tag_or_digest}", self.path)
    }

    fn blob_path(&self, digest: &str) -> String {
        format!("/v2/{}/blobs/{digest}", self.path)
    }
}

impl Repository for RegistryRepository {
    fn registry(&self) -> &str {
        self.0.reference.registry()
    }

    fn path(&self) -> &str {
        &self.0.path
    }

    fn blob_size(&self, digest: &str) -> Result<Option<u64>, RegistryError> {
        let found = self.0.persist(|| self.0.head(&self.0.blob_path(digest), &[]))?;
        let length = |answer: &Answer| answer.http.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
        Ok(found.map(|answer| length(&answer).unwrap_or_default()))
    }

    fn mount(&self, digest: &str, from: &str) -> Result<bool, RegistryError> {
        upload::mount(&self.0, digest, from)
    }

    fn upload(&self, blob: &dyn BlobSource, told: &(dyn Fn(i64) + Sync)) -> Result<BlobDigest, RegistryError> {
        Upload::new(&self.0, blob, told).run()
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
