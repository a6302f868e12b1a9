//! The whole program on a real Docker Engine. What each group of tests wants is told at its head; where something is
//! missing, a test says which script makes it.
//!
//! The groups run side by side: whatever a test makes or counts bears a mark of its own. Tests begin in the order of their
//! names, so the longest by far has a name that comes first.

#![allow(unused_crate_dependencies, reason = "the command's dependencies are not these tests'")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
#![allow(clippy::disallowed_methods, reason = "a test of the whole program runs programs and writes files")]

mod a_search_for_secrets;
mod app;
mod engine;
mod export;
mod from_request_to_app;
mod hcf;
mod image;
mod publish;
mod push;
#[path = "../shared/registry.rs"]
mod registry;
#[path = "../shared/said.rs"]
mod said;
