//! The two roads against the recording engine.

mod launch;
mod next;
pub(crate) mod restage;
