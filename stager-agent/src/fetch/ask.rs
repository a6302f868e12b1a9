//! Asks for an archive without taking it: whether it has changed, whether its signature still lives. By GET, for the
//! file server answers HEAD with 405; the connection ends where the body would begin.

use super::body::Body;
use super::error::FetchError;
use super::head::Question;
use super::http::Http;
use super::patience::Patience;
use super::retry::with_retries;
use super::validators::Known;
use crate::session::scope::Scope;
use shared_model::safe_url::SafeUrl;

/// What the server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The very one that is known (304, or all that is told of it is the same).
    Unchanged,
    /// One to be had.
    There,
}

/// Asks for `from`, once, and says nothing of it. `known` is what is there already.
///
/// # Errors
/// [`FetchError::Transfer`]: the server does not give it; [`FetchError::Stopped`].
pub(crate) fn ask(http: &Http, from: &SafeUrl, known: &Known, scope: &Scope) -> Result<Asked, FetchError> {
    let once = Patience { retries: 0, ..http.patience() };
    let question = match known.clone() {
        Known::Nothing => Question::Whole,
        Known::Vouched(validators) => Question::Changed(validators),
        Known::Unverified { validators, length } => Question::Same { validators, length },
    };
    let answer = with_retries(from, once, scope, |tries| {
        let body = Body::open(http, from, question.clone(), tries)?;
        Ok(if body.is_some() { Asked::There } else { Asked::Unchanged })
    });
    answer.map_err(|trouble| FetchError::of(trouble, from))
}
