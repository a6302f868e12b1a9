//! Requests from the logs, asked of the real program: what is found, where, and what is said when nothing is.

#![allow(unused_crate_dependencies, reason = "they are the program's, not the test's")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
#![allow(clippy::disallowed_methods, reason = "tests set up the files that they need and run the program")]

mod bad_input;
mod choosing;
mod dsl;
mod finding;
mod linking;
mod listing;
mod noise;
mod printing;
