//! Egress rules, volume mounts and the other things around a container. Kept so that a request survives parse → write;
//! on plain Docker nothing enforces egress rules, and no driver mounts volumes: `launch --volume-map` gives folders for them.

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

impl VolumeMount {
    /// The volume's id, whichever form the request has; `None`: it has none.
    #[must_use]
    pub fn volume_id(&self) -> Option<&str> {
        let rest = self.rest.reveal();
        let shared = || rest.get("shared")?.get("volume_id");
        let places = [shared(), rest.get("volume_id"), rest.get("deprecated_volume_id")];
        places.into_iter().flatten().find_map(Value::as_str).filter(|id| !id.is_empty())
    }

    /// Where it appears in the container; `None`: the request does not say.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        [&self.container_dir, &self.container_path]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .find(|path| !path.is_empty())
    }

    /// Whether the app may write there: `rw`, in 2016 `RW`. What is not said is not allowed.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        let mode = ["mode", "deprecated_mode"].into_iter().find_map(|name| self.rest.reveal().get(name)?.as_str());
        mode.is_some_and(|mode| mode.eq_ignore_ascii_case("rw"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_is_read_in_all_its_forms() {
        for (json, expected) in [
            (
                r#"{"container_dir":"/v","mode":"rw","shared":{"volume_id":"a","mount_config":"{}"}}"#,
                (Some("a"), Some("/v"), true),
            ),
            (r#"{"container_path":"/v","mode":"RO","volume_id":"a","config":"e30="}"#, (Some("a"), Some("/v"), false)),
            (r#"{"container_dir":"/v","mode":"r","deprecated_volume_id":"a"}"#, (Some("a"), Some("/v"), false)),
            (r#"{"shared":null,"container_dir":""}"#, (None, None, false)),
        ] {
            let mount: VolumeMount = serde_json::from_str(json).unwrap();
            assert_eq!((mount.volume_id(), mount.path(), mount.is_writable()), expected, "{json}");
        }
    }
}
