//! The two roads against the recording engine.

mod launch;
pub(crate) mod restage;
