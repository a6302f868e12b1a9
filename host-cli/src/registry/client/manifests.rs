//! Manifests and indexes, on their way here and there.

use super::conversation::{Conversation, DIGEST};
use super::small_answer;
use super::transport::Sent;
use super::trouble::Trouble;
use crate::registry::refusal::Refusal;
use crate::registry::repository::{LARGEST_MANIFEST, RemoteManifest};
use sha2::{Digest as _, Sha256};
use shared_model::hex::hex;
use ureq::http::{Method, header};

/// Those that we can read.
const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
                         application/vnd.docker.distribution.manifest.v2+json, \
                         application/vnd.docker.distribution.manifest.list.v2+json";

impl Conversation {
    /// The one of this tag or digest; `None`: there is none.
    pub(super) fn fetch_manifest(&self, tag_or_digest: &str) -> Result<Option<RemoteManifest>, Trouble> {
        let address = self.transport.at(&self.manifest_path(tag_or_digest))?;
        let answer = self.transport.get(&Method::GET, &address, &[(header::ACCEPT, MANIFESTS.to_owned())])?;
        match answer.http.status().as_u16() {
            200 => {}
            404 => return Ok(None),
            _ => return Err(self.refused(answer)),
        }
        let media_type = answer.http.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_owned();
        let from = (&self.transport.client, self.reference.registry());
        let bytes = small_answer::read(answer, LARGEST_MANIFEST + 1, from)?;
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

    /// Puts one there.
    pub(super) fn send_manifest(&self, tag_or_digest: &str, manifest: &RemoteManifest) -> Result<(), Trouble> {
        let address = self.transport.at(&self.manifest_path(tag_or_digest))?;
        let headers = [(header::CONTENT_TYPE, manifest.media_type.clone())];
        let answer = self.transport.ask(&Method::PUT, &address, &headers, Sent::Bytes(&manifest.bytes))?;
        if !answer.http.status().is_success() {
            return Err(self.refused(answer));
        }
        match answer.http.headers().get(DIGEST).and_then(|value| value.to_str().ok()) {
            Some(got) if got != manifest.digest => {
                let what = format!("{} was sent, and it got {got}", manifest.digest);
                Err(Trouble::Wrong { refusal: Refusal::Digest, what })
            }
            _ => Ok(()),
        }
    }

    fn manifest_path(&self, tag_or_digest: &str) -> String {
        format!("/v2/{}/manifests/{tag_or_digest}", self.path)
    }
}
