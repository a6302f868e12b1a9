//! The supervisor as a process, with real shells as launcher and sidecars. Not as process 1: it makes orphans its own all the same.

#![allow(unused_crate_dependencies, reason = "the binary's dependencies are not all the tests'")]
#![allow(clippy::disallowed_methods, reason = "tests touch files and processes")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod connects;
mod ends;
mod signals;
mod tells;
mod world;
