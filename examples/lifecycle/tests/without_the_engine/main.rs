//! The three programs, run as the agent and the app image run them: real processes in real directories.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
#![allow(unused_crate_dependencies, reason = "the crate's own, not its tests'")]

mod builder;
mod cnb;
mod cnb_world;
mod docker;
mod examples;
mod launcher;
mod server;
mod world;
