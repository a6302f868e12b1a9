//! Fetches an archive for its checksum alone: nothing of it is unpacked or kept, and nothing is said of how far it is.

use super::body::Body;
use super::checksum::Mismatch;
use super::client::Http;
use super::error::FetchError;
use super::get::Get;
use super::retry::{AttemptError, Retries, with_retries};
use super::tally::Tally;
use crate::session::scope::Scope;
use http_client::TransferError;
use shared_model::safe_url::SafeUrl;

/// What a server gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hashed {
    /// A body with this sha256, in lower-case hex.
    Whole(String),
    /// One that is larger than was allowed; the rest of it was not read.
    Larger,
}

/// Fetches `from` and hashes what comes, up to `most` bytes. Emits `Retrying`.
///
/// # Errors
/// [`FetchError::Transfer`], [`FetchError::Stopped`].
pub(crate) fn hashed(http: &Http, from: &SafeUrl, most: u64, scope: &Scope) -> Result<Hashed, FetchError> {
    let tried = with_retries(from, http.timeouts(), scope, |retries| attempt(http, from, most, retries, scope));
    tried.map_err(|error| FetchError::from_attempt(error, from))
}

fn attempt(
    http: &Http,
    from: &SafeUrl,
    most: u64,
    retries: &Retries,
    scope: &Scope,
) -> Result<Hashed, AttemptError<FetchError>> {
    let body = Body::open(http, from, Get::Whole, retries)?;
    // Nobody asked whether it has changed.
    let body = body.ok_or(TransferError::Protocol { reason: "it says that nothing has changed" })?;
    let mut tally = Tally::new(body, None, None, None, scope);
    let read = tally.read_on(most);
    scope.go_on().map_err(AttemptError::Stopped)?;
    match (tally.failure(), read) {
        (Some(cause), _) => Err(cause.into()),
        (None, Ok(true)) => match tally.tell() {
            Ok(told) => Ok(Hashed::Whole(told.sha256)),
            Err(Mismatch { wanted, found, .. }) => Err(TransferError::Damaged { announced: wanted, found }.into()),
        },
        (None, Ok(false)) => Ok(Hashed::Larger),
        // Only a transfer fails here; see above.
        (None, Err(_)) => Err(TransferError::CutOff { received: 0, expected: None }.into()),
    }
}
