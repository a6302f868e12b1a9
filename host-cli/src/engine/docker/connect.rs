//! Which API version the engine and we speak, and the threads on which that is done.

use super::address::Address;
use super::link::Link;
use crate::engine::EngineError;
use docker_api::ApiVersion;
use serde::Deserialize;
use tokio::runtime::{Builder, Runtime};

/// The newest API version that this was written for; an older engine is spoken to in its own.
const NEWEST: (usize, usize) = (1, 47);
/// Two, so that one call can stream while another is answered.
const WORKERS: usize = 2;

/// The threads on which the requests run.
pub(super) fn runtime(address: &Address) -> Result<Runtime, EngineError> {
    Builder::new_multi_thread().worker_threads(WORKERS).thread_name("engine").enable_all().build().map_err(|error| {
        EngineError::Unreachable { address: address.to_string(), reason: format!("no threads for it: {error}") }
    })
}

#[derive(Deserialize)]
struct Version {
    #[serde(rename = "ApiVersion", default)]
    newest: String,
    #[serde(rename = "MinAPIVersion", default)]
    oldest: String,
}

/// A link to the engine, in the newest version that both speak.
pub(super) async fn link(address: &Address) -> Result<Link, EngineError> {
    let unversioned = Link::new(address, None)?;
    let version: Version = unversioned.get_json("/version", "asking for its version").await?;
    Link::new(address, Some(common_version(&version.newest, &version.oldest)))
}

/// Ours where the engine speaks it, else its newest; its oldest where even that is newer than ours.
fn common_version(newest: &str, oldest: &str) -> ApiVersion {
    let ours = ApiVersion::from(NEWEST);
    let newest = newest.parse().unwrap_or(ours);
    let oldest = oldest.parse().unwrap_or(ours);
    ours.min(newest).max(oldest.min(newest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_newest_that_both_speak() {
        for (newest, oldest, common) in [
            ("1.41", "1.12", "1.41"),
            ("1.52", "1.44", "1.47"),
            ("1.47", "1.24", "1.47"),
            ("1.60", "1.50", "1.50"),
            ("", "", "1.47"),
            ("what", "ever", "1.47"),
        ] {
            assert_eq!(common_version(newest, oldest).to_string(), common, "{newest} {oldest}");
        }
    }
}
