//! The agent as a process: requests in, events, files and exit codes out. The builders are shell scripts, the servers
//! are real, the words are compared.

#![allow(unused_crate_dependencies, reason = "the binary's dependencies are not all the tests'")]
#![allow(clippy::disallowed_methods, reason = "tests touch files and processes")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod bad_requests;
mod cache_commands;
mod cached;
mod cloud;
mod cnb;
mod docker_apps;
mod expired;
mod failures;
mod noise;
mod prefetch;
mod runs;
mod server;
mod strangers;
mod whole;
mod world;
