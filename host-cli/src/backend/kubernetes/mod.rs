//! A cluster as a place to stage and run. What a plan becomes there is decided here, by pure functions from the same plans that
//! the engine's backend carries out: objects as values. Nothing here speaks to a cluster.

pub(crate) mod container;
pub(crate) mod manifest;
pub(crate) mod names;
pub(crate) mod secrets;
pub(crate) mod stage_job;

#[cfg(test)]
mod tests;
