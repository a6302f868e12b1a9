//! A cluster as a place to stage and run. What a plan becomes there is decided here, by pure functions from the same plans that
//! the engine's backend carries out: objects as values. Nothing here speaks to a cluster.

pub(crate) mod app_pod;
pub(crate) mod apps;
pub(crate) mod cache_job;
pub(crate) mod client;
pub(crate) mod container;
mod ipv4_networks;
pub(crate) mod job;
mod job_follow;
mod job_log;
pub(crate) mod job_pod;
mod job_publisher;
mod job_volumes;
mod launch;
pub(crate) mod manifest;
pub(crate) mod names;
mod network_policy;
mod objects;
pub(crate) mod one_cluster;
mod probes;
mod rollout;
pub(crate) mod secrets;
mod service;
pub(crate) mod stage_job;
mod timed_log;
mod volume_claims;
pub(crate) mod workload;

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;
