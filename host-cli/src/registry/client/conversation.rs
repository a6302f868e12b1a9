//! All dealings with one registry about one repository: what both sides are called, who hears of trouble, and how often something is
//! tried.

use super::retry::Tries;
use super::transport::Transport;
use super::trouble::Trouble;
use crate::registry::credentials::Credentials;
use crate::registry::reference::Reference;
use crate::registry::refusal::{Refusal, Speaker};
use crate::registry::registry_error::RegistryError;
use crate::registry::repository::Access;
use http_client::{Answer, Request};
use shared_model::event::EventSink;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use ureq::http::{HeaderName, Method};

/// What a registry calls by its digest.
pub(super) const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
/// How long a registry may think before it says that it is one.
const FIRST_ANSWER: Duration = Duration::from_secs(15);

/// See the module's text.
pub(super) struct Conversation {
    pub(super) reference: Reference,
    pub(super) credentials: Credentials,
    /// What for: errors say so.
    pub(super) access: Access,
    /// Within the registry: Docker Hub's has `library/` where a name has no user.
    pub(super) path: String,
    /// `r.io:5000/team/app`, for people.
    pub(super) name: String,
    pub(super) transport: Transport,
    pub(super) events: Arc<dyn EventSink + Send + Sync>,
    /// Whether the registry has answered at all.
    pub(super) was_reached: AtomicBool,
}

impl Conversation {
    /// Whether it is a registry: whatever it wants to be shown.
    pub(super) fn ping(&self) -> Result<(), Trouble> {
        let address = self.transport.at("/v2/")?;
        let request = Request { answer_within: Some(FIRST_ANSWER), ..Request::new(Method::GET, &address) };
        let answer = self.transport.client.send(request)?;
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
    pub(super) fn persist<T>(&self, mut go: impl FnMut() -> Result<T, Trouble>) -> Result<T, RegistryError> {
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

    pub(super) fn tries(&self) -> Tries<'_> {
        Tries::new(&self.name, self.was_reached.load(Ordering::Relaxed), &*self.events)
    }

    pub(super) fn error(&self, trouble: &Trouble) -> RegistryError {
        let (refusal, speaker) = (trouble.refusal(), Speaker::Ourselves(self.access));
        let text = match trouble {
            Trouble::Source { what } => what.clone(),
            _ => format!("{}: {}", refusal.text(speaker, &self.reference, &self.credentials), trouble.reason()),
        };
        RegistryError { text, advice: refusal.advice(speaker, &self.reference, &self.credentials) }
    }

    pub(super) fn refused(&self, answer: Answer) -> Trouble {
        self.transport.refused(answer)
    }

    /// Whether the registry has the blob of this digest; which one that is the digest says.
    pub(super) fn has_blob(&self, digest: &str) -> Result<bool, Trouble> {
        let answer = self.transport.get(&Method::HEAD, &self.transport.at(&self.blob_path(digest))?, &[])?;
        match answer.http.status().as_u16() {
            200 => Ok(true),
            404 => Ok(false),
            _ => Err(self.refused(answer)),
        }
    }

    pub(super) fn blob_path(&self, digest: &str) -> String {
        format!("/v2/{}/blobs/{digest}", self.path)
    }
}
