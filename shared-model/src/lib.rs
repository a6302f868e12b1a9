//! What the agent and the host must agree on: the requests that Diego got, the events that a staging says,
//! and the codes that it ends with. Pure: no I/O, no clock, nothing that depends on where it runs.
//!
//! Start with [`task::TaskDefinition`] (a staging request), [`desired_lrp::DesiredLrp`] (a launch request)
//! and [`event::Event`] (what is said while one is carried out).

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should say where"))]

pub mod action;
pub mod application;
pub mod cache;
pub mod command_line;
pub mod dependency;
pub mod desired_lrp;
pub mod docker_app;
pub mod document;
#[cfg(any(test, feature = "fuzzed"))]
pub mod documented;
pub mod environment;
pub mod event;
pub mod exit_code;
#[cfg(any(fuzzing, test, feature = "fuzzed"))]
pub mod fuzzed;
pub mod handover;
pub mod hex;
pub mod json_text;
pub mod lease;
pub mod lifecycle;
pub mod mounted_file;
pub mod names;
pub mod nearest;
pub mod network;
pub mod plain_line;
pub mod port_forward;
pub mod process_type;
pub mod safe_url;
pub mod secret;
pub mod size;
pub mod table;
pub mod task;
pub mod unseen;
pub mod validate;
pub mod variants;
