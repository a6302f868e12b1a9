//! The Docker Engine behind the traits, each in the file of its name. docker-api serves where it can; where it cannot (raw
//! JSON for a container, a streamed build, `wait` that is registered before the start, answers whose models it does not
//! know), requests go beside it through containers-api, the client that it uses itself. Async ends here: every call blocks
//! its thread.

mod about;
mod api_client;
mod attach;
mod attached_exec;
mod build_log;
mod commit_config;
mod connect;
mod container_body;
mod containers;
mod copy_in;
mod copy_out;
mod endpoint;
mod events;
mod exec;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzed;
mod images;
mod json_stream;
mod layer_log;
mod logs;
mod models;
mod paths;
mod reach;
mod refusal;
mod route;
mod stdcopy;
mod stream;
mod system;
#[cfg(test)]
mod tls_engine;
mod tls_error;
mod transfer;
mod tunnel;
mod usage;
mod volumes;

use crate::engine::EngineError;
use about::About;
use api_client::ApiClient;
use endpoint::Environment;
use models::VersionInfo;
use route::Route;
use std::sync::OnceLock;
use tokio::runtime::Runtime;

/// An engine that answered.
pub(crate) struct Docker {
    runtime: Runtime,
    api: ApiClient,
    /// What it said of its version.
    version: VersionInfo,
    /// What it says of itself otherwise; asked for once.
    about: OnceLock<About>,
}

impl Docker {
    /// The engine that docker's own command would speak to (see [`endpoint`]). It was asked for its API version.
    pub(crate) fn connect() -> Result<Self, EngineError> {
        Self::connect_with(&Environment::from_process())
    }

    /// The engine that this environment chooses.
    fn connect_with(environment: &Environment) -> Result<Self, EngineError> {
        let endpoint = endpoint::choose(environment)?;
        let requested = connect::requested_version(&environment.api_version)?;
        let runtime = connect::runtime()?;
        let answered = runtime.block_on(async { connect::api_client(&Route::open(&endpoint)?, requested).await });
        let (api, version) = answered.map_err(|error| endpoint.explain(error, environment))?;
        Ok(Self { runtime, api, version, about: OnceLock::new() })
    }

    fn block_on<T>(&self, calls: impl Future<Output = T>) -> T {
        self.runtime.block_on(calls)
    }
}

#[cfg(test)]
mod with_the_engine;
