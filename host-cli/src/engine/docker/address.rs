//! Where the engine is, and how requests get there. TLS and ssh are not spoken yet, and that is said.

#![expect(clippy::disallowed_methods, reason = "the one place that asks for DOCKER_HOST")]

use super::refusal::{self, one_line};
use crate::engine::EngineError;
use containers_api::conn::hyper::Client;
use containers_api::conn::{RequestClient, Transport, get_http_connector, get_unix_connector};
use std::env;
use std::path::PathBuf;

/// Where an engine listens unless `DOCKER_HOST` says otherwise.
const USUAL_SOCKET: &str = "/var/run/docker.sock";
/// The port of an engine that listens on TCP without TLS.
const USUAL_PORT: u16 = 2375;

/// Where an engine listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// A socket in the file system.
    Unix(PathBuf),
    /// `host:port`, in the clear.
    Tcp(String),
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", one_line(&path.to_string_lossy())),
            Self::Tcp(host) => write!(f, "tcp://{}", one_line(host)),
        }
    }
}

/// The address in the environment, as docker's own command reads it; an empty `DOCKER_HOST` counts as none.
pub(super) fn from_environment() -> Result<Address, EngineError> {
    let host = env::var("DOCKER_HOST").unwrap_or_default();
    let verify = env::var_os("DOCKER_TLS_VERIFY").is_some_and(|value| !value.is_empty());
    address(&host, verify)
}

/// What `DOCKER_HOST` means; `tls` says whether it is to be spoken to over TLS.
fn address(host: &str, tls: bool) -> Result<Address, EngineError> {
    let refused = |reason: &str| EngineError::Unreachable { address: one_line(host), reason: reason.to_owned() };
    if host.is_empty() {
        return Ok(Address::Unix(USUAL_SOCKET.into()));
    }
    match host.split_once("://") {
        Some(("unix", path)) if path.starts_with('/') => Ok(Address::Unix(path.into())),
        Some(("unix", _)) => Err(refused("the path of the socket in DOCKER_HOST must be absolute")),
        Some(("tcp", _)) if tls => Err(refused("DOCKER_TLS_VERIFY is set, but TLS is not supported yet")),
        Some(("tcp" | "http", authority)) => tcp(authority).map_err(refused),
        Some(("ssh", _)) => Err(refused("ssh is not supported; forward the socket and name that in DOCKER_HOST")),
        _ => Err(refused("DOCKER_HOST must be unix:///PATH or tcp://HOST:PORT")),
    }
}

fn tcp(authority: &str) -> Result<Address, &'static str> {
    let authority = authority.trim_end_matches('/');
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
    if authority.is_empty() || !authority.chars().all(plain) {
        return Err("DOCKER_HOST must name HOST:PORT and nothing else");
    }
    let after_host = authority.rsplit_once(']').map_or(authority, |(_, rest)| rest);
    Ok(Address::Tcp(if after_host.contains(':') { authority.to_owned() } else { format!("{authority}:{USUAL_PORT}") }))
}

/// How requests reach the address: one connection each on a socket, kept-alive ones on TCP.
fn transport(address: &Address) -> Result<Transport, EngineError> {
    match address {
        Address::Unix(path) => {
            let client = Client::builder().pool_max_idle_per_host(0).build(get_unix_connector());
            Ok(Transport::Unix { client, path: path.clone() })
        }
        Address::Tcp(host) => {
            let client = Client::builder().build(get_http_connector());
            let host = address.to_string().parse().map_err(|_| EngineError::Unreachable {
                address: one_line(host),
                reason: "DOCKER_HOST does not name a host".to_owned(),
            })?;
            Ok(Transport::Tcp { client, host })
        }
    }
}

/// A client for the requests that docker-api does not know.
pub(super) fn client(address: &Address) -> Result<RequestClient<docker_api::Error>, EngineError> {
    Ok(RequestClient::new(transport(address)?, Box::new(refusal::check)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_host_is_read_as_dockers_own_command_reads_it() {
        assert_eq!(address("", true).unwrap(), Address::Unix("/var/run/docker.sock".into()));
        assert_eq!(address("unix:///run/d.sock", false).unwrap(), Address::Unix("/run/d.sock".into()));
        assert_eq!(address("tcp://127.0.0.1:1", false).unwrap(), Address::Tcp("127.0.0.1:1".into()));
        assert_eq!(address("tcp://engine/", false).unwrap(), Address::Tcp("engine:2375".into()));
        assert_eq!(address("tcp://[::1]", false).unwrap(), Address::Tcp("[::1]:2375".into()));
        assert_eq!(address("tcp://[::1]:5", false).unwrap(), Address::Tcp("[::1]:5".into()));
    }

    #[test]
    fn an_address_that_we_cannot_speak_to_is_refused_in_words() {
        for (host, tls, words) in [
            ("ssh://me@there", false, "ssh is not supported"),
            ("tcp://there:2376", true, "TLS is not supported"),
            ("unix://relative.sock", false, "absolute"),
            ("there:2375", false, "unix:///PATH or tcp://HOST:PORT"),
            ("npipe:////./pipe/docker", false, "unix:///PATH or tcp://HOST:PORT"),
            ("tcp://user:word@there:1", false, "HOST:PORT and nothing else"),
            ("tcp://", false, "HOST:PORT"),
        ] {
            let error = address(host, tls).unwrap_err().to_string();
            assert!(error.contains(words), "{host}: {error}");
        }
    }
}
