//! The models from outside: events, generated requests and recorded ones.

#![allow(unused_crate_dependencies, reason = "they are the library's, not these tests'")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod events;
mod generated;
mod recorded;
