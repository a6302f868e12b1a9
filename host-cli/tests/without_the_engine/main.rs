//! The real program, where no Docker Engine is wanted.

#![allow(unused_crate_dependencies, reason = "they are the program's, not these tests'")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
#![allow(clippy::disallowed_methods, reason = "tests set up the files that they need and run the program")]

mod manifest;
mod publish;
#[path = "../shared/registry.rs"]
mod registry;
mod requests;
#[path = "../shared/said.rs"]
mod said;
