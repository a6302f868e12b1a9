//! The two roads against the recording engine.

mod docker_apps;
mod launch;
mod next;
mod publish;
pub(crate) mod restage;
