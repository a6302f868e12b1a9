//! Egress rules, volume mounts and the other things around a container. Kept so that a request survives parse → write;
//! on plain Docker nothing enforces egress rules, and `launch` says so of volume mounts.

use crate::secret::Secret;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A rule for traffic out of the container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EgressRule {
    /// `tcp`, `udp`, `icmp` or `all`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Addresses, networks (`10.0.0.0/8`) or ranges (`10.0.0.1-10.0.0.9`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destinations: Option<Vec<String>>,
    /// Single ports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ports: Option<Vec<u32>>,
    /// A range of ports instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port_range: Option<PortRange>,
    /// For `icmp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icmp_info: Option<IcmpInfo>,
    /// Whether Diego logs matching traffic.
    pub log: bool,
    /// Where the rule comes from; today's requests only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Vec<String>>,
}

/// Ports from `start` to `end`, both included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PortRange {
    /// The first port.
    pub start: u32,
    /// The last port.
    pub end: u32,
}

/// ICMP type and code; -1 means any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IcmpInfo {
    /// The ICMP type.
    pub r#type: i32,
    /// The ICMP code.
    pub code: i32,
}

/// Properties for Diego's container network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Network {
    /// Names and values; empty for requests without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<std::collections::BTreeMap<String, String>>,
}

/// A volume that a driver would mount. The three forms of the years differ too much to be worth one type;
/// `config` and `mount_config` hold credentials.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeMount {
    /// The volume driver: `nfsv3driver`.
    pub driver: String,
    /// Where it appears; 2017 and later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_dir: Option<String>,
    /// Where it appears; 2016.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_path: Option<String>,
    /// Everything else, as it stands in the request.
    #[serde(flatten)]
    pub rest: Secret<serde_json::Map<String, Value>>,
}
