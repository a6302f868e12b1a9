//! `restage` and `launch` as a user types them, against a mini-HCF on a real Docker Engine.
//!
//! Needs a Docker Engine, the images that `docker/build` makes (the stager image may be named in `STAGER_TEST_IMAGE`), and
//! the static programs of `ci/build-static` in `STAGER_STATIC_BIN`, else in `target/static`. The tests share one mini-HCF
//! on a network of its own; each has an app of its own and asserts that nothing of it stays behind.

#![allow(unused_crate_dependencies, reason = "the command's dependencies are not this test's")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
#![allow(clippy::disallowed_methods, reason = "a test of the whole program runs programs and writes files")]

mod app;
mod cache;
mod drop_in;
mod hcf;
mod launch;
mod lease;
mod push;
mod restage;
#[path = "../common/said.rs"]
mod said;
mod trouble;
