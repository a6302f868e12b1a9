//! The seams to Docker, a trait for each thing that an engine keeps. The pipeline knows these traits; `docker/` alone knows
//! docker-api and async; `fake/` records what the pipeline asks for.

mod attached_exec;
pub(crate) mod connect_error;
pub(crate) mod container_spec;
mod containers;
pub(crate) mod docker;
mod engine_error;
#[cfg(test)]
pub(crate) mod fake;
mod images;
mod system;
pub(crate) mod timed_entry;
mod transfer;
mod volumes;

pub(crate) use attached_exec::{ExecInput, ExecSpec, WindowSize};
pub(crate) use containers::{
    Container, ContainerId, ContainerProgram, ContainerSummary, Containers, ExecResult, Health, Input, LogPiece,
    LogRange, NetworkEndpoint, Reach, Running, Usage,
};
pub(crate) use engine_error::EngineError;
pub(crate) use images::{Image, ImageDetails, ImageId, ImageSettings, Images, Platform};
pub(crate) use system::{EngineInfo, Limits, Quota, Store, System};
pub(crate) use transfer::{CommitOptions, ImageTransfer, LayerProgress, LayerState};
pub(crate) use volumes::VolumesAndNetworks;

/// All that is wanted of an engine.
pub(crate) trait Engine: Containers + Images + ImageTransfer + System + VolumesAndNetworks {}

impl<T: Containers + Images + ImageTransfer + System + VolumesAndNetworks> Engine for T {}
