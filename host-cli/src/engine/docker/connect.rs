//! Which API version the engine and we speak, and the threads on which that is done.

use super::api_client::ApiClient;
use super::models::VersionInfo;
use super::route::Route;
use crate::engine::EngineError;
use crate::engine::connect_error::{ConnectError, NamedBy, TlsError};
use docker_api::ApiVersion;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// The API version that this was written for; an older engine is spoken to in its own.
const OURS: (usize, usize) = (1, 47);
/// The newest one that was tried, on an engine that refuses all older ones: spoken where ours is refused.
const NEWEST: (usize, usize) = (1, 51);
/// Two, so that one call can stream while another is answered.
const WORKERS: usize = 2;
/// How long the first answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// What Go's server says to those who do not speak TLS to it.
const SPEAKS_TLS: &str = "HTTP request to an HTTPS server";

/// The threads on which the requests run.
pub(super) fn runtime() -> Result<Runtime, EngineError> {
    Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name("engine")
        .enable_all()
        .build()
        .map_err(|cause| EngineError::Connect(ConnectError::Tunnel { cause }))
}

/// A client of the engine, in the newest version that both speak, or in `requested`; and what the engine said of its own.
pub(super) async fn api_client(
    route: &Route,
    requested: Option<ApiVersion>,
) -> Result<(ApiClient, VersionInfo), EngineError> {
    let unversioned = ApiClient::new(route, None)?;
    let answer = tokio::time::timeout(PATIENCE, ask(&unversioned, route)).await.unwrap_or_else(|_| {
        let reason = format!("no answer in {} s", PATIENCE.as_secs());
        Err(EngineError::Unreachable { address: route.shown.clone(), reason })
    });
    let version = answer?;
    let common = match requested {
        Some(version) => version,
        None => common_version(&version.newest, &version.oldest).map_err(|oldest| {
            let ours = ApiVersion::from(NEWEST).to_string();
            EngineError::Connect(ConnectError::TooNew { address: route.shown.clone(), oldest, ours })
        })?,
    };
    Ok((ApiClient::new(route, Some(common))?, version))
}

/// The first call of all, which shows whether that is an engine.
async fn ask(api: &ApiClient, route: &Route) -> Result<VersionInfo, EngineError> {
    const DOING: &str = "asking for its version";
    let address = || route.shown.clone();
    let answer = api.client.get(api.endpoint("/version")).await.map_err(|error| match &error {
        docker_api::Error::Fault { message, .. } if message.contains(SPEAKS_TLS) => {
            ConnectError::Tls { address: address(), wrong: TlsError::Wanted }.into()
        }
        docker_api::Error::Error(containers_api::conn::Error::Hyper(cause)) if cause.is_parse() => {
            ConnectError::NotHttp { address: address(), by: NamedBy::Nobody }.into()
        }
        _ => api.error(DOING, error),
    })?;
    api.read_json(answer, DOING).await
}

/// What `DOCKER_API_VERSION` says; `None` where it says nothing.
pub(super) fn requested_version(value: &str) -> Result<Option<ApiVersion>, ConnectError> {
    if value.is_empty() {
        return Ok(None);
    }
    let plain = value.strip_prefix('v').unwrap_or(value);
    let digits = |text: &str| (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let whole = plain.split_once('.').is_some_and(|(major, minor)| digits(major) && digits(minor));
    let version = if whole { plain.parse().ok() } else { None };
    version.map(Some).ok_or_else(|| ConnectError::Version { value: value.to_owned() })
}

/// Ours where the engine speaks it, else its newest, or its oldest where that is newer than ours; that oldest as an error
/// where it is newer than anything we know. An engine that does not say what it speaks is spoken to in ours.
fn common_version(newest: &str, oldest: &str) -> Result<ApiVersion, String> {
    let ours = ApiVersion::from(OURS);
    let newest = newest.parse().unwrap_or(ours);
    let oldest: ApiVersion = oldest.parse().unwrap_or(ours).min(newest);
    if oldest > ApiVersion::from(NEWEST) { Err(oldest.to_string()) } else { Ok(ours.min(newest).max(oldest)) }
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
            assert_eq!(common_version(newest, oldest).unwrap().to_string(), common, "{newest} {oldest}");
        }
        assert_eq!(common_version("1.60", "1.52"), Err("1.52".to_owned()));
    }

    #[test]
    fn a_version_can_be_wished_as_docker_lets_one() {
        assert_eq!(requested_version("").unwrap(), None);
        assert_eq!(requested_version("1.44").unwrap().unwrap().to_string(), "1.44");
        assert_eq!(requested_version("v1.44").unwrap().unwrap().to_string(), "1.44");
        for odd in ["abc", "1", "1.x", "-1.4", "1.", "1.4.1", "1.99999999999999999999"] {
            assert!(requested_version(odd).is_err(), "{odd}");
        }
    }
}
