//! `--on kubernetes`: what commands do in a cluster.

use crate::arguments::{CacheUp, Launch, Restage};
use crate::settings::Settings;
use shared_model::exit_code::ExitCode;

#[cfg(feature = "kubernetes")]
mod cache_up;
#[cfg(feature = "kubernetes")]
mod launch;
#[cfg(feature = "kubernetes")]
pub(super) mod launching;
#[cfg(feature = "kubernetes")]
mod restage;
#[cfg(feature = "kubernetes")]
pub(super) mod staging;

/// Stages in a cluster.
#[cfg(feature = "kubernetes")]
pub(super) fn restage(command: Restage, agent_options: Vec<String>, settings: Settings) -> ExitCode {
    restage::run(command, agent_options, settings)
}

/// Fills a cache of a cluster.
#[cfg(feature = "kubernetes")]
pub(super) fn cache_up(command: CacheUp, agent_options: Vec<String>) -> ExitCode {
    cache_up::run(command, agent_options)
}

/// Says that nobody built this program to know clusters.
#[cfg(not(feature = "kubernetes"))]
#[expect(clippy::needless_pass_by_value, reason = "as the one that knows clusters")]
pub(super) fn cache_up(command: CacheUp, _: Vec<String>) -> ExitCode {
    unknown(command.screen_options())
}

/// Runs an app in a cluster.
#[cfg(feature = "kubernetes")]
pub(super) fn launch(command: Launch, settings: Settings) -> ExitCode {
    launch::run(command, settings)
}

/// Says that nobody built this program to know clusters.
#[cfg(not(feature = "kubernetes"))]
#[expect(clippy::needless_pass_by_value, reason = "as the one that knows clusters")]
pub(super) fn launch(command: Launch, _: Settings) -> ExitCode {
    unknown(command.screen_options())
}

/// Says that nobody built this program to know clusters.
#[cfg(not(feature = "kubernetes"))]
#[expect(clippy::needless_pass_by_value, reason = "as the one that knows clusters")]
pub(super) fn restage(command: Restage, _: Vec<String>, _: Settings) -> ExitCode {
    unknown(command.screen_options())
}

#[cfg(not(feature = "kubernetes"))]
fn unknown(options: crate::arguments::ScreenOptions) -> ExitCode {
    use crate::{screen::screen, session::run_without_engine};
    run_without_engine(screen(options), |_| Err(no_clusters()))
}

/// Nobody built this program to know clusters.
#[cfg(not(feature = "kubernetes"))]
pub(super) fn no_clusters() -> crate::failure::Failure {
    let advice =
        "`cargo build --release -p host-cli --features kubernetes` makes one that does; so does ci/build-static";
    crate::failure::Failure::new(ExitCode::CommandLine, "this host-cli was built without Kubernetes", advice)
}
