//! Names of images as `docker pull` takes them.

use std::net::IpAddr;

const DOCKER_HUB: &str = "docker.io";

/// An image by its full name: `redis` is `docker.io/library/redis:latest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// Host, and port if one is given.
    pub(crate) host: String,
    /// Below the host.
    pub(crate) path: String,
    /// A tag, or a digest with its algorithm.
    pub(crate) version: String,
}

impl Reference {
    /// Reads it; `None` where it names no image.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let lawful = |c: char| c.is_ascii_alphanumeric() || "._-/:@+".contains(c);
        if text.is_empty() || !text.chars().all(lawful) {
            return None;
        }
        let (host, rest) = match text.split_once('/') {
            Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest),
            _ => (DOCKER_HUB, text),
        };
        let (path, version) = match (rest.split_once('@'), rest.rsplit_once(':')) {
            // A tag beside a digest says nothing more.
            (Some((name, digest)), _) => (name.split(':').next().unwrap_or(name), digest),
            (None, Some((path, tag))) => (path, tag),
            (None, None) => (rest, "latest"),
        };
        if path.is_empty() || version.is_empty() || path.contains("//") || version.contains('/') {
            return None;
        }
        let path = if host == DOCKER_HUB && !path.contains('/') { format!("library/{path}") } else { path.to_owned() };
        Some(Self { host: host.to_owned(), path, version: version.to_owned() })
    }

    /// Whether it is named by what it holds.
    pub(crate) fn is_by_digest(&self) -> bool {
        self.version.contains(':')
    }

    /// Where the host's registry answers.
    pub(crate) fn server(&self) -> &str {
        if self.host == DOCKER_HUB { "registry-1.docker.io" } else { &self.host }
    }

    /// Whether the host is so near that clients speak plain HTTP with it.
    pub(crate) fn is_near(&self) -> bool {
        let name = self.host.rsplit_once(':').map_or(self.host.as_str(), |(name, _)| name);
        let is_private = |address: IpAddr| match address {
            IpAddr::V4(address) => address.is_loopback() || address.is_private(),
            IpAddr::V6(address) => address.is_loopback(),
        };
        let ends = |end: &str| name.to_ascii_lowercase().ends_with(end);
        name == "localhost" || ends(".localhost") || ends(".local") || name.parse().is_ok_and(is_private)
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.is_by_digest() { '@' } else { ':' };
        write!(formatter, "{}/{}{sign}{}", self.host, self.path, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_is_completed_as_docker_does() {
        for (given, full) in [
            ("redis", "docker.io/library/redis:latest"),
            ("redis:7", "docker.io/library/redis:7"),
            ("acme/app:1", "docker.io/acme/app:1"),
            ("localhost/app", "localhost/app:latest"),
            ("registry.example.com:5000/acme/reports:2.3", "registry.example.com:5000/acme/reports:2.3"),
            ("library/redis@sha256:34fb", "docker.io/library/redis@sha256:34fb"),
            ("h.example/a:1@sha256:34fb", "h.example/a@sha256:34fb"),
        ] {
            assert_eq!(Reference::parse(given).unwrap().to_string(), full);
        }
        for wrong in ["", "a b", "h.example/", "a:", "a?b", "h.example/a//b"] {
            assert_eq!(Reference::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_what_is_near_is_spoken_to_without_tls() {
        let near = |text: &str| Reference::parse(text).unwrap().is_near();
        for text in ["localhost:5000/a", "127.0.0.1:5000/a", "10.1.2.3/a", "registry.local:5000/a"] {
            assert!(near(text), "{text}");
        }
        assert!(!near("registry.example.com/a") && !near("8.8.8.8/a") && !near("redis"));
    }
}
