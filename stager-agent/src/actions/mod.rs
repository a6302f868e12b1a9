//! The action tree of a request: walked in order ([`execute()`]), and carried out at its leaves ([`StagingRunner`]).
//! What comes before the first program is fetched ahead.

mod carry_out;
mod early;
mod error;
mod execute;
mod parallel;
mod prefetch;
mod run;
mod runner;

pub(crate) use error::{ActionError, LimitExceeded};
pub(crate) use execute::execute;
pub(crate) use parallel::parallel;
pub(crate) use runner::{Droplet, StagingRunner, Uploads};
