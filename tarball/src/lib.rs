//! How agent and host read tars and what they are packed in, all of it from strangers: gzip members, blocks and headers,
//! POSIX's extended headers, the maps of files with holes, and the members that all of these describe. No file is touched
//! here, and whatever an archive claims, a bounded part of it is held in memory. What becomes of a member is for the
//! caller to decide.
//!
//! Start with [`members::Members`].

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should say where"))]

pub mod blocks;
#[cfg(any(fuzzing, test, feature = "fuzzed"))]
pub mod fuzzed;
pub mod gzip;
pub mod members;
mod pax;
mod sparse;
mod xattr;
