//! The two roads against the recording engine.

mod docker_apps;
mod launch;
mod life;
mod next;
mod publish;
pub(crate) mod restage;
mod task;
