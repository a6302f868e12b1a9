//! An error with what caused it, in one line for people.

use std::error::Error;
use std::iter;

/// `cannot download http://h/a: the server answered 404 Not Found`.
pub(crate) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = iter::successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
