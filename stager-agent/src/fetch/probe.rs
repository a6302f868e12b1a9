//! Asks for an archive without taking it: whether it has changed, whether its signature still lives. By GET, for the
//! file server answers HEAD with 405; the connection ends where the body would begin.

use super::body::Body;
use super::client::Http;
use super::error::FetchError;
use super::get::Get;
use super::retry::with_retries;
use super::validators::Known;
use crate::session::scope::Scope;
use http_client::Timeouts;
use shared_model::safe_url::SafeUrl;

/// What the server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probed {
    /// The very one that is known (304, or all that is told of it is the same).
    Unchanged,
    /// Another one, or one that may be another.
    There,
}

/// Asks for `from`, once, and says nothing of it. `known` is what is there already.
///
/// # Errors
/// [`FetchError::Transfer`]: the server does not give it; [`FetchError::Stopped`].
pub(crate) fn probe(http: &Http, from: &SafeUrl, known: &Known, scope: &Scope) -> Result<Probed, FetchError> {
    let once = Timeouts { retries: 0, ..http.timeouts() };
    let get = match known.clone() {
        Known::Nothing => Get::Whole,
        Known::Vouched(validators) => Get::Changed(validators),
        Known::Unverified { validators, length } => Get::Same { validators, length },
    };
    let answer = with_retries(from, once, scope, |retries| {
        let body = Body::open(http, from, get.clone(), retries)?;
        Ok(if body.is_some() { Probed::There } else { Probed::Unchanged })
    });
    answer.map_err(|error| FetchError::from_attempt(error, from))
}
