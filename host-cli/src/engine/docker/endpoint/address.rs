//! An address as docker's own command reads it. Pure.

use crate::engine::docker::refusal::one_line;
use std::path::{Path, PathBuf};

/// Where an engine listens unless somebody says otherwise.
pub(super) const DEFAULT_SOCKET: &str = "/var/run/docker.sock";
/// The port where none is named, with TLS too: so docker has it.
const DEFAULT_PORT: u16 = 2375;
/// Where an engine is expected when TLS is wished and no address given: so docker has it.
const DEFAULT_TLS: &str = "localhost:2376";

/// Where an engine listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine::docker) enum Address {
    /// A socket in the file system, or, where the path starts with NUL, in the abstract name space.
    Unix(PathBuf),
    /// `host:port`.
    Tcp(String),
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&one_line(&self.url()))
    }
}

impl Address {
    /// As a URL for docker-api: nothing is escaped.
    pub(in crate::engine::docker) fn url(&self) -> String {
        match self {
            Self::Unix(path) => format!("unix://{}", path.to_string_lossy()),
            Self::Tcp(authority) => format!("tcp://{authority}"),
        }
    }
}

/// Whether an address itself says how it is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// As the rest of the configuration has it.
    AsConfigured,
    /// `http://`.
    Plain,
    /// `https://`.
    Tls,
}

/// What is no address that we can speak to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum AddressError {
    /// It is reached by ssh: the host in ssh's own words, and the engine's socket there.
    Ssh { there: String, socket: String },
    /// It is malformed, or of a scheme that we do not speak; why.
    Wrong(&'static str),
}

/// The address where none is given; `tls` says whether TLS is wished.
pub(super) fn default_address(tls: bool) -> Address {
    if tls { Address::Tcp(DEFAULT_TLS.to_owned()) } else { Address::Unix(DEFAULT_SOCKET.into()) }
}

/// What the value of `DOCKER_HOST`, or a context's `Host`, means. Without a scheme it is `tcp`.
pub(super) fn parse(host: &str) -> Result<(Address, Scheme), AddressError> {
    let (scheme, rest) = host.split_once("://").unwrap_or(("tcp", host));
    match scheme {
        "unix" if rest.is_empty() => Ok((default_address(false), Scheme::AsConfigured)),
        "unix" if Path::new(rest).is_absolute() => Ok((Address::Unix(rest.into()), Scheme::AsConfigured)),
        "unix" => Err(AddressError::Wrong("the path of its socket must be absolute")),
        "tcp" => Ok((tcp(rest)?, Scheme::AsConfigured)),
        "http" => Ok((tcp(rest)?, Scheme::Plain)),
        "https" => Ok((tcp(rest)?, Scheme::Tls)),
        "ssh" => Err(by_ssh(rest)),
        _ => Err(AddressError::Wrong("host-cli speaks to unix:// and tcp:// only")),
    }
}

/// What follows `ssh://`, without a password, for people to copy; words that a shell might misread are left out.
fn by_ssh(rest: &str) -> AddressError {
    let harmless = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let user = user.split(':').next().unwrap_or_default();
    let (host, port) = host.split_once(':').unwrap_or((host, ""));
    let mut there = if harmless(host) && !host.is_empty() { host.to_owned() } else { "HOST".to_owned() };
    if harmless(user) && !user.is_empty() {
        there = format!("{user}@{there}");
    }
    if harmless(port) && !port.is_empty() {
        there = format!("-p {port} {there}");
    }
    let socket = if path.len() > 1 && harmless(path) { path } else { DEFAULT_SOCKET };
    AddressError::Ssh { there, socket: socket.to_owned() }
}

fn tcp(authority: &str) -> Result<Address, AddressError> {
    let authority = authority.trim_end_matches('/');
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
    if !authority.chars().all(plain) {
        return Err(AddressError::Wrong("HOST:PORT is wanted and nothing else"));
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (authority, ""),
    };
    let port = match port {
        "" => DEFAULT_PORT,
        port => port.parse().map_err(|_| AddressError::Wrong("its port is no number below 65536"))?,
    };
    if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
        return Err(AddressError::Wrong("an IPv6 address stands in brackets: tcp://[::1]:2376"));
    }
    let host = if host.is_empty() { "localhost" } else { host };
    Ok(Address::Tcp(format!("{host}:{port}")))
}

/// The host of a `host:port`, without brackets.
pub(in crate::engine::docker) fn host_of(authority: &str) -> &str {
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_dockers_own_command_reads_it() {
        let tcp = |authority: &str| Address::Tcp(authority.to_owned());
        for (host, address, speech) in [
            ("unix:///run/d.sock", Address::Unix("/run/d.sock".into()), Scheme::AsConfigured),
            ("unix://", Address::Unix("/var/run/docker.sock".into()), Scheme::AsConfigured),
            ("tcp://127.0.0.1:1", tcp("127.0.0.1:1"), Scheme::AsConfigured),
            ("tcp://engine/", tcp("engine:2375"), Scheme::AsConfigured),
            ("tcp://:5", tcp("localhost:5"), Scheme::AsConfigured),
            ("tcp://", tcp("localhost:2375"), Scheme::AsConfigured),
            ("engine:5", tcp("engine:5"), Scheme::AsConfigured),
            ("tcp://[::1]", tcp("[::1]:2375"), Scheme::AsConfigured),
            ("tcp://[::1]:5", tcp("[::1]:5"), Scheme::AsConfigured),
            ("http://engine:5", tcp("engine:5"), Scheme::Plain),
            ("https://engine:5/", tcp("engine:5"), Scheme::Tls),
        ] {
            assert_eq!(parse(host), Ok((address, speech)), "{host}");
        }
        assert_eq!((host_of("[::1]:5"), host_of("engine:5")), ("::1", "engine"));
    }

    #[test]
    fn what_cannot_be_spoken_to_is_refused_in_words() {
        for (host, there, socket) in [
            ("ssh://me@there", "me@there", "/var/run/docker.sock"),
            ("ssh://me:s3cret@there:2222/", "-p 2222 me@there", "/var/run/docker.sock"),
            ("ssh://there/run/user/1000/docker.sock", "there", "/run/user/1000/docker.sock"),
            ("ssh://$(reboot)@`reboot`", "HOST", "/var/run/docker.sock"),
        ] {
            assert_eq!(parse(host), Err(AddressError::Ssh { there: there.into(), socket: socket.into() }), "{host}");
        }
        for (host, words) in [
            ("unix://relative.sock", "absolute"),
            ("npipe:////./pipe/docker", "unix:// and tcp:// only"),
            ("fd://", "unix:// and tcp:// only"),
            ("tcp://user:word@there:1", "HOST:PORT"),
            ("tcp://there:1/prefix", "HOST:PORT"),
            ("tcp://there:99999", "port"),
            ("tcp://there:x", "port"),
            ("tcp://::1:5", "brackets"),
        ] {
            let Err(AddressError::Wrong(reason)) = parse(host) else { panic!("{host} was read") };
            assert!(reason.contains(words), "{host}: {reason}");
        }
    }
}
