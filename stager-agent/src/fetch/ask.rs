//! Asks for an archive without taking it: whether it has changed, whether its signature still lives. By GET, for the
//! file server answers HEAD with 405; the connection ends where the body would begin.

use super::body::Body;
use super::error::FetchError;
use super::http::Http;
use super::patience::Patience;
use super::retry::{Trouble, with_retries};
use super::validators::Validators;
use crate::scope::Scope;
use shared_model::safe_url::SafeUrl;
use std::convert::Infallible;

/// What the server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The very one that is known (304).
    Unchanged,
    /// One to be had.
    There,
}

/// Asks for `from`, once, and says nothing of it. `known` are the validators of the one that is there already; empty
/// where there is none.
///
/// # Errors
/// [`FetchError::Transfer`]: the server does not give it; [`FetchError::Stopped`].
pub(crate) fn ask(http: &Http, from: &SafeUrl, known: &Validators, scope: &Scope) -> Result<Asked, FetchError> {
    let once = Patience { retries: 0, ..http.patience() };
    let answer = with_retries(from, once, scope, |tries| {
        let body: Result<_, Trouble<Infallible>> = Body::open(http, from, Some(known), tries);
        body.map(|body| if body.is_some() { Asked::There } else { Asked::Unchanged })
    });
    answer.map_err(|trouble| match trouble {
        Trouble::Transfer(cause) => FetchError::Transfer { from: from.clone(), cause },
        Trouble::Stopped(why) => FetchError::Stopped { from: from.clone(), why },
        Trouble::Final(never) => match never {},
    })
}
