//! `manifest`: prints what a cluster would be asked for. Nothing is sent there.

use crate::arguments::Manifest;
use crate::failure::Failure;
use shared_model::exit_code::ExitCode;

#[cfg(feature = "kubernetes")]
mod launch;
#[cfg(feature = "kubernetes")]
mod restage;
#[cfg(feature = "kubernetes")]
mod written;

/// Prints the objects.
#[cfg(feature = "kubernetes")]
pub(super) fn run(command: Manifest) -> Result<ExitCode, Failure> {
    use crate::arguments::ManifestCommand;
    match command.command {
        ManifestCommand::Restage(command) => restage::run(&command),
        ManifestCommand::Launch(command) => launch::run(&command),
    }
}

/// Says that nobody built this program to know clusters.
#[cfg(not(feature = "kubernetes"))]
pub(super) fn run(_: Manifest) -> Result<ExitCode, Failure> {
    Err(super::cluster::no_clusters())
}
