//! Requests from the logs, asked of the real program: what is found, where, and what is said when nothing is.

mod asking;
mod bad_input;
mod choosing;
pub(crate) mod dsl;
mod finding;
mod from;
mod linking;
mod listing;
mod noise;
mod printing;
