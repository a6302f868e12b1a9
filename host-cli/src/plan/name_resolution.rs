//! How a container finds hosts that its network has no names for: lines of its `/etc/hosts`, and name servers. A request of
//! BOSH names `*.service.cf.internal`, which only BOSH's own machines resolve. Pure.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::{Serialize, Serializer};
use shared_model::plain_line::escape_control;
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// The word that engines take for the address of their own machine (Docker 20.10 and newer).
const HOST_GATEWAY: &str = "host-gateway";

/// What a container resolves names with, besides its network.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NameResolution<'a> {
    /// `--add-host`; each of them counts, also where a host is mapped twice.
    pub(crate) hosts: &'a [HostMapping],
    /// `--dns`; empty: the engine's.
    pub(crate) dns: &'a [NameServer],
}

/// One line of `/etc/hosts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostMapping {
    host: String,
    address: HostAddress,
}

/// Where a host name leads.
#[derive(Clone, Debug, PartialEq, Eq)]
enum HostAddress {
    Ip(IpAddr),
    /// The engine's own machine.
    Gateway,
}

/// The address of a name server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NameServer(IpAddr);

/// Why a text is no mapping, or no name server. The text itself is not repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameError {
    /// No `=` and no `:`.
    #[error("write HOST=IP, such as blobstore.service.cf.internal=10.0.16.5")]
    NoMapping,
    /// `*.service.cf.internal`.
    #[error("a host name cannot contain *; map each host, or name a DNS server that knows them with --dns")]
    Wildcard,
    /// The two parts the wrong way round, or no host name at all.
    #[error("{:?} is not a host name; write HOST=IP", escape_control(.0))]
    Host(String),
    /// Not an address.
    #[error("{:?} is not an IP address", escape_control(.0))]
    Address(String),
}

impl NameResolution<'_> {
    /// The mappings as engines take them.
    pub(crate) fn extra_hosts(&self) -> Vec<String> {
        self.hosts.iter().map(|HostMapping { host, address }| format!("{host}:{address}")).collect()
    }

    /// The name servers as engines take them.
    pub(crate) fn servers(&self) -> Vec<String> {
        self.dns.iter().map(|NameServer(address)| address.to_string()).collect()
    }

    /// Who must not be an app: of `hosts` those that the network's names are asked for, and the addresses behind the
    /// others and of the name servers.
    pub(crate) fn asked(&self, hosts: BTreeSet<String>) -> BTreeSet<String> {
        let mut asked = BTreeSet::from_iter(self.servers());
        for host in hosts {
            let mappings = || self.hosts.iter().filter(|mapping| mapping.host.eq_ignore_ascii_case(&host));
            asked.extend(mappings().filter_map(|mapping| match mapping.address {
                HostAddress::Ip(address) => Some(address.to_string()),
                HostAddress::Gateway => None,
            }));
            if mappings().next().is_none() {
                asked.insert(host);
            }
        }
        asked
    }
}

impl FromStr for HostMapping {
    type Err = NameError;

    /// `HOST=IP`, or `HOST:IP` as docker has it.
    fn from_str(typed: &str) -> Result<Self, NameError> {
        let (host, address) = typed.split_once('=').or_else(|| typed.split_once(':')).ok_or(NameError::NoMapping)?;
        let host = checked_host(host)?;
        let address = match address {
            HOST_GATEWAY => HostAddress::Gateway,
            address => HostAddress::Ip(checked_address(address)?),
        };
        Ok(Self { host: host.to_owned(), address })
    }
}

impl FromStr for NameServer {
    type Err = NameError;

    fn from_str(typed: &str) -> Result<Self, NameError> {
        checked_address(typed).map(Self)
    }
}

fn checked_host(host: &str) -> Result<&str, NameError> {
    const LONGEST: usize = 253; // characters, as DNS has it
    const LONGEST_LABEL: usize = 63;
    if host.contains('*') {
        return Err(NameError::Wildcard);
    }
    let is_label = |label: &str| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    };
    let is_name = host.len() <= LONGEST && host.split('.').all(is_label) && host.parse::<IpAddr>().is_err();
    if is_name { Ok(host) } else { Err(NameError::Host(host.to_owned())) }
}

/// An IPv6 address may stand in brackets.
fn checked_address(address: &str) -> Result<IpAddr, NameError> {
    let inner = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let parsed = match inner {
        Some(inner) => inner.parse().map(IpAddr::V6).ok(),
        None => address.parse().ok(),
    };
    parsed.ok_or_else(|| NameError::Address(address.to_owned()))
}

impl fmt::Display for HostAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Gateway => f.write_str(HOST_GATEWAY),
        }
    }
}

/// As it is typed.
impl fmt::Display for HostMapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.host, self.address)
    }
}

/// As it is typed.
impl fmt::Display for NameServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for HostMapping {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for NameServer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HostMapping {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_file(deserializer, "add-host")
    }
}

impl<'de> Deserialize<'de> for NameServer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_file(deserializer, "dns")
    }
}

/// From a text in a file, where an error has to name the key and the value itself.
fn from_file<'de, T: FromStr<Err = NameError>, D: Deserializer<'de>>(
    deserializer: D,
    key: &str,
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|error| D::Error::custom(format!("{key} {}: {error}", escape_control(&text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(typed: &str) -> Result<String, String> {
        typed.parse().map(|mapping: HostMapping| mapping.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_mapping_is_read_as_it_is_typed_here_and_as_it_is_typed_for_docker() {
        for typed in ["a.b=10.0.0.1", "a.b:10.0.0.1"] {
            assert_eq!(mapping(typed).unwrap(), "a.b=10.0.0.1", "{typed}");
        }
        for typed in ["a=::1", "a=[::1]", "a:::1", "a:[::1]", "a:[0:0::1]"] {
            assert_eq!(mapping(typed).unwrap(), "a=::1", "{typed}");
        }
        assert_eq!(mapping("a_b-c:host-gateway").unwrap(), "a_b-c=host-gateway");
    }

    #[test]
    fn what_is_no_mapping_is_refused_with_the_part_that_is_wrong() {
        for (typed, said) in [
            ("", "write HOST=IP, such as"),
            ("a.b", "write HOST=IP, such as"),
            ("=10.0.0.1", r#""" is not a host name"#),
            ("a..b=10.0.0.1", r#""a..b" is not a host name"#),
            ("a b=10.0.0.1", r#""a b" is not a host name"#),
            ("10.0.0.1=a.b", r#""10.0.0.1" is not a host name; write HOST=IP"#),
            ("*.service.cf.internal=10.0.0.1", "a host name cannot contain *; map each host"),
            ("a=", r#""" is not an IP address"#),
            ("a=10.0.0", r#""10.0.0" is not an IP address"#),
            ("a=[10.0.0.1]", r#""[10.0.0.1]" is not an IP address"#),
            ("a=b.c", r#""b.c" is not an IP address"#),
            ("a=fe80::1%eth0", r#""fe80::1%eth0" is not an IP address"#),
        ] {
            let error = mapping(typed).unwrap_err();
            assert!(error.starts_with(said), "{typed}: {error}");
        }
        assert!(mapping(&format!("{}=10.0.0.1", "a".repeat(64))).is_err());
        assert_eq!("dns.google".parse::<NameServer>().unwrap_err().to_string(), r#""dns.google" is not an IP address"#);
        assert_eq!("[::1]".parse::<NameServer>().unwrap().to_string(), "::1");
    }

    #[test]
    fn a_mapped_host_is_asked_for_by_its_address_and_not_by_its_name() {
        let hosts = ["Blobstore=10.0.0.5", "api=host-gateway", "other=10.0.0.9"].map(|text| text.parse().unwrap());
        let dns = ["10.0.0.53".parse().unwrap()];
        let names = NameResolution { hosts: &hosts, dns: &dns };
        let of_request = ["blobstore", "api", "cc-uploader"].map(str::to_owned).into();
        assert_eq!(names.asked(of_request), ["10.0.0.5", "10.0.0.53", "cc-uploader"].map(str::to_owned).into());
        assert_eq!(names.extra_hosts(), ["Blobstore:10.0.0.5", "api:host-gateway", "other:10.0.0.9"]);
    }
}
